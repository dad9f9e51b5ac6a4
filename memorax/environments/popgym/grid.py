"""Boards as bits, and draws without replacement on them.

A board of n cells is uint32 `[num_words(n)]`: cell i, in C order, is bit i % 32 of word i // 32. Auto-reset draws a new
board at every step of every environment, so that a draw must need few random words, no loop and no large array.
"""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np


def num_words(num_cells: int) -> int:
    return -(-num_cells // 32)


def board_of(cells: Iterable[int], num_cells: int) -> np.ndarray:
    """The constant board on which exactly `cells` are set."""
    bits = np.zeros(32 * num_words(num_cells), np.uint64)
    bits[list(cells)] = 1
    return (bits.reshape(-1, 32) << np.arange(32, dtype=np.uint64)).sum(axis=1).astype(np.uint32)


def single(cell: jax.Array, num_cells: int) -> jax.Array:
    """The board on which only `cell`, an integer scalar, is set."""
    cell = cell.astype(jnp.uint32)
    return jnp.where(jnp.arange(num_words(num_cells)) == cell >> 5, jnp.uint32(1) << (cell & 31), jnp.uint32(0))


def packed(cells: jax.Array) -> jax.Array:
    """The board of `cells`, any shape: set where they are not 0."""
    cells = jnp.ravel(jnp.asarray(cells) != 0)
    cells = jnp.pad(cells, (0, 32 * num_words(cells.size) - cells.size)).reshape(-1, 32)
    return jnp.sum(cells.astype(jnp.uint32) << jnp.arange(32, dtype=jnp.uint32), axis=1, dtype=jnp.uint32)


def unpacked(board: jax.Array, num_cells: int) -> jax.Array:
    """The inverse of `packed`: bool `[num_cells]`."""
    bits = board[:, None] >> jnp.arange(32, dtype=jnp.uint32) & 1
    return bits.ravel()[:num_cells].astype(jnp.bool_)


def random_words(key: jax.Array, n: int) -> list[jax.Array]:
    """`n` random uint32 scalars."""
    # A key split off another is two words, and costs as much as a single one of `jax.random.bits`.
    keys = jax.random.split(key, -(-n // 2))
    data = jax.random.key_data(keys) if jnp.issubdtype(keys.dtype, jax.dtypes.prng_key) else keys
    return list(data[:, :2].ravel())[:n]


def digit(word: jax.Array, n: int | jax.Array) -> tuple[jax.Array, jax.Array]:
    """Splits a random uint32 `word` into a number in 0 .. n-1, uint32 (n < 2**16), and a word to split further.

    The number is floor(word n / 2**32), the word what is left of the fraction. All numbers split off one word are
    jointly uniform to within a relative error of the product of their n over 2**32.
    """
    n = jnp.asarray(n).astype(jnp.uint32)
    number = ((word >> 16) * n + (((word & 0xFFFF) * n) >> 16)) >> 16
    return number, word * n


def nth_bit(word: jax.Array, n: jax.Array) -> jax.Array:
    """The position, uint32, of the n-th lowest set bit (n from 0) of a uint32 `word` that has more than n."""
    position = jnp.uint32(0)
    for width in (16, 8, 4, 2, 1):
        below = jax.lax.population_count(word & jnp.uint32((1 << width) - 1))
        upper = n >= below
        n = jnp.where(upper, n - below, n)
        word = jnp.where(upper, word >> width, word)
        position = jnp.where(upper, position + width, position)
    return position
