"""The cart and the pole that POPGym's CartPole families hide parts of: gymnasium's CartPole in float32.

A pole stands on a cart that is pushed left or right in every step. `physical` is float32 `[4]`: the position of the
cart in metres and its velocity, the angle of the pole from upright in radians and its velocity.

Source: Barto, Sutton and Anderson 1983, "Neuronlike adaptive elements that can solve difficult learning control
problems"; equations of motion by Florian 2005, "Correct equations for the dynamics of the cart-pole system", without
friction; gymnasium's `CartPole-v1`.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from memorax.environments.spaces import Box, Dict

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
    return jax.random.uniform(key, (4,), minval=-INITIAL_RANGE, maxval=INITIAL_RANGE)


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


def started(physical: jax.Array) -> CartPoleState:
    """The state of an episode that begins at `physical`."""
    return CartPoleState(jnp.asarray(physical, jnp.float32), jnp.int32(0))


def step(
    state: CartPoleState, action: jax.Array, episode_length: int | jax.Array
) -> tuple[CartPoleState, jax.Array, jax.Array, jax.Array]:
    """The next state, the reward, terminated and truncated."""
    physical, time = advance(state.physical, action), state.time + 1
    # As in the original, the step that fails is rewarded like the others.
    reward = jnp.float32(1) / episode_length
    return CartPoleState(physical, time), reward, has_failed(physical), time >= episode_length


def state_space() -> Dict:
    """The space of `full_state`."""
    unbounded = np.float32(np.inf)
    high = (OBSERVED[0], unbounded, OBSERVED[1], unbounded)
    return Dict({"physical": Box(tuple(-x for x in high), high, (4,)), "progress": Box(0.0, 1.0)})


def full_state(state: CartPoleState, episode_length: int | jax.Array) -> dict[str, jax.Array]:
    """`physical` as it is, without noise, and `progress`, the share of the steps that is over."""
    return {"physical": state.physical, "progress": (state.time / episode_length).astype(jnp.float32)}
