"""Validity gates: whether the torso of a cell computes one function in acting and in learning, and whether its
algorithm forgets, replays and evaluates as it says.

    step_equals_sequence, chunks_equal_sequence, reset_equals_fresh, causal     the torso: `memorax.networks.laws`
    agent_reset_equals_fresh    the agent: what it decides in an episode, whatever it remembers of the one before
    replay_equals_rollout       what it learns from first is what it acted, on the parameters that acted
    evaluation_is_pure          the returns of an evaluation depend on its key and on what was learnt, and it changes
                                nothing

`replay_equals_rollout` is "replay/error" of the first update, which each algorithm measures in its own learning: of
those on their policy the largest of |ratio - 1| and |value - value when acted| in the first minibatch; of those off
it the largest relative difference of values and log-probabilities of a rollout, read as a sequence.
"""

import functools
import json
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memorax.algorithms.acting import Timestep, first_timestep, to_space
from memorax.networks import laws
from memorax_bench.cell.compiling import lower
from memorax_bench.records.gates import TOLERANCES

_STEPS = 8  # of an episode, after what may not be remembered


def measure_torso(torso: Any, features: int) -> dict[str, dict[str, Any]]:
    """The laws of `memorax.networks.laws` for a torso that reads `features` numbers."""
    return json.loads(_measured(torso, features))


@functools.lru_cache(maxsize=64)
def _measured(torso: Any, features: int) -> str:
    with jax.default_matmul_precision("highest"):
        program = jax.jit(lambda key: laws.measure(torso, key, features)).lower(jax.random.key(0))
        # not optimised: it runs once
        errors = program.compile({"xla_backend_optimization_level": 0})(jax.random.key(0))
    return json.dumps({law: gate(float(error), TOLERANCES[law]) for law, error in errors.items()})


@functools.lru_cache(maxsize=1)  # the chunks of a cell follow one another
def measure_agent(agent: Any) -> dict[str, Any]:
    """`agent_reset_equals_fresh`, of fresh parameters: its actions and what its networks, actor and critic, say of
    them."""
    with jax.default_matmul_precision("highest"):
        key = jax.random.key(0)
        error = lower(functools.partial(_reset_error, agent), key).compile(once=True).call(key)
    return gate(float(error), TOLERANCES["agent_reset_equals_fresh"])


def _reset_error(agent: Any, key: jax.Array) -> jax.Array:
    """Three episodes: one, a second in the memory that the first has left, and the second again in a fresh memory."""
    init_key, first_key, second_key = jax.random.split(key, 3)
    fresh = agent.init(init_key)
    fresh = fresh.replace(timestep=first_timestep(fresh.timestep.observation, agent.action_space))
    going_on, reward = jnp.zeros_like(fresh.timestep.start), jnp.ones_like(fresh.timestep.previous_reward)

    def step(state: Any, key: jax.Array) -> tuple[Any, Any]:
        carry, drawn, said = agent.decide(key, state)
        seen = jax.tree.map(lambda leaf: jnp.roll(leaf, 1, 0), state.timestep.observation)  # the next environment's
        timestep = Timestep(seen, going_on, to_space(agent.action_space, drawn), reward)
        return state.replace(carry=carry, timestep=timestep), (drawn, said)

    def episode(before: tuple, begin: tuple) -> tuple[tuple, Any]:
        key, remembers = begin
        carry, action, reward = jax.tree.map(lambda used, new: jnp.where(remembers, used, new), before, unused)
        timestep = fresh.timestep.replace(previous_action=action, previous_reward=reward)
        state = fresh.replace(carry=carry, timestep=timestep)
        state, said = jax.lax.scan(step, state, jax.random.split(key, _STEPS))
        return (state.carry, state.timestep.previous_action, state.timestep.previous_reward), said

    unused = (fresh.carry, fresh.timestep.previous_action, fresh.timestep.previous_reward)
    episodes = (jnp.stack([first_key, second_key, second_key]), jnp.array([False, True, False]))
    said = jax.lax.scan(episode, unused, episodes)[1]
    return laws.difference(*(jax.tree.map(lambda leaf, i=i: leaf[i], said) for i in (1, 2)))


def replay_error(agent: Any, logs: dict[str, jax.Array], finite: jax.Array) -> dict[str, jax.Array]:
    """The largest "replay/error" of a segment; nothing of an agent that replays nothing."""
    if not agent.replays:
        return {}
    if "replay/error" not in logs:
        return {"replay_error": jnp.float32(jnp.inf)}  # what is not measured is not passed
    errors = logs["replay/error"]
    # A seed that diverges fails by its numbers, not by this gate: it is judged by its first update.
    return {"replay_error": jnp.where(finite, errors.max(), errors[0])}


def training_elsewhere(state: Any) -> dict[str, Any]:
    """Of another state, what belongs to the environments of training, their memory filled: no evaluation may see it."""
    filled = jax.tree.map(lambda leaf: np.ones(leaf.shape, leaf.dtype), state.carry)
    return {"env_state": state.env_state, "timestep": state.timestep, "carry": filled}


def measure_evaluation(
    jaxpr: Any, evaluate: Callable[[Any], Any], state: Any, evaluation: Any, elsewhere: dict[str, Any]
) -> dict[str, Any]:
    """`evaluation_is_pure`: once more with the same key, and with training `elsewhere`, equal bit for bit.

    jaxpr: of the program of evaluation, which must have no effects; evaluation: what `evaluate(state)` returned on the
    host. That the state is still there says that it was not given to the program to be overwritten.
    """
    if jaxpr.effects or any(leaf.is_deleted() for leaf in jax.tree.leaves(state)):
        return gate(math.inf, TOLERANCES["evaluation_is_pure"])
    again = jax.device_get(evaluate(state.replace(**elsewhere)))
    pairs = zip(jax.tree.leaves(again), jax.tree.leaves(evaluation), strict=True)
    return gate(max(_apart(*pair) for pair in pairs), TOLERANCES["evaluation_is_pure"])


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    """0 where equal bit for bit, else max |a - b| / max |b|; not a number where that is none."""
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-6))


def gate(error: float, tolerance: float) -> dict[str, Any]:
    """Passed or not, and by how much; an error that is not finite has no number."""
    return {"pass": error <= tolerance, "max_rel": error if math.isfinite(error) else None}
