"""GLA: gated linear attention, a matrix memory that decays at its own rate for each channel of the keys.

Source: Yang et al. 2023, "Gated Linear Attention Transformers with Hardware-Efficient Training", arXiv 2312.06635,
sections 4.1 (recurrence), 4.3 (chunks) and 4.4 (layer):

    q, k, v, r = W x;   a_t = sigmoid(W_2 W_1 x + b)^(1 / 16)                       (W_1 of rank gate_rank)
    S_t = S_{t-1} diag(a_t) + v_t k_t^T / sqrt(key_dim)                  (a head: S is [head_dim, key_dim])
    y_t = S_t q_t;   output = W_o (LayerNorm(y) * swish(r))

In a chunk, what is left of step s at step t is computed as exp(log a_{s+1} + ... + log a_t), which is at most 1; the
cheaper quotient of two cumulative products overflows where a gate closes.
"""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from memorax.networks.sequence_models import matrix_memory as memory
from memorax.networks.sequence_models.linear_recurrence import MatrixRecurrence
from memorax.networks.types import check_sizes

_TEMPERATURE = 16  # as published: gates are near 1 at initialisation


@dataclasses.dataclass(frozen=True)
class GLAConfig:
    """Sizes of a `GLACell`."""

    features: int  # width of the output
    num_heads: int = 4  # memories side by side
    head_dim: int | None = None  # width of a head's values, at least 2; null: features / num_heads
    key_dim: int | None = None  # width of a head's queries and keys; null: half of head_dim, rounded up
    gate_rank: int = 16  # rank of the projection that gives the decays
    chunk_length: int = 16  # of the chunked form; moves the speed, not the result

    def __post_init__(self):
        check_sizes(self, "features", "num_heads", "gate_rank", "chunk_length")
        check_sizes(self, *(name for name in ("head_dim", "key_dim") if getattr(self, name) is not None))
        memory.check_norm(self, memory.head_width(self))

    @property
    def keys(self) -> int:
        return (memory.head_width(self) + 1) // 2 if self.key_dim is None else self.key_dim


class GLACell(MatrixRecurrence):
    """`Memoroid(cell=GLACell(config=GLAConfig(features=64)))` is the torso."""

    config: GLAConfig

    def setup(self):
        config = self.config
        self.input = nn.Dense(sum(self._parts), use_bias=False)
        self.decay = nn.Dense(config.num_heads * config.keys)
        self.norm = nn.LayerNorm(epsilon=1e-5, use_fast_variance=False)
        self.output = nn.Dense(config.features, use_bias=False)

    @property
    def chunks_pay_on_cpu(self) -> bool:
        return False  # a decay for each pair of steps and channel: as much work as it saves

    @property
    def _parts(self) -> tuple[int, ...]:
        """Widths of q, k, v, r and the input of the decays."""
        keys, values = (self.config.num_heads * width for width in (self.config.keys, memory.head_width(self.config)))
        return keys, keys, values, values, self.config.gate_rank

    @nn.nowrap
    def initial_state(self, batch: int):
        return jnp.zeros((batch, self.config.num_heads, memory.head_width(self.config), self.config.keys))

    def lift(self, x, start, window):
        config = self.config
        q, k, v, r, low = memory.split(self.input(x), self._parts)
        log_decay = nn.log_sigmoid(self.decay(low)) / _TEMPERATURE
        q, k, v, log_decay = (memory.split_heads(part, config.num_heads) for part in (q, k, v, log_decay))
        return window, (log_decay, k * config.keys**-0.5, v), (q, r)

    @nn.nowrap
    def expand(self, element):
        log_decay, k, v = element
        return jnp.exp(log_decay)[..., None, :], memory.outer(v, k)

    @nn.nowrap
    def chunk(self, state, start, element, context):
        (log_decay, k, v), q = element, context[0]
        time = start.shape[1]
        total = jnp.cumsum(log_decay, 1)  # [B, T, H, K]
        episode = jnp.cumsum(start, 1)
        same = (episode[:, :, None] == episode[:, None]) & jnp.tril(jnp.ones((time, time), bool))
        between = jnp.where(same[..., None, None], total[:, :, None] - total[:, None], -jnp.inf)
        kept = jnp.exp(between) * k[:, None]  # [B, T, S, H, K]: the keys of step s as they are at t
        carried = jnp.exp(total) * (episode == 0)[..., None, None]
        readout = jnp.einsum("bths,bshv->bthv", jnp.einsum("bthk,btshk->bths", q, kept), v)
        readout += jnp.einsum("bhvk,bthk->bthv", state, q * carried)
        state = state * carried[:, -1, :, None] + jnp.einsum("bshv,bshk->bhvk", v, kept[:, -1])
        return state, readout

    def project(self, readout, context):
        return self.output(memory.merge_heads(self.norm(readout)) * nn.silu(context[1]))
