"""The pendulum that POPGym's Pendulum families hide the velocity of: gymnasium's Pendulum in float32.

A pendulum hangs from a joint on which a torque acts, too weak to lift it in one go. `physical` is float32 `[2]`: its
angle from upright in radians, kept within -pi and pi, which nothing depends on but the precision, and its angular
velocity.

Source: gymnasium's `Pendulum-v1`.
"""

import abc
import math
from typing import ClassVar, final

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.popgym import draws
from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.spaces import Box, Dict
from memorax.environments.types import largest

GRAVITY = 10.0
MASS = 1.0
LENGTH = 1.0
TIME_STEP = 0.05

MAX_SPEED = 8.0
MAX_TORQUE = 2.0
INITIAL_SPEED = 1.0

# Half of the largest cost of a step, pi**2 + 0.1 * 8**2 + 0.001 * 2**2, as the original rounds it.
HALF_COST = 16.2736044 / 2

POSITIONS = Box(-1.0, 1.0, (2,))
TORQUES = Box(-MAX_TORQUE, MAX_TORQUE, (1,))


@struct.dataclass
class PendulumParams:
    """`episode_length`: the steps in an episode."""

    episode_length: int = 200


@struct.dataclass
class PendulumState:
    """`physical`: float32 `[2]`, see the module; `time`: int32 scalar, the steps so far."""

    physical: jax.Array
    time: jax.Array


def initial(key: jax.Array) -> jax.Array:
    """The physical state in which an episode begins: any angle, a velocity within 1 of 0, both uniform."""
    high = jnp.array([math.pi, INITIAL_SPEED], jnp.float32)
    return 2 * high * jnp.stack([draws.uniform(word) for word in draws.words(key, 2)]) - high


def wrapped(angle: jax.Array) -> jax.Array:
    """The same angle within -pi and pi."""
    return (angle + math.pi) % (2 * math.pi) - math.pi


def advance(physical: jax.Array, action: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The physical state after 0.05 s of the torque `action`, `[1]` and clipped to +-2, and what the step costs."""
    angle, velocity = physical
    torque = jnp.clip(action[0], -MAX_TORQUE, MAX_TORQUE)
    cost = wrapped(angle) ** 2 + 0.1 * velocity**2 + 0.001 * torque**2
    acceleration = 3 * GRAVITY / (2 * LENGTH) * jnp.sin(angle) + 3 / (MASS * LENGTH**2) * torque
    velocity = jnp.clip(velocity + TIME_STEP * acceleration, -MAX_SPEED, MAX_SPEED)
    return jnp.stack([wrapped(angle + TIME_STEP * velocity), velocity]).astype(jnp.float32), cost


def positions(physical: jax.Array) -> jax.Array:
    """The cosine and the sine of the angle, `[2]`."""
    return jnp.stack([jnp.cos(physical[0]), jnp.sin(physical[0])])


class PendulumTask(PopgymEnvironment):
    """What all Pendulum families share; a family adds its limits and how much noise is on what it shows.

    `create` without options makes the default params. They have an `episode_length`: an int, the steps in an episode.
    """

    can_truncate: ClassVar[bool] = True

    @staticmethod
    @abc.abstractmethod
    def create():
        """The environment and its params."""

    @abc.abstractmethod
    def noise_sigma(self, params):
        """Standard deviation of the normal noise on the cosine and the sine shown; None where there is none."""

    @final
    @property
    def default_params(self):
        return self.create()[1]

    @final
    def observation_space(self, params):
        return POSITIONS

    @final
    def action_space(self, params):
        return TORQUES

    @final
    def state_space(self, params):
        high = (1.0, 1.0, MAX_SPEED)
        return Dict({"physical": Box(tuple(-x for x in high), high, (3,)), "progress": Box(0.0, 1.0)})

    @final
    def max_episode_steps(self, params):
        return largest("episode_length", params.episode_length)

    @final
    def reset_env(self, key, params):
        # Two words beyond those of the start.
        return self.reset_with_state(initial(key), self._noise(draws.words(key, 4)[2:], params), params)

    @final
    def reset_with_state(self, physical, noise, params):
        """As `reset_env`, but begins at `physical`, floats `[2]`, and shows it with `noise`, floats `[2]` or None.

        For parity tests.
        """
        state = PendulumState(jnp.asarray(physical, jnp.float32), jnp.int32(0))
        return _with_noise(positions(state.physical), noise), state

    @final
    def step_env(self, key, state, action, params):
        return self.step_with_noise(self._noise(draws.words(key, 2), params), state, action, params)

    @final
    def step_with_noise(self, noise, state, action, params):
        """As `step_env`, but shows what happens with `noise`, floats `[2]` or None. For parity tests."""
        physical, cost = advance(state.physical, action)
        time = state.time + 1
        reward = ((HALF_COST - cost) / HALF_COST / params.episode_length).astype(jnp.float32)
        observation = _with_noise(positions(physical), noise)
        truncated = time >= params.episode_length
        return observation, PendulumState(physical, time), reward, jnp.bool_(False), truncated, {}

    @final
    def full_state(self, state, params):
        physical = jnp.append(positions(state.physical), state.physical[1])
        return {"physical": physical, "progress": (state.time / params.episode_length).astype(jnp.float32)}

    def _noise(self, words, params):
        sigma = self.noise_sigma(params)
        if sigma is None:
            return None
        # A barrier, because each number is vectorised over environments while it is a scalar, but not in an array.
        return sigma * jnp.stack(jax.lax.optimization_barrier([draws.normal(word) for word in words]))


def _with_noise(observation, noise):
    return observation if noise is None else jnp.clip(observation + noise, -1.0, 1.0)
