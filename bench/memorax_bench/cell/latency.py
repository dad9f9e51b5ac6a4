"""What one action costs: the time from an observation to an action, of one environment."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from memorax.algorithms.acting import first_timestep
from memorax_bench.cell.compiling import lower

_WARM_UP, _STEPS, _SECONDS = 20, 300, 0.5  # no more steps than fit into so many seconds


def step_seconds(agent: Any, states: Any) -> float:
    """Median seconds of an acting step of batch 1, with the parameters of the first of several seeds' states.

    Encoding, network and drawing the action, each step with the memory after the one before; no step of the
    environment. Waits for every step, as one who acts on the answer does.
    """
    timestep = first_timestep(agent.observation_space.zeros((1,)), agent.action_space)
    timestep = timestep.replace(start=jnp.zeros_like(timestep.start))
    carry, key = agent.networks.initialize_carry(1), jax.random.key(0)
    function, leaves = _acting(agent, states, key, timestep, carry)
    act = lower(function, leaves, key, timestep, carry).compile().call
    seconds = []
    while len(seconds) < _WARM_UP + _STEPS and sum(seconds[_WARM_UP:]) < _SECONDS:
        begin = time.perf_counter()
        carry, _ = jax.block_until_ready(act(leaves, key, timestep, carry))
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[_WARM_UP:] or seconds)


def _acting(agent: Any, states: Any, *arguments: Any) -> tuple[Callable, list[jax.Array]]:
    """`agent.act` as a function of those leaves of a state that it reads, and these leaves of the first seed: what it
    does not read, such as a replay buffer, is neither copied nor passed at every step."""
    leaves, structure = jax.tree.flatten(jax.eval_shape(lambda: jax.tree.map(lambda leaf: leaf[0], states)))

    def act(read: dict[int, Any], *arguments: Any) -> Any:
        return agent.act(arguments[0], structure.unflatten([read.get(i) for i in range(len(leaves))]), *arguments[1:])

    jaxpr = jax.make_jaxpr(act)(dict(enumerate(leaves)), *arguments).jaxpr
    used = {id(variable) for equation in jaxpr.eqns for variable in equation.invars}
    kept = [i for i, variable in enumerate(jaxpr.invars[: len(leaves)]) if id(variable) in used]
    every = jax.tree.leaves(states)
    first = lower(lambda some: [leaf[0] for leaf in some], [every[i] for i in kept]).compile(once=True)
    return lambda some, *rest: act(dict(zip(kept, some, strict=True)), *rest), first.call([every[i] for i in kept])
