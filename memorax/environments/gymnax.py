"""gymnax 1.0 (https://github.com/RobertTLange/gymnax) under our contract. gymnax is imported when one is made.

Observations are cast to the dtype of their space (gymnax's Catch and FourRooms return another one), rewards to float32.
"""

import inspect
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from memorax import registry
from memorax.environments import spaces
from memorax.environments.tasks import Option, Task
from memorax.environments.types import Environment, largest

DOWNLOADS_DATA = ("MNISTBandit-bsuite",)  # fetches its images when it is made: it can be made, but is not listed
MEMORY = {  # what has to be remembered; the others show all that matters
    "BernoulliBandit-misc": "which arm has won",
    "GaussianBandit-misc": "what each arm has paid",
    "MemoryChain-bsuite": "the bit that the first two observations show",
    "MetaMaze-misc": "where the goal was found",
    "PointRobot-misc": "where on the circle it was rewarded",
    "SimpleBandit-bsuite": "what each arm has paid",
}
QUIRKS = {
    "MemoryChain-bsuite": ("an episode lasts memory_length + 1 steps, and the context is shown twice",),
    "MetaMaze-misc": ("the episode also ends if the agent is put back exactly onto the goal",),
}
# Where observations leave the bounds that gymnax 1.0.1 states: id -> (entry of the observation, low, high) to widen to.
_WIDER_BOUNDS = {
    "MemoryChain-bsuite": [(0, -1e-6, 1.0), (slice(2, None), -1.0, 1.0)],  # time left, rounded; context bits are +-1
    "MetaMaze-misc": [(-2, -np.inf, np.inf), (-1, -1.0, 1.0)],  # last reward; time, when it is normalised
    "GaussianBandit-misc": [(0, -np.inf, np.inf), (-1, -1.0, 1.0)],  # likewise
    "UmbrellaChain-bsuite": [(2, -1e-6, 1.0)],  # time left, rounded
}


@dataclass(frozen=True, eq=False)
class GymnaxEnvironment(Environment):
    """Adapts one gymnax environment. Both flags may be True at once: gymnax reports the time limit independently."""

    environment: Any
    environment_id: str
    can_truncate: ClassVar[bool] = True

    @property
    def default_params(self):
        return self.environment.default_params

    def observation_space(self, params):
        space = _convert(self.environment.observation_space, params)
        if self.environment_id not in _WIDER_BOUNDS:
            return space
        low, high = (bound.copy() for bound in space.bounds())
        for entry, at_least, at_most in _WIDER_BOUNDS[self.environment_id]:
            low[entry] = np.minimum(low[entry], at_least)
            high[entry] = np.maximum(high[entry], at_most)
        return spaces.Box(low, high, space.shape, space.dtype)

    def action_space(self, params):
        return _convert(self.environment.action_space, params)

    def max_episode_steps(self, params):
        limit = largest("max_steps_in_episode", params.max_steps_in_episode)
        if self.environment_id == "MemoryChain-bsuite":
            # Its question comes long before the default limit; an evaluation runs up to this bound.
            return min(limit, largest("memory_length", params.memory_length) + 1)
        return limit

    def reset_env(self, key, params):
        observation, state = self.environment.reset_env(key, params)
        # Some fields start as Python numbers: a weak type here would compile every caller twice.
        state = jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.result_type(x)), state)
        return self._cast(observation, params), state

    def step_env(self, key, state, action, params):
        observation, stepped, reward, terminated, info = self.environment.step_env(key, state, action, params)
        truncated = self.environment.is_truncated(stepped, params)
        stepped = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), stepped, state)
        reward, terminated, truncated = jnp.float32(reward), jnp.bool_(terminated), jnp.bool_(truncated)
        return self._cast(observation, params), stepped, reward, terminated, truncated, info

    def _cast(self, observation, params):
        return _cast(self.environment.observation_space(params), observation)


def make(environment_id: str, **options: Any) -> tuple[GymnaxEnvironment, Any]:
    """The gymnax environment of that id and its params.

    Options are fields of its `EnvParams` (such as `max_steps_in_episode`) or arguments of its constructor (such as
    `num_bits`). Raises `ValueError` for an unknown id or option, and for a MemoryChain cut before its question.
    """
    import gymnax

    if environment_id not in gymnax.registered_envs:
        raise registry.unknown("gymnax environment", environment_id, gymnax.registered_envs)
    environment, params = gymnax.make(environment_id)
    field_names = {field.name for field in fields(params)}
    parameters = inspect.signature(type(environment)).parameters.values()
    arguments = {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    for name in options:
        if name not in field_names | arguments:
            raise registry.unknown(f"option of gymnax::{environment_id}", name, field_names | arguments)

    chosen = {name: value for name, value in options.items() if name in arguments - field_names}
    if chosen:
        environment, params = gymnax.make(environment_id, **chosen)
    params = params.replace(**{name: value for name, value in options.items() if name in field_names})
    if environment_id == "MemoryChain-bsuite" and params.memory_length >= params.max_steps_in_episode:
        raise ValueError(
            f"gymnax::{environment_id}: memory_length is {params.memory_length}, but the episode is cut after "
            f"{params.max_steps_in_episode} steps, before its question; "
            f"also pass max_steps_in_episode={params.memory_length + 1} or more"
        )
    return GymnaxEnvironment(environment, environment_id), params


def tasks() -> dict[str, Task]:
    """Every id, as `memorax.environments.tasks` describes; options are the numbers among its params."""
    import gymnax

    described = {}
    for name in gymnax.registered_envs:
        if name in DOWNLOADS_DATA:
            continue
        params = gymnax.make(name)[1]
        values = {field.name: getattr(params, field.name) for field in fields(params)}
        described[name] = Task(
            module=__name__,
            package="gymnax",
            source=f"gymnax, {name.rpartition('-')[2]}",
            memory=MEMORY.get(name, ""),
            quirks=QUIRKS.get(name, ()),
            options={
                key: Option(type(value), value)
                for key, value in values.items()
                if isinstance(value, bool | int | float)
            },
        )
    return described


def _convert(space_of: Any, params: Any) -> spaces.Space:
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(params)):
        raise ValueError("a gymnax space is asked for with traced params; ask for it outside of jit and vmap")
    # gymnax computes bounds with jax.numpy: inside a caller's jit they would be tracers.
    with jax.ensure_compile_time_eval():
        return _convert_space(space_of(params))


def _convert_space(space: Any) -> spaces.Space:
    from gymnax.environments import spaces as theirs

    match space:
        case theirs.Discrete():
            return spaces.Discrete(space.n)
        case theirs.Box():
            return spaces.Box(np.asarray(space.low), np.asarray(space.high), space.shape, space.dtype)
        case theirs.Tuple():
            return spaces.Tuple(tuple(_convert_space(child) for child in space.spaces))
        case theirs.Dict():
            return spaces.Dict({name: _convert_space(child) for name, child in space.spaces.items()})
    raise ValueError(f"gymnax space {space!r} has no counterpart; use Discrete, Box, Tuple or Dict")


def _cast(space: Any, observation: Any) -> Any:
    from gymnax.environments import spaces as theirs

    match space:
        case theirs.Tuple():
            return tuple(_cast(child, part) for child, part in zip(space.spaces, observation, strict=True))
        case theirs.Dict():
            return {name: _cast(child, observation[name]) for name, child in space.spaces.items()}
    return jax.lax.convert_element_type(observation, space.dtype)
