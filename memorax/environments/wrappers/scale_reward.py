"""Rewards in other units."""

import math
from dataclasses import dataclass

from memorax.environments.wrappers.base import WrappedState, Wrapper


@dataclass(frozen=True)
class ScaleReward(Wrapper):
    """Multiplies every reward by `scale`. Nothing is remembered. Record statistics inside of it to keep raw returns."""

    scale: float

    def __post_init__(self):
        if not math.isfinite(self.scale) or self.scale == 0:
            raise ValueError(f"ScaleReward: scale = {self.scale!r} must be a finite number other than 0")

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        return observation, WrappedState(env_state)

    def step_env(self, key, state, action, params):
        observation, env_state, reward, *rest = self.env.step_env(key, state.env_state, action, params)
        return observation, WrappedState(env_state), reward * self.scale, *rest
