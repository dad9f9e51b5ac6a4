"""Linear attention: softmax attention's kernel replaced by a feature map, which makes it a recurrence.

Source: Katharopoulos et al. 2020, "Transformers are RNNs", arXiv 2006.16236, equations 7 and 16-20:

    q, k, v = W x;   phi(u) = elu(u) + 1
    S_t = S_{t-1} + v_t phi(k_t)^T,   n_t = n_{t-1} + phi(k_t)          (a head: S is [head_dim, head_dim])
    y_t = S_t phi(q_t) / (n_t . phi(q_t) + eps);   output = W_o y

The normaliser n is one more row of S: that of a value which is always 1.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from memorax.networks.sequence_models import matrix_memory as memory
from memorax.networks.types import MemoroidCell, check_sizes

_EPSILON = 1e-6  # as published


@dataclasses.dataclass(frozen=True)
class LinearAttentionConfig:
    """Sizes of a `LinearAttentionCell`."""

    features: int  # width of the output
    num_heads: int = 4  # memories side by side
    head_dim: int | None = None  # width of a head's queries, keys and values; null: features / num_heads
    chunk_length: int = 16  # of the chunked form; moves the speed, not the result

    def __post_init__(self):
        check_sizes(self, "features", "num_heads", "chunk_length")
        check_sizes(self, *["head_dim"] * (self.head_dim is not None))
        memory.head_width(self)


class LinearAttentionCell(MemoroidCell):
    """`Memoroid(cell=LinearAttentionCell(config=LinearAttentionConfig(features=64)))` is the torso."""

    config: LinearAttentionConfig

    def setup(self):
        config = self.config
        self.input = nn.Dense(3 * config.num_heads * memory.head_width(config))
        self.output = nn.Dense(config.features)

    @nn.nowrap
    def initial_state(self, batch: int):
        width = memory.head_width(self.config)
        return jnp.zeros((batch, self.config.num_heads, width + 1, width))

    def lift(self, x, start, window):
        q, k, v = jnp.split(memory.split_heads(self.input(x), 3 * self.config.num_heads), 3, -2)
        v = jnp.concatenate([v, jnp.ones_like(v[..., :1])], -1)
        return window, (nn.elu(k) + 1, v), nn.elu(q) + 1

    @nn.nowrap
    def expand(self, element):
        k, v = element
        return memory.outer(v, k)

    @nn.nowrap
    def step(self, state, element):
        return state + element

    @property
    def associative(self) -> bool:
        return True

    @nn.nowrap
    def combine(self, left, right):
        return left + right

    @nn.nowrap
    def read(self, state, context):
        return memory.recall(state, context)

    @property
    def chunk_length(self) -> int:
        return self.config.chunk_length

    @nn.nowrap
    def chunk(self, state, start, element, context):
        k, v = element
        between, carried = memory.remaining(jnp.zeros((1, 1, self.config.num_heads)), start)
        return memory.attend(state, between, carried, context, k, v)

    def project(self, readout, context):
        y = readout[..., :-1] / (readout[..., -1:] + _EPSILON)
        return self.output(memory.merge_heads(y))
