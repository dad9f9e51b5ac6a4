"""Attention: causal multi-head self-attention over the last steps of an episode.

Source: Vaswani et al. 2017, "Attention Is All You Need", arXiv 1706.03762, section 3.2; the window and its cache of
keys and values as in Dai et al. 2019, "Transformer-XL", arXiv 1901.02860. A head of width D:

    q_t, k_t, v_t = W x_t
    y_t = sum_s softmax_s(q_t . k_s / sqrt(D)) v_s        over s = max(t - window + 1, the episode's first step) .. t

Keys are remembered before a position is applied to them: a distance is then the same number in every mode.
A sequence is cut into blocks of about `window` steps that each see the block before, O(T * window) in all.
"""

import dataclasses
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from memorax.networks.positional_embeddings import (
    LearnedPosition,
    RelativePosition,
    alibi_slopes,
    count_steps,
    rotate,
)
from memorax.networks.types import Carry, SequenceModel, check_sizes

POSITIONS = ("rope", "alibi", "learned", "relative", "none")
BLOCK = 16  # smallest block: shorter ones would be many small matrix products


@dataclasses.dataclass(frozen=True)
class AttentionConfig:
    """Sizes and positions of an `Attention`."""

    features: int  # width of the output; keys and values have it too
    num_heads: int = 4  # divides features
    window: int = 64  # steps that are attended to, at least 2: the current one is included
    position: str = "rope"  # rope, alibi, learned, relative, or none
    max_position: int = 1024  # rows of the learned table; later steps of an episode share its last row

    def __post_init__(self):
        check_attention(self)
        check_sizes(self, "max_position")
        if self.position not in POSITIONS:
            raise ValueError(f"AttentionConfig: position = {self.position!r} must be one of {', '.join(POSITIONS)}")
        if self.position == "rope" and self.head_dim % 2:
            raise ValueError(
                f"AttentionConfig: rope rotates pairs, and features / num_heads = {self.head_dim} is odd; "
                f"use another num_heads or position"
            )

    @property
    def head_dim(self) -> int:
        return self.features // self.num_heads


def check_attention(config: object) -> None:
    """`ValueError` unless num_heads divides features and the window reaches back."""
    check_sizes(config, "features", "num_heads", "window")
    name = type(config).__name__
    if config.window < 2:
        raise ValueError(f"{name}: window = 1 is the current step alone; use at least 2, or a torso without memory")
    if config.features % config.num_heads:
        allowed = [n for n in range(1, config.num_heads) if config.features % n == 0]
        raise ValueError(
            f"{name} needs features = {config.features} to be a multiple of num_heads = {config.num_heads}; "
            f"use num_heads={allowed[-1]}"
        )


class Attention(SequenceModel):
    """A torso by itself, and the part with memory of `GTrXL` and `GPT2`. Without biases, as published."""

    config: AttentionConfig
    kernel_init: Callable = nn.initializers.lecun_normal()  # of queries, keys and values
    output_init: Callable = nn.initializers.lecun_normal()

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        past = (batch, self.config.window - 1, self.config.num_heads, self.config.head_dim)
        return {"keys": jnp.zeros(past), "values": jnp.zeros(past), "time": jnp.zeros((batch,), jnp.int32)}

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        config, (batch, time, _) = self.config, x.shape
        count, position = count_steps(start, carry["time"])
        if config.position == "learned":
            x = LearnedPosition(config.max_position, name="position")(x, position)
        projected = nn.Dense(3 * config.features, use_bias=False, kernel_init=self.kernel_init, name="input")(x)
        q, k, v = jnp.moveaxis(projected.reshape(batch, time, 3, config.num_heads, config.head_dim), 2, 0)

        length = min(max(config.window, BLOCK), time)
        queries, ages = _blocks(q, length), _blocks(position, length)  # [B, N, L, H, D], [B, N, L]
        keys, values = _with_past(carry["keys"], k, length), _with_past(carry["values"], v, length)
        distance = np.arange(length)[:, None] + config.window - 1 - np.arange(length + config.window - 1)  # [L, S]
        # a key is of the same episode iff it is no further back than the episode's first step
        seen = (distance >= 0) & (distance < config.window) & (distance <= ages[..., None])
        scores = jnp.where(seen[:, :, None], self._scores(queries, keys, distance), -jnp.inf)
        y = jnp.einsum("bnhls,bnshd->bnlhd", nn.softmax(scores), values)
        y = y.reshape(batch, -1, config.features)[:, :time]

        carry = {"keys": _kept(carry["keys"], k, count), "values": _kept(carry["values"], v, count), "time": count}
        return carry, nn.Dense(config.features, use_bias=False, kernel_init=self.output_init, name="output")(y)

    def _scores(self, q: jax.Array, k: jax.Array, distance: np.ndarray) -> jax.Array:
        """q[B, N, L, H, D], k[B, N, S, H, D], distance[L, S] -> [B, N, H, L, S]."""
        config, bias = self.config, 0.0
        match config.position:
            case "rope":
                q, k = rotate(q, config.window - 1), rotate(k, 0)
            case "relative":
                q, bias = RelativePosition(config.window, name="position")(q)
        scores = (jnp.einsum("bnlhd,bnshd->bnhls", q, k) + bias) / config.head_dim**0.5
        if config.position == "alibi":
            scores -= alibi_slopes(config.num_heads)[:, None, None] * distance
        return scores


def _blocks(x: jax.Array, length: int) -> jax.Array:
    """[B, T, ...] -> [B, N, L, ...], zeros after the end."""
    count = -(-x.shape[1] // length)
    x = jnp.pad(x, [(0, 0), (0, count * length - x.shape[1]), *[(0, 0)] * (x.ndim - 2)])
    return x.reshape(x.shape[0], count, length, *x.shape[2:])


def _with_past(past: jax.Array, x: jax.Array, length: int) -> jax.Array:
    """Each block after what came before it: past[B, W-1, ...], x[B, T, ...] -> [B, N, W-1+L, ...].

    Where there are several blocks, each is at least as long as the window, so its past is in the block before it.
    """
    blocks, before = _blocks(x, length), past[:, None]
    if blocks.shape[1] > 1:
        before = jnp.concatenate([before, blocks[:, :-1, length - past.shape[1] :]], 1)
    return jnp.concatenate([before, blocks], 2)


def _kept(past: jax.Array, x: jax.Array, count: jax.Array) -> jax.Array:
    """The last W-1 rows of past[B, W-1, H, D] and x[B, T, H, D]; zero where older than the last count[B] steps."""
    steps = past.shape[1]
    rows = jnp.concatenate([past, x], 1)[:, x.shape[1] :]
    current = np.arange(steps, 0, -1) <= count[:, None]
    return jnp.where(current[..., None, None], rows, 0.0)
