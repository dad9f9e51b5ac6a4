"""Return and length of the running episode, in `info`."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.types import Environment


@struct.dataclass
class RecordEpisodeStatisticsState:
    """`episode_return`: float32 scalar, `episode_length`: int32 scalar, both of the steps taken so far."""

    env_state: Any
    episode_return: jax.Array
    episode_length: jax.Array


@dataclass(frozen=True)
class RecordEpisodeStatistics(Environment):
    """Adds `info["episode"] = {"return": float32, "length": int32}`: undiscounted sum of rewards and number of steps.

    Both count the episode that the step belongs to, this step included; where `terminated | truncated` they are the
    whole episode's. The step after begins again from zero. Observations, rewards, flags and keys pass unchanged.
    """

    env: Environment

    @property
    def default_params(self):
        return self.env.default_params

    @property
    def can_truncate(self):
        return self.env.can_truncate

    def observation_space(self, params):
        return self.env.observation_space(params)

    def action_space(self, params):
        return self.env.action_space(params)

    def max_episode_steps(self, params):
        return self.env.max_episode_steps(params)

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        return observation, RecordEpisodeStatisticsState(env_state, jnp.float32(0), jnp.int32(0))

    def step_env(self, key, state, action, params):
        observation, env_state, reward, terminated, truncated, info = self.env.step_env(
            key, state.env_state, action, params
        )
        episode_return, episode_length = state.episode_return + reward, state.episode_length + 1
        info = {**info, "episode": {"return": episode_return, "length": episode_length}}
        state = RecordEpisodeStatisticsState(env_state, episode_return, episode_length)
        return observation, state, reward, terminated, truncated, info
