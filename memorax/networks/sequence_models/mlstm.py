"""mLSTM: an LSTM with a matrix memory and exponential input gates.

Source: Beck et al. 2024, "xLSTM", arXiv 2405.04517, section 2.3, equations 19-27 (15-17 for the stabiliser); the
layer around it is that of xLSTM 7B (Beck et al. 2025, arXiv 2503.13427): no convolution, a norm for each head.

    q, k, v, o = W x;   i = exp(w_i x + b_i);   f = sigmoid(w_f x + b_f)            (i, f: one a head)
    C_t = f_t C_{t-1} + i_t v_t k_t^T / sqrt(head_dim),   n_t = f_t n_{t-1} + i_t k_t / sqrt(head_dim)
    h_t = C_t q_t / max(|n_t . q_t|, 1);   output = W_o (sigmoid(o_t) * norm(h_t))

C and n are kept divided by exp(m), m_t = max(log f_t + m_{t-1}, log i_t, 0), so that nothing overflows; the result
does not depend on m. The published m has no lower bound of 0: with it, the denominator's exp(-m) cannot overflow
either, and what is lost is less than a float's last digit of a denominator that is at least 1.
The normaliser n is one more row of C: that of a value which is always 1.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models import matrix_memory as memory
from memorax.networks.types import MemoroidCell, check_sizes


@dataclasses.dataclass(frozen=True)
class MLSTMConfig:
    """Sizes of an `MLSTMCell`."""

    features: int  # width of the output
    num_heads: int = 4  # memories side by side, each with its own gates
    head_dim: int | None = None  # width of a head's queries, keys and values, at least 2; null: features / num_heads
    chunk_length: int = 16  # of the chunked form; moves the speed, not the result

    def __post_init__(self):
        check_sizes(self, "features", "num_heads", "chunk_length")
        check_sizes(self, *["head_dim"] * (self.head_dim is not None))
        memory.check_norm(self, memory.head_width(self))


class MLSTMCell(MemoroidCell):
    """`Memoroid(cell=MLSTMCell(config=MLSTMConfig(features=64)))` is the torso."""

    config: MLSTMConfig

    def setup(self):
        heads, inner = self.config.num_heads, self.config.num_heads * memory.head_width(self.config)
        self.input = nn.Dense(4 * inner, use_bias=False)
        self.gates = nn.Dense(2 * heads, kernel_init=nn.initializers.zeros, bias_init=_gate_initializer)
        self.norm = nn.GroupNorm(heads, epsilon=1e-5, reduction_axes=-1, use_bias=False, use_fast_variance=False)
        self.output = nn.Dense(self.config.features, use_bias=False)

    @nn.nowrap
    def initial_state(self, batch: int):
        heads, width = self.config.num_heads, memory.head_width(self.config)
        return jnp.zeros((batch, heads)), jnp.zeros((batch, heads, width + 1, width))

    def lift(self, x, start, window):
        q, k, v, o = jnp.split(memory.split_heads(self.input(x), 4 * self.config.num_heads), 4, -2)
        log_i, f = jnp.split(self.gates(x), 2, -1)
        m = jax.lax.stop_gradient(jnp.maximum(log_i, 0))
        k = k * (jnp.exp(log_i - m) * k.shape[-1] ** -0.5)[..., None]
        v = jnp.concatenate([v, jnp.ones_like(v[..., :1])], -1)
        return window, (nn.log_sigmoid(f), m, k, v), (q, o)

    @nn.nowrap
    def expand(self, element):
        log_f, m, k, v = element
        return log_f, m, memory.outer(v, k)

    @nn.nowrap
    def step(self, state, element):
        (m_before, memory_before), (log_f, m_new, new) = state, element
        m = jax.lax.stop_gradient(jnp.maximum(log_f + m_before, m_new))
        kept, written = jnp.exp(log_f + m_before - m), jnp.exp(m_new - m)
        return m, kept[..., None, None] * memory_before + written[..., None, None] * new

    @property
    def associative(self) -> bool:
        return True

    @nn.nowrap
    def combine(self, left, right):
        return left[0] + right[0], *self.step(left[1:], right)

    @nn.nowrap
    def read(self, state, context):
        m, matrix = state
        return _normalise(memory.recall(matrix, context[0]), m)

    @property
    def chunk_length(self) -> int:
        return self.config.chunk_length

    @nn.nowrap
    def chunk(self, state, start, element, context):
        (m_before, matrix), (log_f, m_new, k, v) = state, element
        between, carried = memory.log_remaining(log_f, start)
        between += jnp.swapaxes(m_new, 1, 2)[:, :, None]
        carried += m_before[..., None]
        m = jax.lax.stop_gradient(jnp.maximum(between.max(-1), carried))  # [B, H, T]
        between, carried = jnp.exp(between - m[..., None]), jnp.exp(carried - m)
        matrix, answer = memory.attend(matrix, between, carried, context[0], k, v)
        return (m[..., -1], matrix), _normalise(answer, jnp.swapaxes(m, 1, 2))

    def project(self, readout, context):
        return self.output(nn.sigmoid(memory.merge_heads(context[1])) * self.norm(memory.merge_heads(readout)))


def _normalise(answer: jax.Array, m: jax.Array) -> jax.Array:
    """answer[..., H, V + 1], whose last row is n . q, m[..., H] -> h[..., H, V]."""
    return answer[..., :-1] / jnp.maximum(jnp.abs(answer[..., -1:]), jnp.exp(-m)[..., None])


def _gate_initializer(key: jax.Array, shape: tuple[int, ...], dtype=jnp.float32) -> jax.Array:
    """Input gates from N(0, 0.1), forget gates evenly from 3 to 6: memories of 20 to 400 steps."""
    heads = shape[0] // 2
    return jnp.concatenate([0.1 * jax.random.normal(key, (heads,), dtype), jnp.linspace(3, 6, heads, dtype=dtype)])
