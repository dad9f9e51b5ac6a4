"""What every wrapper shares: it forwards what it does not change."""

import abc
from dataclasses import dataclass
from typing import Any, final

import jax
from flax import struct

from memorax.environments.spaces import Box, Space
from memorax.environments.types import Environment, Observation, Params, State, Transition


@struct.dataclass
class WrappedState:
    """The state of the environment inside, and `own`, what the wrapper remembers of the episode.

    Both are made anew by `reset_env`, so nothing of an episode can reach the next.
    """

    env_state: Any
    own: Any = ()


@dataclass(frozen=True)
class Wrapper(Environment):
    """An environment made of another. Abstract: a wrapper writes `reset_env` and `step_env`, and says in its docstring
    what happens at an episode's boundary; the `map_` methods and `truncates` are the identity unless overridden.

    The auto-reset is outside of all wrappers, so `info["final_observation"]` is the wrapped observation.
    """

    env: Environment

    @abc.abstractmethod
    def reset_env(self, key: jax.Array, params: Params) -> tuple[Observation, State]:
        """The first observation as wrapped, and a `WrappedState`."""

    @abc.abstractmethod
    def step_env(self, key: jax.Array, state: State, action: Any, params: Params) -> Transition:
        """One step as wrapped, without auto-reset."""

    def map_observation_space(self, space: Space, params: Params) -> Space:
        """The space of wrapped observations, from that inside."""
        return space

    def map_action_space(self, space: Space) -> Space:
        """The space of the actions that the wrapper takes, from that inside."""
        return space

    def map_max_episode_steps(self, steps: int) -> int:
        """The longest episode, from that inside."""
        return steps

    @property
    def truncates(self) -> bool:
        """Whether the wrapper itself may cut an episode."""
        return False

    @final
    @property
    def default_params(self):
        return self.env.default_params

    @final
    @property
    def can_truncate(self):
        return self.truncates or self.env.can_truncate

    @final
    def observation_space(self, params):
        return self.map_observation_space(self.env.observation_space(params), params)

    @final
    def action_space(self, params):
        return self.map_action_space(self.env.action_space(params))

    @final
    def max_episode_steps(self, params):
        return self.map_max_episode_steps(self.env.max_episode_steps(params))


def need_box(wrapper: Any, what: str, space: Space) -> Box:
    """`space`, which has to be a Box of floats; `ValueError` otherwise."""
    if not isinstance(space, Box) or space.dtype.kind != "f":
        raise ValueError(f"{type(wrapper).__name__} needs a Box of floats as {what} space; this one is {space}")
    return space


def check_probability(wrapper: Any, name: str, value: float) -> None:
    """`ValueError` unless 0 <= value <= 1."""
    if not 0 <= value <= 1:
        raise ValueError(f"{type(wrapper).__name__}: {name} = {value!r} must be between 0 and 1")


def check_count(wrapper: Any, name: str, value: int, least: int = 1) -> None:
    """`ValueError` unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{type(wrapper).__name__}: {name} = {value!r} must be a whole number of at least {least}")
