"""RTU: recurrent trace units, a diagonal complex recurrence written in real numbers.

Source: Elelimy et al. 2024, "Real-Time Recurrent Learning using Trace Units in Reinforcement Learning",
arXiv 2409.01449 (units with and without a nonlinear recurrence):

    r = exp(-exp(nu)),  theta = exp(phase),  norm = sqrt(1 - r^2)
    a_t = r cos(theta) * a_{t-1} - r sin(theta) * b_{t-1} + norm * (W_a x_t)
    b_t = r cos(theta) * b_{t-1} + r sin(theta) * a_{t-1} + norm * (W_b x_t)
    linear:     y_t = f([a_t; b_t])
    nonlinear:  a_t and b_t pass through f before they are the state and the output

What differs from the LRU: norm follows r while r learns, both parts of the state are the output, and f may stand
inside the recurrence. The linear variant is the default, since only it has a parallel form.
"""

import dataclasses
import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models.linear_recurrence import ComplexRecurrence, complex_step
from memorax.networks.sequence_models.lru import phase_initializer, ring_initializer
from memorax.networks.types import check_sizes

ACTIVATIONS = {"relu": nn.relu, "tanh": jnp.tanh, "identity": lambda x: x}


@dataclasses.dataclass(frozen=True)
class RTUConfig:
    """Sizes, variant and initialisation of an `RTUCell`."""

    features: int  # width of the output: both parts of features / 2 complex units; even
    linear: bool = True  # whether the recurrence is linear, with the activation on the output only
    activation: str = "relu"  # f: "relu", "tanh" or "identity"
    r_min: float = 0.0  # smallest modulus of an eigenvalue at initialisation
    r_max: float = 1.0  # largest modulus of an eigenvalue at initialisation
    max_phase: float = 2 * math.pi  # largest angle of an eigenvalue at initialisation, in radians

    def __post_init__(self):
        check_sizes(self, "features")
        if self.features % 2:
            raise ValueError(f"RTUConfig needs an even number of features, two a unit; features={self.features}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"RTUConfig: activation = {self.activation!r} must be one of {sorted(ACTIVATIONS)}")
        if not 0 <= self.r_min < self.r_max <= 1:
            raise ValueError(f"RTUConfig needs 0 <= r_min < r_max <= 1; r_min={self.r_min}, r_max={self.r_max}")
        if not self.max_phase > 0:
            raise ValueError(f"RTUConfig needs max_phase > 0; max_phase={self.max_phase}")

    @property
    def units(self) -> int:
        return self.features // 2


class RTUCell(ComplexRecurrence):
    """`Memoroid(cell=RTUCell(config=RTUConfig(features=64)))` is the torso."""

    config: RTUConfig

    def setup(self):
        config = self.config
        self.nu = self.param("nu", ring_initializer(config.r_min, config.r_max), (config.units,))
        self.theta = self.param("theta", phase_initializer(config.max_phase), (config.units,))
        self.input = nn.Dense(config.features, use_bias=False)

    @nn.nowrap
    def initial_state(self, batch: int):
        return (jnp.zeros((batch, self.config.units)),) * 2

    @property
    def diagonal(self) -> bool:
        return True

    def lift(self, x, start, window):
        rate, phase = jnp.exp(self.nu), jnp.exp(self.theta)
        modulus = jnp.exp(-rate)
        eigenvalue = (modulus * jnp.cos(phase))[None, None], (modulus * jnp.sin(phase))[None, None]
        norm = jnp.sqrt(-jnp.expm1(-2 * rate) + 1e-8)  # guarded, because the slope of a root at 0 is infinite
        real, imaginary = jnp.split(self.input(x), 2, -1)
        return window, (eigenvalue, (norm * real, norm * imaginary)), ()

    @property
    def associative(self) -> bool:
        return self.config.linear

    @nn.nowrap
    def step(self, state, element):
        state = complex_step(state, element)
        return state if self.config.linear else jax.tree.map(self._activation, state)

    def project(self, readout, context):
        return self._activation(readout) if self.config.linear else readout

    @nn.nowrap
    def _activation(self, x: jax.Array) -> jax.Array:
        return ACTIVATIONS[self.config.activation](x)
