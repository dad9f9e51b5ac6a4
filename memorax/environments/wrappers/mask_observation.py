"""Some entries of an observation."""

from dataclasses import dataclass

import jax.numpy as jnp

from memorax.environments.spaces import Box
from memorax.environments.wrappers.base import WrappedState, Wrapper, need_box


@dataclass(frozen=True)
class MaskObservation(Wrapper):
    """Shows only the entries `keep` of a vector, in that order; the first observation and the final one alike."""

    keep: tuple[int, ...]

    def __post_init__(self):
        object.__setattr__(self, "keep", tuple(self.keep))
        if not self.keep or len(set(self.keep)) != len(self.keep):
            raise ValueError(f"MaskObservation: keep = {self.keep} must name at least one entry, each once")

    def map_observation_space(self, space, params):
        (size,) = need_box(self, "observation", space).shape if len(space.shape) == 1 else (0,)
        if not all(0 <= index < size for index in self.keep):
            raise ValueError(f"MaskObservation: keep = {self.keep} must lie in a vector; the observation is {space}")
        low, high = space.bounds()
        return Box(low[list(self.keep)], high[list(self.keep)], (len(self.keep),), space.dtype)

    def _seen(self, observation):
        return observation[jnp.array(self.keep)]

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        return self._seen(observation), WrappedState(env_state)

    def step_env(self, key, state, action, params):
        observation, env_state, *rest = self.env.step_env(key, state.env_state, action, params)
        return self._seen(observation), WrappedState(env_state), *rest
