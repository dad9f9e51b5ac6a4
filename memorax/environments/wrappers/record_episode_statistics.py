"""Return and length of the running episode, in `info`."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.wrappers.base import WrappedState, Wrapper


@struct.dataclass
class EpisodeStatistics:
    """`episode_return`: float32 scalar, `episode_length`: int32 scalar, both of the steps taken so far."""

    episode_return: jax.Array
    episode_length: jax.Array


@dataclass(frozen=True)
class RecordEpisodeStatistics(Wrapper):
    """Adds `info["episode"] = {"return": float32, "length": int32}`: undiscounted sum of rewards and number of steps.

    Both count the episode that the step belongs to, this step included; where `terminated | truncated` they are the
    whole episode's. The step after begins again from zero. Observations, rewards, flags and keys pass unchanged.
    """

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        return observation, WrappedState(env_state, EpisodeStatistics(jnp.float32(0), jnp.int32(0)))

    def step_env(self, key, state, action, params):
        observation, env_state, reward, terminated, truncated, info = self.env.step_env(
            key, state.env_state, action, params
        )
        own = EpisodeStatistics(state.own.episode_return + reward, state.own.episode_length + 1)
        info = {**info, "episode": {"return": own.episode_return, "length": own.episode_length}}
        return observation, WrappedState(env_state, own), reward, terminated, truncated, info
