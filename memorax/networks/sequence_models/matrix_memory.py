"""What the cells share whose memory is one matrix a head, `[B, H, V, K]`: its sizes, and chunks of its recurrence.

    S_t = a_t S_{t-1} + v_t k_t^T,   y_t = S_t q_t     (0 < a_t <= 1; S = 0 before an episode's first step)

Queries and keys are `[B, T, H, K]`, values `[B, T, H, V]`, decays `[B, T, H]`.
"""

import itertools
from typing import Any

import jax
import jax.numpy as jnp


def head_width(config: Any) -> int:
    """`config.head_dim`, or features / num_heads where it is null; `ValueError` where that is no whole number."""
    if config.head_dim is not None:
        return config.head_dim
    if config.features % config.num_heads:
        raise ValueError(
            f"{type(config).__name__} needs features = {config.features} to be a multiple of "
            f"num_heads = {config.num_heads} where head_dim is null; set head_dim, or use num_heads=1"
        )
    return config.features // config.num_heads


def check_norm(config: Any, width: int) -> None:
    """`ValueError` where a norm that subtracts the mean would leave nothing of a head's values."""
    if width < 2:
        raise ValueError(
            f"{type(config).__name__} normalises each head's values, which needs at least 2 of them; "
            f"a head has {width}, use fewer num_heads or head_dim=2"
        )


def split(x: jax.Array, sizes: tuple[int, ...]) -> list[jax.Array]:
    """[..., sum of sizes] -> one array for each size."""
    return jnp.split(x, list(itertools.accumulate(sizes))[:-1], -1)


def split_heads(x: jax.Array, heads: int) -> jax.Array:
    """[..., H * D] -> [..., H, D]."""
    return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads)


def merge_heads(x: jax.Array) -> jax.Array:
    """[..., H, D] -> [..., H * D]."""
    return x.reshape(*x.shape[:-2], -1)


def outer(v: jax.Array, k: jax.Array) -> jax.Array:
    """[..., V], [..., K] -> [..., V, K]."""
    return v[..., None] * k[..., None, :]


def rotate(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:
    """x[..., K] by angles of [..., P]: channels 0 ... P - 1 turn with P ... 2 P - 1, the others stay."""
    pairs = cos.shape[-1]
    first, second, rest = jnp.split(x, [pairs, 2 * pairs], -1)
    return jnp.concatenate([first * cos - second * sin, first * sin + second * cos, rest], -1)


def recall(state: jax.Array, q: jax.Array) -> jax.Array:
    """What a memory [..., V, K] answers to a query [..., K] -> [..., V]."""
    return jnp.einsum("...vk,...k->...v", state, q)


def log_remaining(log_decay: jax.Array, start: jax.Array) -> tuple[jax.Array, jax.Array]:
    """How much a chunk's decays leave of each of its steps and of the carry, as logarithms.

    log_decay[B or 1, T or 1, H], start[B, T] -> between[B, H, T, S]: of step s at step t; carried[B, H, T]: of the
    carry at step t. -inf where nothing is left: s is later than t, or an episode starts in between.
    """
    batch, time = start.shape
    heads = log_decay.shape[-1]
    total = jnp.cumsum(jnp.broadcast_to(log_decay, (log_decay.shape[0], time, heads)), 1)
    total = jnp.broadcast_to(jnp.swapaxes(total, 1, 2), (batch, heads, time))
    episode = jnp.cumsum(start, 1)
    same = (episode[:, :, None] == episode[:, None]) & jnp.tril(jnp.ones((time, time), bool))
    between = jnp.where(same[:, None], total[..., None] - total[:, :, None], -jnp.inf)
    return between, jnp.where((episode == 0)[:, None], total, -jnp.inf)


def remaining(log_decay: jax.Array, start: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`log_remaining` as factors between 0 and 1."""
    between, carried = log_remaining(log_decay, start)
    return jnp.exp(between), jnp.exp(carried)


def attend(state: jax.Array, between: jax.Array, carried: jax.Array, q: jax.Array, k: jax.Array, v: jax.Array):
    """A chunk of the recurrence as matrix products: (state, what remains, q, k, v) -> (last state, y[B, T, H, V])."""
    weights = jnp.einsum("bthk,bshk->bhts", q, k) * between
    readout = jnp.einsum("bhts,bshv->bthv", weights, v)
    readout += jnp.einsum("bhvk,bthk->bthv", state, q) * jnp.swapaxes(carried, 1, 2)[..., None]
    return last_state(state, between, carried, k, v), readout


def last_state(state: jax.Array, between: jax.Array, carried: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
    """The memory after a chunk."""
    written = jnp.einsum("bshv,bshk->bhvk", v * jnp.swapaxes(between[:, :, -1], 1, 2)[..., None], k)
    return state * carried[:, :, -1, None, None] + written
