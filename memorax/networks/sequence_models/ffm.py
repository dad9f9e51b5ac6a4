"""FFM: fast and forgetful memory, decaying and oscillating traces of a gated input.

Source: Morad et al. 2023, "Reinforcement Learning with Fast and Forgetful Memory", arXiv 2310.04128, section 4 (the
aggregator and the cell), initialisation of the published code:

    u_t = (W_1 x_t + b_1) * sigmoid(W_2 x_t + b_2)
    S_t = gamma * S_{t-1} + u_t 1^T,   gamma_jk = exp(-|alpha_j| - i omega_k)          (S: [traces, contexts])
    z_t = W_3 [Re S_t; Im S_t] + b_3,   g_t = sigmoid(W_4 x_t + b_4)
    y_t = LayerNorm(z_t) * g_t + (W_5 x_t + b_5) * (1 - g_t)

gamma is applied once a step. The published form sums gamma^-t u_t over absolute time t, which overflows for long
sequences and makes the memory depend on where a sequence was cut; products of |gamma| <= 1 do neither.
"""

import dataclasses
import math

import flax.linen as nn
import jax.numpy as jnp

from memorax.networks.sequence_models.linear_recurrence import ComplexRecurrence
from memorax.networks.types import check_sizes

FASTEST = math.log(2)  # the largest decay rate that the published code can sum over 1024 steps


@dataclasses.dataclass(frozen=True)
class FFMConfig:
    """Sizes and initialisation of an `FFMCell`."""

    features: int  # width of the output
    trace_dim: int = 32  # decay rates, and the width of the gated input (m)
    context_dim: int = 4  # frequencies by which every trace is turned (c)
    min_period: int = 1  # shortest period of an oscillation at initialisation, in steps
    max_period: int = 1024  # longest period, and the age at which the slowest trace has decayed to 1 %, in steps

    def __post_init__(self):
        check_sizes(self, "features", "trace_dim", "context_dim", "min_period", "max_period")
        if self.min_period > self.max_period:
            raise ValueError(
                f"FFMConfig needs min_period <= max_period; min_period={self.min_period}, max_period={self.max_period}"
            )


class FFMCell(ComplexRecurrence):
    """`Memoroid(cell=FFMCell(config=FFMConfig(features=64)))` is the torso."""

    config: FFMConfig

    def setup(self):
        config = self.config
        self.alpha = self.param("alpha", _decay_initializer(config), (config.trace_dim,))
        self.omega = self.param("omega", _frequency_initializer(config), (config.context_dim,))
        self.input = nn.Dense(2 * config.trace_dim + 2 * config.features)
        self.mix = nn.Dense(config.features)
        self.norm = nn.LayerNorm(epsilon=1e-5, use_scale=False, use_bias=False)

    @nn.nowrap
    def initial_state(self, batch: int):
        return (jnp.zeros((batch, self.config.trace_dim, self.config.context_dim)),) * 2

    def lift(self, x, start, window):
        traces, features = self.config.trace_dim, self.config.features
        u, gate_in, skip, gate_out = jnp.split(self.input(x), [traces, 2 * traces, 2 * traces + features], -1)
        modulus = jnp.exp(-jnp.abs(self.alpha))[:, None]
        gamma = (modulus * jnp.cos(self.omega))[None, None], (-modulus * jnp.sin(self.omega))[None, None]
        return window, (gamma, u * nn.sigmoid(gate_in)), (skip, nn.sigmoid(gate_out))

    @nn.nowrap
    def expand(self, element):
        gamma, u = element
        real = jnp.broadcast_to(u[..., None], (*u.shape, self.config.context_dim))
        return gamma, (real, jnp.zeros_like(real))

    @nn.nowrap
    def read(self, state, context):
        return jnp.concatenate([part.reshape(*part.shape[:-2], -1) for part in state], -1)

    def project(self, readout, context):
        skip, gate = context
        return self.norm(self.mix(readout)) * gate + skip * (1 - gate)


def _decay_initializer(config: FFMConfig):
    """Rates evenly between `FASTEST` and the one at which 1 % is left after max_period steps."""
    slowest = math.log(100) / config.max_period
    return lambda key, shape: jnp.linspace(max(FASTEST, slowest), slowest, *shape)


def _frequency_initializer(config: FFMConfig):
    """Angles a step of periods evenly between min_period and max_period."""
    return lambda key, shape: 2 * math.pi / jnp.linspace(config.min_period, config.max_period, *shape)
