"""The pendulum that POPGym's Pendulum families hide the velocity of: gymnasium's Pendulum in float32.

A pendulum hangs from a joint on which a torque acts, too weak to lift it in one go. `physical` is float32 `[2]`: its
angle from upright in radians, kept within -pi and pi, which nothing depends on but the precision, and its angular
velocity.

Source: gymnasium's `Pendulum-v1`.
"""

import math

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.spaces import Box, Dict

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
    return jax.random.uniform(key, (2,), minval=-high, maxval=high)


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


def started(physical: jax.Array) -> PendulumState:
    """The state of an episode that begins at `physical`."""
    return PendulumState(jnp.asarray(physical, jnp.float32), jnp.int32(0))


def step(
    state: PendulumState, action: jax.Array, episode_length: int | jax.Array
) -> tuple[PendulumState, jax.Array, jax.Array, jax.Array]:
    """The next state, the reward, terminated and truncated."""
    physical, cost = advance(state.physical, action)
    time = state.time + 1
    reward = ((HALF_COST - cost) / HALF_COST / episode_length).astype(jnp.float32)
    return PendulumState(physical, time), reward, jnp.bool_(False), time >= episode_length


def state_space() -> Dict:
    """The space of `full_state`."""
    high = (1.0, 1.0, MAX_SPEED)
    return Dict({"physical": Box(tuple(-x for x in high), high, (3,)), "progress": Box(0.0, 1.0)})


def full_state(state: PendulumState, episode_length: int | jax.Array) -> dict[str, jax.Array]:
    """`physical`: the cosine and the sine of the angle, without noise, and the velocity; `progress`, the share of the
    steps that is over.
    """
    physical = jnp.append(positions(state.physical), state.physical[1])
    return {"physical": physical, "progress": (state.time / episode_length).astype(jnp.float32)}
