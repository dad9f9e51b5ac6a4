"""Evaluation: whole episodes, one in each environment, that leave no trace in training."""

from collections.abc import Callable
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from memorax.algorithms.acting import Timestep, first_timestep, step_environments
from memorax.environments.spaces import Space
from memorax.environments.types import Environment
from memorax.networks.types import Carry

Act = Callable[[jax.Array, Timestep, Carry], tuple[Carry, Any]]


@flax.struct.dataclass
class Evaluation:
    """E whole episodes of equal weight."""

    returns: jax.Array  # [E] float32, undiscounted sum of rewards
    lengths: jax.Array  # [E] int32, steps
    finished: jax.Array  # [E] bool: the episode ended by itself


def evaluate_episodes(
    key: jax.Array,
    act: Act,
    carry: Carry,
    env: Environment,
    env_params: Any,
    action_space: Space,
    max_steps: int,
    num_episodes: int,
) -> Evaluation:
    """One episode in each of `num_episodes` fresh environments.

    act(key, timestep, carry) -> (carry, action) for `num_episodes` environments at once. Runs until the slowest
    episode has ended, at most `max_steps`; what an environment does after its first episode is not counted,
    so short episodes weigh no more than long ones. `action_space` comes from outside, because `env_params` may be
    traced, and a space needs concrete ones.
    """
    reset_key, loop_key = jax.random.split(key)
    observation, env_state = jax.vmap(env.reset, in_axes=(0, None))(
        jax.random.split(reset_key, num_episodes), env_params
    )
    timestep = first_timestep(observation, action_space)
    begin = Evaluation(
        returns=jnp.zeros(num_episodes),
        lengths=jnp.zeros(num_episodes, jnp.int32),
        finished=jnp.zeros(num_episodes, bool),
    )

    def running(loop: tuple) -> jax.Array:
        time, *_, result = loop
        return (time < max_steps) & ~result.finished.all()

    def step(loop: tuple) -> tuple:
        time, env_state, timestep, carry, result = loop
        act_key, step_key = jax.random.split(jax.random.fold_in(loop_key, time))
        carry, action = act(act_key, timestep, carry)
        observation, env_state, reward, terminated, truncated, _ = step_environments(
            step_key, env, env_params, env_state, action
        )
        done = terminated | truncated
        result = Evaluation(
            returns=result.returns + jnp.where(result.finished, 0.0, reward),
            lengths=result.lengths + ~result.finished,
            finished=result.finished | done,
        )
        return time + 1, env_state, Timestep(observation, done, action, reward), carry, result

    *_, result = jax.lax.while_loop(running, step, (jnp.int32(0), env_state, timestep, carry, begin))
    return result
