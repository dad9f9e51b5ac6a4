"""Episodes cut by time."""

from dataclasses import dataclass

import jax.numpy as jnp

from memorax.environments.wrappers.base import WrappedState, Wrapper, check_count


@dataclass(frozen=True)
class TimeLimit(Wrapper):
    """Truncates an episode after `max_steps` steps, unless it has ended before; counts from zero in each episode.

    Where the episode ends by itself at that very step, both flags are True, and `terminated` counts.
    """

    max_steps: int

    def __post_init__(self):
        check_count(self, "max_steps", self.max_steps)

    @property
    def truncates(self):
        return True

    def map_max_episode_steps(self, steps):
        return min(steps, self.max_steps)

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        return observation, WrappedState(env_state, jnp.int32(0))

    def step_env(self, key, state, action, params):
        observation, env_state, reward, terminated, truncated, info = self.env.step_env(
            key, state.env_state, action, params
        )
        steps = state.own + 1
        truncated = truncated | (steps >= self.max_steps)
        return observation, WrappedState(env_state, steps), reward, terminated, truncated, info
