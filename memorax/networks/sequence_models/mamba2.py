"""Mamba-2: a selective state space with one scalar decay a head, and its chunked matrix form.

Source: Dao and Gu 2024, "Transformers are SSMs", arXiv 2405.21060: section 5.2 (block), 6 (chunked algorithm, SSD).

    z, u, dt = W x;    v, B, C = silu(conv(u));    dt = softplus(dt + dt_bias)
    S_t = exp(-dt_t exp(a)) S_{t-1} + dt_t v_t B_t^T          (a head: S is [head_dim, state_dim])
    y_t = S_t C_t + D v_t;    output = W_o RMSNorm(y_t * silu(z_t))

The convolution's window is part of the carry, and forgets at an episode's start as the state does.
"""

import dataclasses
import math

import flax.linen as nn
import jax.numpy as jnp

from memorax.networks.sequence_models import initializers
from memorax.networks.sequence_models.convolution import causal_convolution, empty_window, kernel_initializer
from memorax.networks.sequence_models.linear_recurrence import MatrixRecurrence
from memorax.networks.types import check_sizes


@dataclasses.dataclass(frozen=True)
class Mamba2Config:
    """Sizes of a `Mamba2Cell`."""

    features: int  # width of the output
    state_dim: int = 16  # columns of a head's state (N)
    expand: int = 2  # inner width, in multiples of features
    head_dim: int = 32  # rows of a head's state; divides the inner width
    conv_width: int = 4  # steps that the convolution sees
    chunk_length: int = 32  # of the chunked form; moves the speed, not the result

    def __post_init__(self):
        check_sizes(self, "features", "state_dim", "expand", "head_dim", "conv_width", "chunk_length")
        if self.inner % self.head_dim:
            raise ValueError(
                f"Mamba2Config needs expand * features = {self.inner} to be a multiple of head_dim = {self.head_dim}; "
                f"use head_dim={math.gcd(self.inner, self.head_dim)}"
            )

    @property
    def inner(self) -> int:
        return self.expand * self.features

    @property
    def heads(self) -> int:
        return self.inner // self.head_dim


class Mamba2Cell(MatrixRecurrence):
    """`Memoroid(cell=Mamba2Cell(config=Mamba2Config(features=64)))` is the torso."""

    config: Mamba2Config

    def setup(self):
        config = self.config
        channels = config.inner + 2 * config.state_dim
        self.input = nn.Dense(config.inner + channels + config.heads, use_bias=False)
        self.conv = self.param("conv", kernel_initializer(config.conv_width), (config.conv_width, channels))
        self.conv_bias = self.param("conv_bias", nn.initializers.zeros, (channels,))
        self.dt_bias = self.param("dt_bias", initializers.step_size, (config.heads,))
        self.decay = self.param("decay", initializers.log_uniform(1, 16), (config.heads,))
        self.skip = self.param("skip", nn.initializers.ones, (config.heads,))
        self.norm = nn.RMSNorm()
        self.output = nn.Dense(config.features, use_bias=False)

    @nn.nowrap
    def initial_window(self, batch: int):
        config = self.config
        return empty_window(batch, config.conv_width, config.inner + 2 * config.state_dim)

    @nn.nowrap
    def initial_state(self, batch: int):
        return jnp.zeros((batch, self.config.heads, self.config.head_dim, self.config.state_dim))

    def lift(self, x, start, window):
        config, (batch, time, _) = self.config, x.shape
        z, u, dt = jnp.split(self.input(x), [config.inner, 2 * config.inner + 2 * config.state_dim], -1)
        window, u = causal_convolution(window, u, start, self.conv)
        v, b, c = jnp.split(nn.silu(u + self.conv_bias), [config.inner, config.inner + config.state_dim], -1)
        v = v.reshape(batch, time, config.heads, config.head_dim)
        dt = nn.softplus(dt + self.dt_bias)
        log_decay = -dt * jnp.exp(self.decay)
        return window, (log_decay, v * dt[..., None], b), (c, v, z)

    @nn.nowrap
    def expand(self, element):
        log_decay, v, b = element
        return jnp.exp(log_decay)[..., None, None], v[..., None] * b[..., None, None, :]

    @nn.nowrap
    def read(self, state, context):
        return jnp.einsum("...hdn,...n->...hd", state, context[0])

    @nn.nowrap
    def chunk(self, state, start, element, context):
        log_decay, v, b = element  # [B, T, H], [B, T, H, D], [B, T, N]
        c, time = context[0], start.shape[1]
        total = jnp.cumsum(log_decay, 1)
        episode = jnp.cumsum(start, 1)
        same = (episode[:, :, None] == episode[:, None]) & jnp.tril(jnp.ones((time, time), bool))
        difference = jnp.where(same[..., None], total[:, :, None] - total[:, None], -jnp.inf)
        decay = jnp.exp(difference)  # [B, T, S, H]: how much of step s is left at t
        carried = jnp.exp(total) * (episode == 0)[..., None]  # [B, T, H]: how much of the carry is left at t
        weights = jnp.einsum("btn,bsn->bts", c, b)[..., None] * decay
        readout = jnp.einsum("btsh,bshd->bthd", weights, v)
        readout += jnp.einsum("bhdn,btn->bthd", state, c) * carried[..., None]
        state = state * carried[:, -1, :, None, None]
        state += jnp.einsum("bshd,bsn->bhdn", v * decay[:, -1, ..., None], b)
        return state, readout

    def project(self, readout, context):
        _, v, z = context
        y = readout + self.skip[:, None] * v
        return self.output(self.norm(y.reshape(z.shape) * nn.silu(z)))
