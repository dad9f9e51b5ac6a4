"""Actions that sometimes repeat."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.wrappers.base import WrappedState, Wrapper, check_probability


@struct.dataclass
class LastAction:
    """`action` that was carried out last; `exists` is False before an episode's first step."""

    action: jax.Array
    exists: jax.Array


@dataclass(frozen=True)
class StickyAction(Wrapper):
    """With `probability` the action carried out at the last step is carried out again in place of the one given.

    An episode's first action is always the one given: there is none to repeat.
    Source: Machado et al. 2018, "Revisiting the Arcade Learning Environment", arXiv 1709.06009, section 5.
    """

    probability: float

    def __post_init__(self):
        check_probability(self, "probability", self.probability)

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        none = LastAction(self.env.action_space(params).zeros(), jnp.bool_(False))
        return observation, WrappedState(env_state, none)

    def step_env(self, key, state, action, params):
        env_key, sticky_key = jax.random.split(key)
        sticks = state.own.exists & jax.random.bernoulli(sticky_key, self.probability)
        action = jax.tree.map(lambda old, new: jnp.where(sticks, old, new), state.own.action, action)
        observation, env_state, *rest = self.env.step_env(env_key, state.env_state, action, params)
        own = jax.tree.map(lambda old, new: new.astype(old.dtype), state.own, LastAction(action, jnp.bool_(True)))
        return observation, WrappedState(env_state, own), *rest
