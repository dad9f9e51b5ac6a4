"""Observations with noise."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from memorax.environments.spaces import Box
from memorax.environments.wrappers.base import WrappedState, Wrapper, need_box


@dataclass(frozen=True)
class NoisyObservation(Wrapper):
    """Adds independent normal noise of standard deviation `sigma` to every observation, an episode's first and final
    included; with `clip`, the sum is clipped to the bounds of the space. Rewards and ends follow the clean state."""

    sigma: float
    clip: bool = False

    def __post_init__(self):
        if not 0 <= self.sigma < np.inf:
            raise ValueError(f"NoisyObservation: sigma = {self.sigma!r} must be finite and 0 or greater")

    def map_observation_space(self, space, params):
        need_box(self, "observation", space)
        return space if self.clip else Box(-np.inf, np.inf, space.shape, space.dtype)

    def _seen(self, key, observation, params):
        noise = self.sigma * jax.random.normal(key, observation.shape, observation.dtype)
        return (
            jnp.clip(observation + noise, *self.env.observation_space(params).bounds())
            if self.clip
            else observation + noise
        )

    def reset_env(self, key, params):
        env_key, noise_key = jax.random.split(key)
        observation, env_state = self.env.reset_env(env_key, params)
        return self._seen(noise_key, observation, params), WrappedState(env_state)

    def step_env(self, key, state, action, params):
        env_key, noise_key = jax.random.split(key)
        observation, env_state, *rest = self.env.step_env(env_key, state.env_state, action, params)
        return self._seen(noise_key, observation, params), WrappedState(env_state), *rest
