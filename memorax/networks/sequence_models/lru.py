"""LRU: the linear recurrent unit, a diagonal complex recurrence.

Source: Orvieto et al. 2023, "Resurrecting Recurrent Neural Networks for Long Sequences", arXiv 2303.06349,
equations 5-8 and section 3.4 (exponential parametrisation, initialisation on a ring, normalisation by gamma):

    lambda = exp(-exp(nu) + i exp(theta)),   s_t = lambda * s_{t-1} + gamma * (B x_t),   y_t = Re(C s_t) + D x_t

Everything is computed on real and imaginary parts: a complex matrix product costs several real ones on a CPU.
"""

import dataclasses
import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models.linear_recurrence import ComplexRecurrence
from memorax.networks.types import check_sizes


@dataclasses.dataclass(frozen=True)
class LRUConfig:
    """Sizes and initialisation of an `LRUCell`."""

    features: int  # width of the output
    state_dim: int | None = None  # complex numbers in the state; null: as many as features
    r_min: float = 0.9  # smallest modulus of an eigenvalue at initialisation
    r_max: float = 0.999  # largest modulus of an eigenvalue at initialisation
    max_phase: float = 2 * math.pi  # largest angle of an eigenvalue at initialisation, in radians

    def __post_init__(self):
        check_sizes(self, "features", "states")
        if not 0 <= self.r_min < self.r_max < 1:
            raise ValueError(f"LRUConfig needs 0 <= r_min < r_max < 1; r_min={self.r_min}, r_max={self.r_max}")

    @property
    def states(self) -> int:
        return self.features if self.state_dim is None else self.state_dim


class LRUCell(ComplexRecurrence):
    """`Memoroid(cell=LRUCell(config=LRUConfig(features=64)))` is the torso."""

    config: LRUConfig

    def setup(self):
        config = self.config
        states = (config.states,)
        self.nu = self.param("nu", ring_initializer(config.r_min, config.r_max), states)
        self.theta = self.param("theta", phase_initializer(config.max_phase), states)
        self.gamma = self.param("gamma", lambda key, shape: _gamma(self.nu), states)
        glorot = nn.initializers.variance_scaling(0.5, "fan_in", "normal")  # B of the paper: each part has half
        self.input = nn.Dense(2 * config.states, use_bias=False, kernel_init=glorot)
        self.output = nn.Dense(config.features, use_bias=False, kernel_init=nn.initializers.lecun_normal())
        self.skip = nn.Dense(config.features, use_bias=False, kernel_init=nn.initializers.lecun_normal())

    @nn.nowrap
    def initial_state(self, batch: int):
        return (jnp.zeros((batch, self.config.states)),) * 2

    @property
    def diagonal(self) -> bool:
        return True

    def lift(self, x, start, window):
        modulus, phase = jnp.exp(-jnp.exp(self.nu)), jnp.exp(self.theta)
        eigenvalue = (modulus * jnp.cos(phase))[None, None], (modulus * jnp.sin(phase))[None, None]
        inputs = self.input(x) * jnp.exp(jnp.tile(self.gamma, 2))
        return window, (eigenvalue, tuple(jnp.split(inputs, 2, -1))), x

    def project(self, readout, context):
        return self.output(readout) + self.skip(context)


def ring_initializer(r_min: float, r_max: float):
    """nu such that the moduli are uniform by area on the ring [r_min, r_max] (paper, lemma 3.2)."""

    def initialize(key, shape):
        uniform = jax.random.uniform(key, shape)
        squared = uniform * (r_max**2 - r_min**2) + r_min**2
        return jnp.log(-0.5 * jnp.log(jnp.clip(squared, 1e-12, 1 - 1e-6)))

    return initialize


def phase_initializer(max_phase: float):
    """theta, the logarithm of an angle uniform in (0, max_phase)."""
    return lambda key, shape: jnp.log(max_phase * jax.random.uniform(key, shape, minval=1e-4))


def _gamma(nu: jax.Array) -> jax.Array:
    """log sqrt(1 - |lambda|^2), which makes the states' variance that of the inputs (paper, equation 7)."""
    return 0.5 * jnp.log(-jnp.expm1(-2 * jnp.exp(nu)))
