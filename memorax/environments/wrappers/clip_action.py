"""Continuous actions of any size."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from memorax.environments.spaces import Box
from memorax.environments.wrappers.base import WrappedState, Wrapper, need_box


@dataclass(frozen=True)
class ClipAction(Wrapper):
    """Takes any real action and clips it to the bounds of the action space inside. Nothing is remembered."""

    def map_action_space(self, space):
        return Box(-np.inf, np.inf, need_box(self, "action", space).shape)

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        return observation, WrappedState(env_state)

    def step_env(self, key, state, action, params):
        low, high = self.env.action_space(params).bounds()
        observation, env_state, *rest = self.env.step_env(key, state.env_state, jnp.clip(action, low, high), params)
        return observation, WrappedState(env_state), *rest
