"""DeltaNet: a matrix memory that overwrites what it holds under a key, instead of adding to it.

Source: Schlag et al. 2021, "Linear Transformers Are Secretly Fast Weight Programmers", arXiv 2102.11174, section 4;
Yang et al. 2024, "Parallelizing Linear Transformers with the Delta Rule", arXiv 2406.06484, sections 3.2 (chunks) and
3.3 (layer):

    q, k, v = silu(conv(W x));   q, k are divided by their L2 norms;   b = sigmoid(w x)         (one a head)
    S_t = S_{t-1} (I - b_t k_t k_t^T) + b_t v_t k_t^T            (a head: S is [head_dim, head_dim])
    y_t = S_t q_t;   output = W_o RMSNorm(y)

Each step writes u_t k_t^T with u_t = b_t (v_t - S_{t-1} k_t). In a chunk, the u solve one unit lower triangular
system, after which the chunk is one of linear attention with u as values (the UT transform).
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models import matrix_memory as memory
from memorax.networks.sequence_models.convolution import causal_convolution, empty_window, kernel_initializer
from memorax.networks.types import MemoroidCell, check_sizes


@dataclasses.dataclass(frozen=True)
class DeltaNetConfig:
    """Sizes of a `DeltaNetCell`."""

    features: int  # width of the output
    num_heads: int = 4  # memories side by side
    head_dim: int | None = None  # width of a head's queries, keys and values; null: features / num_heads
    conv_width: int = 4  # steps that the convolution sees
    chunk_length: int = 16  # of the chunked form; moves the speed, not the result

    def __post_init__(self):
        check_sizes(self, "features", "num_heads", "conv_width", "chunk_length")
        check_sizes(self, *["head_dim"] * (self.head_dim is not None))
        memory.head_width(self)


class DeltaNetCell(MemoroidCell):
    """`Memoroid(cell=DeltaNetCell(config=DeltaNetConfig(features=64)))` is the torso."""

    config: DeltaNetConfig

    def setup(self):
        config = self.config
        channels = self._channels
        self.input = nn.Dense(channels + config.num_heads, use_bias=False)
        self.conv = self.param("conv", kernel_initializer(config.conv_width), (config.conv_width, channels))
        self.norm = nn.RMSNorm(epsilon=1e-5)
        self.output = nn.Dense(config.features, use_bias=False)

    @property
    def _channels(self) -> int:
        return 3 * self.config.num_heads * memory.head_width(self.config)

    @nn.nowrap
    def initial_window(self, batch: int):
        return empty_window(batch, self.config.conv_width, self._channels)

    @nn.nowrap
    def initial_state(self, batch: int):
        width = memory.head_width(self.config)
        return jnp.zeros((batch, self.config.num_heads, width, width))

    def lift(self, x, start, window):
        u, beta = jnp.split(self.input(x), [self._channels], -1)
        window, u = causal_convolution(window, u, start, self.conv)
        q, k, v = jnp.split(memory.split_heads(nn.silu(u), 3 * self.config.num_heads), 3, -2)
        return window, (nn.sigmoid(beta), unit(k), v), unit(q)

    @nn.nowrap
    def step(self, state, element):
        return overwrite(state, *element)

    @nn.nowrap
    def read(self, state, context):
        return memory.recall(state, context)

    @property
    def chunk_length(self) -> int:
        return self.config.chunk_length

    @nn.nowrap
    def chunk(self, state, start, element, context):
        remaining = memory.remaining(jnp.zeros((1, 1, self.config.num_heads)), start)
        return delta_chunk(state, *remaining, context, *element)

    def project(self, readout, context):
        return self.output(memory.merge_heads(self.norm(readout)))


def unit(x: jax.Array) -> jax.Array:
    """x[..., K] at an L2 norm of 1; of 0 where x is 0."""
    return x * jax.lax.rsqrt(jnp.square(x).sum(-1, keepdims=True) + 1e-6)


def overwrite(state: jax.Array, beta: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """The delta rule: the value under key k[..., H, K] moves by beta[..., H] towards v[..., H, V]."""
    return state + memory.outer(beta[..., None] * (v - memory.recall(state, k)), k)


def delta_chunk(state, between, carried, q, beta, k, v):
    """A chunk of S_t = a_t S_{t-1} (I - b_t k_t k_t^T) + b_t v_t k_t^T: (state, what the decays a leave by
    `matrix_memory.remaining`, q, b, k, v) -> (last state, y[B, T, H, V])."""
    beta = jnp.swapaxes(beta, 1, 2)[..., None]  # [B, H, T, 1]
    overlap = jnp.einsum("bthk,bshk->bhts", k, k) * between * beta
    held = jnp.einsum("bhvk,bthk->bhtv", state, k) * carried[..., None]
    written = solve(overlap, beta * (jnp.swapaxes(v, 1, 2) - held))
    return memory.attend(state, between, carried, q, k, jnp.swapaxes(written, 1, 2))


def solve(lower: jax.Array, right: jax.Array) -> jax.Array:
    """(I + L)^-1 right, with L[..., T, T] what is strictly below the diagonal of `lower`; right[..., T, V].

    On CPUs `triangular_solve` calls a BLAS for every matrix, which takes a hundred times as long once it shares the
    work of one among threads: from T V = 1024 on, and from half of that the inverse is no slower anyway.
    """
    if right.shape[-2] * right.shape[-1] >= 512:
        return inverse(lower) @ right
    strict = jnp.tril(lower, -1)  # the diagonal of 1 is implied
    return jax.lax.linalg.triangular_solve(strict, right, left_side=True, lower=True, unit_diagonal=True)


def inverse(lower: jax.Array) -> jax.Array:
    """(I + L)^-1 by blocks of twice the size from step to step, as stable as substitution:

    [[A, 0], [B, C]]^-1 = [[A^-1, 0], [-C^-1 B A^-1, C^-1]]
    """
    index = jnp.arange(lower.shape[-1])

    def blocks(level: int) -> jax.Array:  # the B of all pairs of blocks of 2^level rows
        odd = index >> level
        return jnp.where((odd[:, None] % 2 == 1) & (odd[:, None] == odd + 1), lower, 0)

    found = jnp.eye(len(index), dtype=lower.dtype) - blocks(0)
    for level in range(1, (len(index) - 1).bit_length()):
        found = found - found @ blocks(level) @ found
    return found
