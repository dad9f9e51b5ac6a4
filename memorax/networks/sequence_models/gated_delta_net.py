"""Gated DeltaNet: the delta rule of DeltaNet with the decay of Mamba-2.

Source: Yang et al. 2024, "Gated Delta Networks: Improving Mamba2 with Delta Rule", arXiv 2412.06464, section 3:

    q, k, v = silu(conv(W x));   q, k are divided by their L2 norms;   b = sigmoid(w_b x)       (one a head)
    a_t = exp(-exp(decay) softplus(w_a x + dt_bias))                                            (one a head)
    S_t = a_t S_{t-1} (I - b_t k_t k_t^T) + b_t v_t k_t^T      (a head: S is [value_factor * head_dim, head_dim])
    y_t = S_t q_t;   output = W_o (RMSNorm(y) * silu(W_g x))
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from memorax.networks.sequence_models import initializers
from memorax.networks.sequence_models import matrix_memory as memory
from memorax.networks.sequence_models.convolution import causal_convolution, empty_window, kernel_initializer
from memorax.networks.sequence_models.delta_net import delta_chunk, overwrite, unit
from memorax.networks.types import MemoroidCell, check_sizes


@dataclasses.dataclass(frozen=True)
class GatedDeltaNetConfig:
    """Sizes of a `GatedDeltaNetCell`."""

    features: int  # width of the output
    num_heads: int = 4  # memories side by side, each with its own decay
    head_dim: int | None = None  # width of a head's queries and keys; null: features / num_heads
    value_factor: int = 2  # width of a head's values, in multiples of head_dim
    conv_width: int = 4  # steps that the convolution sees
    chunk_length: int = 8  # of the chunked form; moves the speed, not the result

    def __post_init__(self):
        check_sizes(self, "features", "num_heads", "value_factor", "conv_width", "chunk_length")
        check_sizes(self, *["head_dim"] * (self.head_dim is not None))
        memory.head_width(self)

    @property
    def keys(self) -> int:
        return self.num_heads * memory.head_width(self)

    @property
    def values(self) -> int:
        return self.value_factor * self.keys


class GatedDeltaNetCell(MemoroidCell):
    """`Memoroid(cell=GatedDeltaNetCell(config=GatedDeltaNetConfig(features=64)))` is the torso."""

    config: GatedDeltaNetConfig

    def setup(self):
        config = self.config
        channels = 2 * config.keys + config.values
        self.input = nn.Dense(channels + config.values + 2 * config.num_heads, use_bias=False)
        self.conv = self.param("conv", kernel_initializer(config.conv_width), (config.conv_width, channels))
        self.dt_bias = self.param("dt_bias", initializers.step_size, (config.num_heads,))
        self.decay = self.param("decay", initializers.log_uniform(1, 16), (config.num_heads,))
        self.norm = nn.RMSNorm(epsilon=1e-5)
        self.output = nn.Dense(config.features, use_bias=False)

    @nn.nowrap
    def initial_window(self, batch: int):
        return empty_window(batch, self.config.conv_width, 2 * self.config.keys + self.config.values)

    @nn.nowrap
    def initial_state(self, batch: int):
        width = memory.head_width(self.config)
        return jnp.zeros((batch, self.config.num_heads, self.config.value_factor * width, width))

    def lift(self, x, start, window):
        keys, values, heads = self.config.keys, self.config.values, self.config.num_heads
        u, gate, beta, dt = memory.split(self.input(x), (2 * keys + values, values, heads, heads))
        window, u = causal_convolution(window, u, start, self.conv)
        q, k, v = (memory.split_heads(part, heads) for part in memory.split(nn.silu(u), (keys, keys, values)))
        log_decay = -jnp.exp(self.decay) * nn.softplus(dt + self.dt_bias)
        return window, (log_decay, nn.sigmoid(beta), unit(k), v), (unit(q), gate)

    @nn.nowrap
    def step(self, state, element):
        log_decay, *written = element
        return overwrite(jnp.exp(log_decay)[..., None, None] * state, *written)

    @nn.nowrap
    def read(self, state, context):
        return memory.recall(state, context[0])

    @property
    def chunk_length(self) -> int:
        return self.config.chunk_length

    @nn.nowrap
    def chunk(self, state, start, element, context):
        log_decay, *written = element
        return delta_chunk(state, *memory.remaining(log_decay, start), context[0], *written)

    def project(self, readout, context):
        return self.output(memory.merge_heads(self.norm(readout)) * nn.silu(context[1]))
