"""Any observation as one vector of floats."""

import math
from dataclasses import dataclass

import numpy as np

from memorax.environments.encode import encode, encoded_shape
from memorax.environments.spaces import Box
from memorax.environments.wrappers.base import WrappedState, Wrapper


@dataclass(frozen=True)
class FlattenObservation(Wrapper):
    """One-hot for discrete parts, all parts concatenated: a float32 vector. Nothing is remembered."""

    def map_observation_space(self, space, params):
        if isinstance(space, Box):
            low, high = space.bounds()
            return Box(low.ravel(), high.ravel(), (low.size,))
        return Box(-np.inf, np.inf, (math.prod(encoded_shape(space)),))

    def _seen(self, observation, params):
        return encode(self.env.observation_space(params), observation).reshape(-1)

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        return self._seen(observation, params), WrappedState(env_state)

    def step_env(self, key, state, action, params):
        observation, env_state, *rest = self.env.step_env(key, state.env_state, action, params)
        return self._seen(observation, params), WrappedState(env_state), *rest
