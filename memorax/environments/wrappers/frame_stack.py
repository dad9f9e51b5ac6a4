"""The last few observations at once."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from memorax.environments.spaces import Box, Discrete, MultiDiscrete
from memorax.environments.wrappers.base import WrappedState, Wrapper, check_count


@dataclass(frozen=True)
class FrameStack(Wrapper):
    """The last `num_frames` observations, oldest first: along the last axis of a Box, as MultiDiscrete of a Discrete.

    An episode's first observation fills the whole stack, so nothing of the last episode is ever seen.
    Source: Mnih et al. 2015, Nature 518, "Human-level control through deep reinforcement learning", methods.
    """

    num_frames: int

    def __post_init__(self):
        check_count(self, "num_frames", self.num_frames)

    def map_observation_space(self, space, params):
        match space:
            case Discrete():
                return MultiDiscrete((space.n,) * self.num_frames)
            case Box() if space.shape:
                low, high = (np.concatenate([bound] * self.num_frames, -1) for bound in space.bounds())
                return Box(low, high, low.shape, space.dtype)
        raise ValueError(f"FrameStack needs a Discrete observation space or a Box with an axis; this one is {space}")

    def _seen(self, frames):
        return frames if frames.ndim == 1 else jnp.concatenate(list(frames), -1)

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        frames = jnp.repeat(observation[None], self.num_frames, 0)
        return self._seen(frames), WrappedState(env_state, frames)

    def step_env(self, key, state, action, params):
        observation, env_state, *rest = self.env.step_env(key, state.env_state, action, params)
        frames = jnp.concatenate([state.own[1:], observation[None]])
        return self._seen(frames), WrappedState(env_state, frames), *rest
