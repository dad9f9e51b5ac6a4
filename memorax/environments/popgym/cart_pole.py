"""The cart and the pole that POPGym's CartPole families hide parts of: gymnasium's CartPole in float32.

A pole stands on a cart that is pushed left or right in every step. `physical` is float32 `[4]`: the position of the
cart in metres and its velocity, the angle of the pole from upright in radians and its velocity.

Source: Barto, Sutton and Anderson 1983, "Neuronlike adaptive elements that can solve difficult learning control
problems"; equations of motion by Florian 2005, "Correct equations for the dynamics of the cart-pole system", without
friction; gymnasium's `CartPole-v1`.
"""

import abc
import math
from typing import ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from memorax.environments.popgym import draws
from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.spaces import Box, Dict, Discrete
from memorax.environments.types import largest

GRAVITY = 9.8
CART_MASS = 1.0
POLE_MASS = 0.1
HALF_LENGTH = 0.5
FORCE = 10.0
TIME_STEP = 0.02

MAX_POSITION = 2.4
MAX_ANGLE = 12 * 2 * math.pi / 360
INITIAL_RANGE = 0.05

# What is observed and what fails differ by a factor of two, so that a failing state is still inside of the bounds.
OBSERVED = np.array([2 * MAX_POSITION, 2 * MAX_ANGLE], np.float32)
POSITIONS = Box(tuple(-OBSERVED), tuple(OBSERVED), (2,))
VELOCITIES = Box(-np.inf, np.inf, (2,))


@struct.dataclass
class CartPoleParams:
    """`episode_length`: the steps after which an episode is cut."""

    episode_length: int = 200


@struct.dataclass
class CartPoleState:
    """`physical`: float32 `[4]`, see the module; `time`: int32 scalar, the steps so far."""

    physical: jax.Array
    time: jax.Array


def initial(key: jax.Array) -> jax.Array:
    """The physical state in which an episode begins: each entry uniform within 0.05 of 0."""
    numbers = jnp.stack([draws.uniform(word) for word in draws.words(key, 4)])
    return 2 * INITIAL_RANGE * numbers - INITIAL_RANGE


def advance(physical: jax.Array, action: jax.Array) -> jax.Array:
    """The physical state after 0.02 s of a push to the right if `action` is 1, else to the left (explicit Euler)."""
    _, velocity, angle, angular_velocity = physical
    force = jnp.where(action == 1, FORCE, -FORCE)
    mass, sin, cos = CART_MASS + POLE_MASS, jnp.sin(angle), jnp.cos(angle)
    push = (force + POLE_MASS * HALF_LENGTH * angular_velocity**2 * sin) / mass
    angular_acceleration = (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4 / 3 - POLE_MASS * cos**2 / mass))
    acceleration = push - POLE_MASS * HALF_LENGTH * angular_acceleration * cos / mass
    change = jnp.stack([velocity, acceleration, angular_velocity, angular_acceleration])
    return (physical + TIME_STEP * change).astype(jnp.float32)


def has_failed(physical: jax.Array) -> jax.Array:
    """Whether the cart has left the track or the pole has fallen."""
    return (jnp.abs(physical[0]) > MAX_POSITION) | (jnp.abs(physical[2]) > MAX_ANGLE)


def positions(physical: jax.Array) -> jax.Array:
    """The position and the angle, `[2]`."""
    return physical[jnp.array([0, 2])]


def velocities(physical: jax.Array) -> jax.Array:
    """The velocity and the angular velocity, `[2]`."""
    return physical[jnp.array([1, 3])]


class CartPoleTask(PopgymEnvironment):
    """What all CartPole families share; a family adds its limits, what it shows and how much noise is on that.

    `create` without options makes the default params. They have an `episode_length`: an int, the steps after which an
    episode is cut.
    """

    can_truncate: ClassVar[bool] = True

    @staticmethod
    @abc.abstractmethod
    def create():
        """The environment and its params."""

    @abc.abstractmethod
    def first(self, physical):
        """What the reset shows of `physical`, without noise: float32 `[2]`."""

    @abc.abstractmethod
    def shown(self, physical):
        """What a step that led to `physical` shows, without noise: float32 `[2]`."""

    @abc.abstractmethod
    def noise_sigma(self, params):
        """Standard deviation of the normal noise on all that is shown, in its units; None where there is none."""

    @final
    @property
    def default_params(self):
        return self.create()[1]

    @final
    def action_space(self, params):
        return Discrete(2)

    @final
    def state_space(self, params):
        unbounded = np.float32(np.inf)
        high = (OBSERVED[0], unbounded, OBSERVED[1], unbounded)
        return Dict({"physical": Box(tuple(-x for x in high), high, (4,)), "progress": Box(0.0, 1.0)})

    @final
    def max_episode_steps(self, params):
        return largest("episode_length", params.episode_length)

    @final
    def reset_env(self, key, params):
        # Two words beyond those of the start.
        return self.reset_with_state(initial(key), self._noise(draws.words(key, 6)[4:], params), params)

    @final
    def reset_with_state(self, physical, noise, params):
        """As `reset_env`, but begins at `physical`, floats `[4]`, and shows it with `noise`, floats `[2]` or None.

        For parity tests.
        """
        state = CartPoleState(jnp.asarray(physical, jnp.float32), jnp.int32(0))
        return self._with_noise(self.first(state.physical), noise, params), state

    @final
    def step_env(self, key, state, action, params):
        return self.step_with_noise(self._noise(draws.words(key, 2), params), state, action, params)

    @final
    def step_with_noise(self, noise, state, action, params):
        """As `step_env`, but shows what happens with `noise`, floats `[2]` or None. For parity tests."""
        physical, time = advance(state.physical, action), state.time + 1
        # As in the original, the step that fails is rewarded like the others.
        reward = jnp.float32(1) / params.episode_length
        observation = self._with_noise(self.shown(physical), noise, params)
        terminated, truncated = has_failed(physical), time >= params.episode_length
        return observation, CartPoleState(physical, time), reward, terminated, truncated, {}

    @final
    def full_state(self, state, params):
        return {"physical": state.physical, "progress": (state.time / params.episode_length).astype(jnp.float32)}

    def _noise(self, words, params):
        sigma = self.noise_sigma(params)
        if sigma is None:
            return None
        # A barrier, because each number is vectorised over environments while it is a scalar, but not in an array.
        return sigma * jnp.stack(jax.lax.optimization_barrier([draws.normal(word) for word in words]))

    def _with_noise(self, observation, noise, params):
        return observation if noise is None else jnp.clip(observation + noise, *self.observation_space(params).bounds())
