"""Positions: how attention knows how long ago something was.

A position is the number of steps since the episode began: 0 at its first step, and again at the next `start`.

    rotary     Su et al. 2021, "RoFormer", arXiv 2104.09864:                R_i q_i . R_j k_j depends on i - j only
    ALiBi      Press et al. 2021, "Train Short, Test Long", arXiv 2108.12409:  q_i . k_j - slope_h (i - j)
    relative   Dai et al. 2019, "Transformer-XL", arXiv 1901.02860:         (q_i + u) . k_j + (q_i + v) . W r_{i-j}
    learned    Radford et al. 2019 (GPT-2):                                 x_i + table_i

The first three depend on the distance i - j alone and have no longest episode; the table has one.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

PERIOD = 10_000.0  # longest wavelength, over 2 pi, of the rotations and sinusoids; as published


def count_steps(start: jax.Array, time: jax.Array) -> tuple[jax.Array, jax.Array]:
    """start[B, T] bool, time[B] int32 (steps so far of the episode that goes on) -> (time after the sequence,
    position[B, T] int32)."""
    step = jnp.arange(start.shape[1], dtype=jnp.int32)
    latest = jax.lax.cummax(jnp.where(start, step, -1), axis=1)
    position = step - jnp.where(latest < 0, -time[:, None], latest)
    return position[:, -1] + 1, position


def sinusoids(position: jax.Array, width: int) -> jax.Array:
    """position[...] -> [..., width]: sines, then cosines, of wavelengths from 2 pi to 2 pi * `PERIOD` (Vaswani et al.
    2017, arXiv 1706.03762, section 3.5)."""
    frequency = PERIOD ** (-np.arange(0, width, 2) / width)
    angle = position[..., None] * jnp.asarray(frequency, jnp.float32)
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], -1)[..., :width]


def rotate(x: jax.Array, first: int) -> jax.Array:
    """Rotary positions: x[..., S, H, D] at the positions first, first + 1, ...; entries i and i + D/2 are one pair.

    Only differences of positions matter, so any origin serves that queries and keys share. The angles are constants,
    computed in double precision, so that a step and a sequence, whose origins differ, agree.
    """
    length, _, width = x.shape[-3:]
    if width % 2:
        raise ValueError(f"rotary positions rotate pairs: the width of a head, {width}, must be even")
    angle = np.arange(first, first + length)[:, None] * PERIOD ** (-np.arange(0, width, 2) / width)
    cosine, sine = (jnp.asarray(f(angle)[:, None], x.dtype) for f in (np.cos, np.sin))  # [S, 1, D/2]
    left, right = jnp.split(x, 2, -1)
    return jnp.concatenate([left * cosine - right * sine, left * sine + right * cosine], -1)


def alibi_slopes(num_heads: int) -> np.ndarray:
    """What ALiBi takes off a score for each step of distance, by head -> [H].

    2^(-8/n), 2^(-16/n), ... for n heads; where n is no power of two, the rest are every second slope of the next one.
    """
    power = 2 ** (num_heads.bit_length() - 1)
    slopes = 2.0 ** (-8 * np.arange(1, power + 1) / power)
    between = 2.0 ** (-4 * np.arange(1, 2 * (num_heads - power), 2) / power)
    return np.concatenate([slopes, between]).astype(np.float32)


class LearnedPosition(nn.Module):
    """x[B, T, F], position[B, T] -> x + table[position]. Positions beyond the table share its last row."""

    maximum: int  # rows of the table

    @nn.compact
    def __call__(self, x: jax.Array, position: jax.Array) -> jax.Array:
        table = self.param("table", nn.initializers.normal(0.02), (self.maximum, x.shape[-1]))
        return x + table[jnp.minimum(position, self.maximum - 1)]


class RelativePosition(nn.Module):
    """The terms of Transformer-XL: q[..., L, H, D] -> (q + u, scores[..., H, L, window - 1 + L] of the distances).

    Query l and key s are window - 1 + l - s steps apart; scores of distances outside 0 .. window - 1 have no meaning.
    """

    window: int

    @nn.compact
    def __call__(self, q: jax.Array) -> tuple[jax.Array, jax.Array]:
        *_, length, heads, width = q.shape
        content, position = (self.param(name, nn.initializers.normal(0.02), (heads, width)) for name in "uv")
        distance = jnp.arange(self.window - 1, -1, -1)
        encoding = sinusoids(distance, heads * width)
        r = nn.Dense(heads * width, use_bias=False, name="r")(encoding).reshape(self.window, heads, width)
        scores = jnp.einsum("...lhd,whd->...hlw", q + position, r)
        return q + content, _shift_rows(scores, self.window - 1 + length)


def _shift_rows(scores: jax.Array, keys: int) -> jax.Array:
    """[..., L, W] -> [..., L, keys], row l moved l places to the right: one pad and two reshapes, no gather."""
    *lead, length, width = scores.shape
    flat = jnp.pad(scores, [*[(0, 0)] * (len(lead) + 1), (0, keys + 1 - width)]).reshape(*lead, length * (keys + 1))
    return flat[..., : length * keys].reshape(*lead, length, keys)
