"""Continuous actions between -1 and 1."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from memorax.environments.spaces import Box
from memorax.environments.wrappers.base import WrappedState, Wrapper, need_box


@dataclass(frozen=True)
class ScaleAction(Wrapper):
    """Takes actions in [-1, 1] and maps them linearly onto the bounds of the action space inside, which must be finite;
    what lies outside of [-1, 1] is clipped first. Nothing is remembered."""

    def map_action_space(self, space):
        low, high = need_box(self, "action", space).bounds()
        if not np.isfinite([low, high]).all():
            raise ValueError(f"ScaleAction needs finite bounds; the action space is {space}. Use ClipAction instead")
        return Box(-1.0, 1.0, space.shape)

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        return observation, WrappedState(env_state)

    def step_env(self, key, state, action, params):
        low, high = self.env.action_space(params).bounds()
        scaled = low + (jnp.clip(action, -1.0, 1.0) + 1.0) / 2.0 * (high - low)
        observation, env_state, *rest = self.env.step_env(key, state.env_state, scaled, params)
        return observation, WrappedState(env_state), *rest
