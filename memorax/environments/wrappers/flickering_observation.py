"""Observations that are sometimes missing."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from memorax.environments.spaces import Box, Discrete
from memorax.environments.wrappers.base import WrappedState, Wrapper, check_probability


@dataclass(frozen=True)
class FlickeringObservation(Wrapper):
    """Each observation, an episode's first and final included, is missing with `probability`, independently.

    A missing Box is all zeros; a missing Discrete(n) is the additional symbol n, so that it is not mistaken for one.
    Source: Hausknecht and Stone 2015, "Deep Recurrent Q-Learning for POMDPs", arXiv 1507.06527, section 5.
    """

    probability: float

    def __post_init__(self):
        check_probability(self, "probability", self.probability)

    def map_observation_space(self, space, params):
        match space:
            case Discrete():
                return Discrete(space.n + 1)
            case Box():
                low, high = space.bounds()
                return Box(jnp.minimum(low, 0), jnp.maximum(high, 0), space.shape, space.dtype)
        raise ValueError(f"FlickeringObservation needs a Box or Discrete observation space; this one is {space}")

    def _seen(self, key, observation, params):
        space = self.env.observation_space(params)
        nothing = space.n if isinstance(space, Discrete) else 0
        missing = jax.random.bernoulli(key, self.probability)
        return jnp.where(missing, jnp.asarray(nothing, observation.dtype), observation)

    def reset_env(self, key, params):
        env_key, flicker_key = jax.random.split(key)
        observation, env_state = self.env.reset_env(env_key, params)
        return self._seen(flicker_key, observation, params), WrappedState(env_state)

    def step_env(self, key, state, action, params):
        env_key, flicker_key = jax.random.split(key)
        observation, env_state, *rest = self.env.step_env(env_key, state.env_state, action, params)
        return self._seen(flicker_key, observation, params), WrappedState(env_state), *rest
