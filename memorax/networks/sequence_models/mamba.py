"""Mamba: a selective state space (S6) with one diagonal state a channel.

Source: Gu and Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arXiv 2312.00752:
algorithm 2 and sections 3.4 (block), 3.6 (initialisation):

    u, z = W x;   u = silu(conv(u));   dt, B, C = W_s u;   dt = softplus(W_dt dt + dt_bias)      (dt of rank dt_rank)
    h_t = exp(-dt_t exp(a)) * h_{t-1} + (dt_t u_t) B_t^T          (h is [inner, state_dim], exp(a) likewise)
    y_t = h_t C_t + D * u_t;   output = W_o (y_t * silu(z_t))

The state decays as by a zero-order hold, the input is scaled by dt as by Euler's rule, as in the published code.
"""

import dataclasses
import math

import flax.linen as nn
import jax.numpy as jnp

from memorax.networks.sequence_models import initializers
from memorax.networks.sequence_models.convolution import causal_convolution, empty_window, kernel_initializer
from memorax.networks.sequence_models.linear_recurrence import LinearRecurrence
from memorax.networks.types import check_sizes


@dataclasses.dataclass(frozen=True)
class MambaConfig:
    """Sizes of a `MambaCell`."""

    features: int  # width of the output
    state_dim: int = 16  # numbers in a channel's state (N)
    expand: int = 2  # inner width, in multiples of features
    conv_width: int = 4  # steps that the convolution sees
    dt_rank: int | None = None  # rank of the projection that gives the step sizes; null: features / 16, rounded up

    def __post_init__(self):
        check_sizes(self, "features", "state_dim", "expand", "conv_width")
        check_sizes(self, "rank")

    @property
    def inner(self) -> int:
        return self.expand * self.features

    @property
    def rank(self) -> int:
        return math.ceil(self.features / 16) if self.dt_rank is None else self.dt_rank


class MambaCell(LinearRecurrence):
    """`Memoroid(cell=MambaCell(config=MambaConfig(features=64)))` is the torso."""

    config: MambaConfig

    def setup(self):
        config = self.config
        self.input = nn.Dense(2 * config.inner, use_bias=False)
        self.conv = self.param("conv", kernel_initializer(config.conv_width), (config.conv_width, config.inner))
        self.conv_bias = self.param("conv_bias", nn.initializers.zeros, (config.inner,))
        self.selection = nn.Dense(config.rank + 2 * config.state_dim, use_bias=False)
        self.dt = nn.Dense(
            config.inner,
            kernel_init=nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform"),  # within 1 / sqrt(rank)
            bias_init=initializers.step_size,
        )
        self.decay = self.param("decay", _decay_initializer, (config.inner, config.state_dim))
        self.skip = self.param("skip", nn.initializers.ones, (config.inner,))
        self.output = nn.Dense(config.features, use_bias=False)

    @nn.nowrap
    def initial_window(self, batch: int):
        return empty_window(batch, self.config.conv_width, self.config.inner)

    @nn.nowrap
    def initial_state(self, batch: int):
        return jnp.zeros((batch, self.config.inner, self.config.state_dim))

    def lift(self, x, start, window):
        u, z = jnp.split(self.input(x), 2, -1)
        window, u = causal_convolution(window, u, start, self.conv)
        u = nn.silu(u + self.conv_bias)
        rank = self.config.rank
        dt, b, c = jnp.split(self.selection(u), [rank, rank + self.config.state_dim], -1)
        dt = nn.softplus(self.dt(dt))
        return window, (-jnp.exp(self.decay)[None, None], dt, dt * u, b), (c, u, z)

    @nn.nowrap
    def expand(self, element):
        rate, dt, u, b = element
        return jnp.exp(rate * dt[..., None]), u[..., None] * b[..., None, :]

    @nn.nowrap
    def read(self, state, context):
        return jnp.einsum("...in,...n->...i", state, context[0])

    def project(self, readout, context):
        _, u, z = context
        return self.output((readout + self.skip * u) * nn.silu(z))


def _decay_initializer(key, shape: tuple[int, int]):
    """The logarithm of decay rates 1, 2, ..., state_dim for every channel (S4D-real), as published."""
    return jnp.log(jnp.broadcast_to(jnp.arange(1.0, shape[1] + 1), shape))
