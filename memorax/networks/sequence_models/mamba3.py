"""Mamba-3: a selective state space with a trapezoidal rule and rotating states.

Source: Lahoti et al. 2026, "Mamba-3: Improved Sequence Modeling using State Space Principles", arXiv 2603.15569; the
single-input single-output form, as in the published code, which has no convolution:

    z, v, B, C, dt, a, l, r = W x;   dt = softplus(dt + dt_bias);   a = min(-softplus(a), -1e-4);   l = sigmoid(l)
    B, C = RMSNorm(B) + B_bias, RMSNorm(C) + C_bias, then pairs of their channels are rotated by the angle phi_t,
    phi_t = phi_{t-1} + pi dt_t tanh(r_t)                                                     (dt, a, l: one a head)
    S_t = exp(dt_t a_t) (S_{t-1} + (1 - l_t) dt_t v_{t-1} B_{t-1}^T) + l_t dt_t v_t B_t^T
    y_t = S_t C_t + D v_t;   output = W_o (y_t * silu(z_t))                  (a head: S is [head_dim, state_dim])

Rotated keys stay in S, so the angle is carried, as a point on the unit circle: it neither grows nor jumps. So are
the last v and B, which the trapezoidal rule weighs once more.
"""

import dataclasses
import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models import initializers
from memorax.networks.sequence_models import matrix_memory as memory
from memorax.networks.sequence_models.linear_recurrence import MatrixRecurrence
from memorax.networks.sequence_models.scans import align
from memorax.networks.types import check_sizes

_SLOWEST = -1e-4  # the largest rate of change of a state: it never grows


@dataclasses.dataclass(frozen=True)
class Mamba3Config:
    """Sizes of a `Mamba3Cell`."""

    features: int  # width of the output
    state_dim: int = 16  # columns of a head's state (N)
    expand: int = 2  # inner width, in multiples of features
    head_dim: int = 32  # rows of a head's state; divides the inner width
    rotated_pairs: int | None = None  # pairs of the state's columns that rotate; null: a quarter of its columns
    chunk_length: int = 16  # of the chunked form; moves the speed, not the result

    def __post_init__(self):
        check_sizes(self, "features", "state_dim", "expand", "head_dim", "chunk_length", "pairs")
        if self.inner % self.head_dim:
            raise ValueError(
                f"Mamba3Config needs expand * features = {self.inner} to be a multiple of head_dim = {self.head_dim}; "
                f"use head_dim={math.gcd(self.inner, self.head_dim)}"
            )
        if 2 * self.pairs > self.state_dim:
            raise ValueError(
                f"Mamba3Config cannot rotate {self.pairs} pairs of state_dim = {self.state_dim} columns; use "
                f"state_dim={2 * self.pairs} or fewer rotated_pairs"
            )

    @property
    def inner(self) -> int:
        return self.expand * self.features

    @property
    def heads(self) -> int:
        return self.inner // self.head_dim

    @property
    def pairs(self) -> int:
        return max(self.state_dim // 4, 1) if self.rotated_pairs is None else self.rotated_pairs

    @property
    def parts(self) -> tuple[int, ...]:
        """Widths of z, v, B, C, dt, a, l, r."""
        return self.inner, self.inner, self.state_dim, self.state_dim, self.heads, self.heads, self.heads, self.pairs


class Mamba3Cell(MatrixRecurrence):
    """`Memoroid(cell=Mamba3Cell(config=Mamba3Config(features=64)))` is the torso."""

    config: Mamba3Config

    def setup(self):
        config = self.config
        rows = (config.heads, config.state_dim)
        self.input = nn.Dense(sum(config.parts), use_bias=False)
        self.b_norm, self.c_norm = nn.RMSNorm(epsilon=1e-5), nn.RMSNorm(epsilon=1e-5)
        self.b_bias = self.param("b_bias", nn.initializers.ones, rows)
        self.c_bias = self.param("c_bias", nn.initializers.ones, rows)
        self.dt_bias = self.param("dt_bias", initializers.step_size, (config.heads,))
        self.skip = self.param("skip", nn.initializers.ones, (config.heads,))
        self.output = nn.Dense(config.features, use_bias=False)

    @nn.nowrap
    def initial_window(self, batch: int):
        config = self.config
        angles = (batch, config.heads, config.pairs)
        return {
            "cos": jnp.ones(angles),
            "sin": jnp.zeros(angles),
            "b": jnp.zeros((batch, config.heads, config.state_dim)),
            "v": jnp.zeros((batch, config.heads, config.head_dim)),
        }

    @nn.nowrap
    def initial_state(self, batch: int):
        return jnp.zeros((batch, self.config.heads, self.config.head_dim, self.config.state_dim))

    def lift(self, x, start, window):
        z, v, b, c, dt, rate, weight, turn = memory.split(self.input(x), self.config.parts)
        v = memory.split_heads(v, self.config.heads)
        dt, weight = nn.softplus(dt + self.dt_bias), nn.sigmoid(weight)
        log_decay = dt * jnp.minimum(-nn.softplus(rate), _SLOWEST)
        angle = math.pi * dt[..., None] * jnp.tanh(turn)[..., None, :]
        cos, sin = _turn(window["cos"], window["sin"], angle, start)
        b = memory.rotate(self.b_norm(b)[..., None, :] + self.b_bias, cos, sin)
        c = memory.rotate(self.c_norm(c)[..., None, :] + self.c_bias, cos, sin)
        b_before, v_before = _shift(window["b"], b, start), _shift(window["v"], v, start)
        before = ((1 - weight) * dt * jnp.exp(log_decay))[..., None] * v_before
        window = {"cos": cos[:, -1], "sin": sin[:, -1], "b": b[:, -1], "v": v[:, -1]}
        return window, (log_decay, b_before, before, b, (weight * dt)[..., None] * v), (c, v, z)

    @nn.nowrap
    def expand(self, element):
        log_decay, b_before, before, b, now = element
        return jnp.exp(log_decay)[..., None, None], memory.outer(before, b_before) + memory.outer(now, b)

    @nn.nowrap
    def chunk(self, state, start, element, context):
        log_decay, b_before, before, b, now = element
        between, carried = memory.remaining(log_decay, start)
        twice = jnp.concatenate([between, between], -1)  # each step writes twice
        keys, values = jnp.concatenate([b_before, b], 1), jnp.concatenate([before, now], 1)
        return memory.attend(state, twice, carried, context[0], keys, values)

    def project(self, readout, context):
        _, v, z = context
        return self.output(memory.merge_heads(readout + self.skip[:, None] * v) * nn.silu(z))


def _turn(cos: jax.Array, sin: jax.Array, angle: jax.Array, start: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The point on the circle after each turn: cos, sin[B, ...], angle[B, T, ...], start[B, T] -> [B, T, ...] twice.

    An episode's first turn starts from the angle 0.
    """

    def join(left, right):
        return left[0] | right[0], jnp.where(align(right[0], right[1]), right[1], left[1] + right[1])

    cut, total = jax.lax.associative_scan(join, (start, angle), axis=1)
    total += jnp.where(align(cut, total), 0.0, jnp.arctan2(sin, cos)[:, None])
    return jnp.cos(total), jnp.sin(total)


def _shift(before: jax.Array, x: jax.Array, start: jax.Array) -> jax.Array:
    """What x was a step ago, 0 at an episode's start: before[B, ...], x[B, T, ...] -> [B, T, ...]."""
    shifted = jnp.concatenate([before[:, None], x[:, :-1]], 1)
    return jnp.where(align(start, shifted), 0.0, shifted)
