"""RetNet: linear attention with a fixed decay a head and rotated queries and keys.

Source: Sun et al. 2023, "Retentive Network", arXiv 2307.08621, equations 5, 6 and 8 (multi-scale retention):

    q, k, v, g = W x;   q_t, k_t are rotated by the angle t * theta, t counted from the episode's start
    S_t = gamma S_{t-1} + v_t k_t^T / sqrt(head_dim)            (a head: S is [value_factor * head_dim, head_dim])
    y_t = S_t q_t;   output = W_o (GroupNorm(y) * swish(g)),   gamma_h = 1 - 2^(-5 - h)

Only the difference of two times matters to an output, yet the time since the start is carried: rotated keys stay in
S, so that later queries have to be rotated on from where the keys were.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.positional_embeddings import count_steps
from memorax.networks.sequence_models import matrix_memory as memory
from memorax.networks.sequence_models.linear_recurrence import MatrixRecurrence
from memorax.networks.types import check_sizes


@dataclasses.dataclass(frozen=True)
class RetNetConfig:
    """Sizes of a `RetNetCell`."""

    features: int  # width of the output
    num_heads: int = 4  # memories side by side, each with its own decay
    head_dim: int | None = None  # width of a head's queries and keys, an even number; null: features / num_heads
    value_factor: int = 2  # width of a head's values, in multiples of head_dim
    chunk_length: int = 16  # of the chunked form; moves the speed, not the result

    def __post_init__(self):
        check_sizes(self, "features", "num_heads", "value_factor", "chunk_length")
        check_sizes(self, *["head_dim"] * (self.head_dim is not None))
        width = memory.head_width(self)
        if width % 2:
            raise ValueError(
                f"RetNetConfig rotates pairs of channels and needs an even head_dim; it is {width}, "
                f"use head_dim={width + 1}"
            )


class RetNetCell(MatrixRecurrence):
    """`Memoroid(cell=RetNetCell(config=RetNetConfig(features=64)))` is the torso."""

    config: RetNetConfig

    def setup(self):
        config = self.config
        self.input = nn.Dense(sum(self._parts), use_bias=False)
        self.norm = nn.GroupNorm(config.num_heads, epsilon=1e-5, reduction_axes=-1, use_fast_variance=False)
        self.output = nn.Dense(config.features, use_bias=False)

    @property
    def _parts(self) -> tuple[int, ...]:
        """Widths of q, k, v and the gate."""
        keys = self.config.num_heads * memory.head_width(self.config)
        return keys, keys, self.config.value_factor * keys, self.config.value_factor * keys

    @nn.nowrap
    def initial_window(self, batch: int):
        return jnp.zeros((batch,), jnp.int32)  # steps since the episode's start

    @nn.nowrap
    def initial_state(self, batch: int):
        width = memory.head_width(self.config)
        return jnp.zeros((batch, self.config.num_heads, self.config.value_factor * width, width))

    def lift(self, x, start, window):
        heads = self.config.num_heads
        q, k, v, gate = memory.split(self.input(x), self._parts)
        q, k, v = (memory.split_heads(part, heads) for part in (q, k, v))
        window, time = count_steps(start, window)
        angle = time[..., None, None] * _frequencies(q.shape[-1])
        log_decay = jnp.log1p(-(2.0 ** (-5 - jnp.arange(heads))))[None, None]
        q, k = (memory.rotate(part, jnp.cos(angle), jnp.sin(angle)) for part in (q, k * q.shape[-1] ** -0.5))
        return window, (log_decay, k, v), (q, gate)

    @nn.nowrap
    def expand(self, element):
        log_decay, k, v = element
        return jnp.exp(log_decay)[..., None, None], memory.outer(v, k)

    @nn.nowrap
    def chunk(self, state, start, element, context):
        log_decay, k, v = element
        return memory.attend(state, *memory.remaining(log_decay, start), context[0], k, v)

    def project(self, readout, context):
        return self.output(self.norm(memory.merge_heads(readout)) * nn.silu(context[1]))


def _frequencies(width: int) -> jax.Array:
    """theta of each pair of channels, from 1 to 1 / 10000 radians a step."""
    return 10000.0 ** -jnp.linspace(0, 1, width // 2)
