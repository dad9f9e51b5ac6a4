"""Observations that arrive late."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from memorax.environments.wrappers.base import WrappedState, Wrapper, check_count


@dataclass(frozen=True)
class DelayedObservation(Wrapper):
    """At step t of an episode shows the observation of step max(t - delay, 0).

    The queue is filled with the first observation when an episode starts, so nothing of the last episode is ever
    seen. The final observation is late as well: it is what the agent would have seen.
    """

    delay: int

    def __post_init__(self):
        check_count(self, "delay", self.delay)

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        queue = jax.tree.map(lambda leaf: jnp.repeat(leaf[None], self.delay, 0), observation)
        return observation, WrappedState(env_state, queue)

    def step_env(self, key, state, action, params):
        observation, env_state, *rest = self.env.step_env(key, state.env_state, action, params)
        seen = jax.tree.map(lambda queue: queue[0], state.own)
        queue = jax.tree.map(lambda queue, new: jnp.concatenate([queue[1:], new[None]]), state.own, observation)
        return seen, WrappedState(env_state, queue), *rest
