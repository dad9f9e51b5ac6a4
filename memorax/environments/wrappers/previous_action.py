"""The previous action and the start of an episode as part of the observation."""

import math
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from memorax.environments.encode import encode, encoded_shape
from memorax.environments.spaces import Box, Dict, Discrete
from memorax.environments.wrappers.base import WrappedState, Wrapper


@dataclass(frozen=True)
class PreviousAction(Wrapper):
    """Observations become {"observation", "previous_action", "start"}.

    `previous_action` is encoded (one-hot where discrete) and all zeros in an episode's first observation, which is not
    the encoding of action 0; `start` is 1 there and 0 elsewhere. Agents of this library are fed both anyway
    (`FeatureExtractor`); this wrapper is for those that are not. POPGym's protocol (arXiv 2303.01859) feeds them, too.
    """

    def map_observation_space(self, space, params):
        action = Box(-np.inf, np.inf, (math.prod(encoded_shape(self.env.action_space(params))),))
        return Dict({"observation": space, "previous_action": action, "start": Discrete(2)})

    def _seen(self, observation, action, start):
        return {"observation": observation, "previous_action": action, "start": jnp.int32(start)}

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        space = self.env.action_space(params)
        none = jnp.zeros(math.prod(encoded_shape(space)))
        return self._seen(observation, none, 1), WrappedState(env_state)

    def step_env(self, key, state, action, params):
        observation, env_state, *rest = self.env.step_env(key, state.env_state, action, params)
        encoded = encode(self.env.action_space(params), action).reshape(-1)
        return self._seen(observation, encoded, 0), WrappedState(env_state), *rest
