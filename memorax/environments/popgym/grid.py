"""Boards as bits, and draws without replacement on them.

A board of n cells is a tuple of num_words(n) uint32 scalars: cell i, in C order, is bit i % 32 of word i // 32. Scalars
are vectorised over environments, while the axis of an array would be a loop in each of them. Auto-reset draws a new
board at every step of every environment, so that a draw must need few random words, no loop and no large array.
"""

import functools
import operator
from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np

Board = tuple[jax.Array | np.uint32, ...]


def num_words(num_cells: int) -> int:
    return -(-num_cells // 32)


def empty(num_cells: int) -> Board:
    """The board on which no cell is set."""
    return (jnp.uint32(0),) * num_words(num_cells)


def board_of(cells: Iterable[int], num_cells: int) -> tuple[np.uint32, ...]:
    """The constant board on which exactly `cells` are set."""
    words = [0] * num_words(num_cells)
    for cell in cells:
        words[cell // 32] |= 1 << cell % 32
    return tuple(np.uint32(word) for word in words)


def single(cell: jax.Array, num_cells: int) -> Board:
    """The board on which only `cell`, an integer scalar, is set."""
    cell = cell.astype(jnp.uint32)
    bit = jnp.uint32(1) << (cell & 31)
    return tuple(jnp.where(cell >> 5 == i, bit, jnp.uint32(0)) for i in range(num_words(num_cells)))


def both(a: Board, b: Board) -> Board:
    """The cells that are set on both boards."""
    return tuple(x & y for x, y in zip(a, b, strict=True))


def either(a: Board, b: Board) -> Board:
    """The cells that are set on one of the boards."""
    return tuple(x | y for x, y in zip(a, b, strict=True))


def overlap(a: Board, b: Board) -> jax.Array:
    """Whether any cell is set on both boards."""
    return functools.reduce(operator.or_, both(a, b)) != 0


def packed(cells: jax.Array) -> Board:
    """The board of `cells`, any shape: set where they are not 0."""
    cells = jnp.ravel(jnp.asarray(cells) != 0)
    cells = jnp.pad(cells, (0, 32 * num_words(cells.size) - cells.size)).reshape(-1, 32)
    return tuple(jnp.sum(cells.astype(jnp.uint32) << jnp.arange(32, dtype=jnp.uint32), axis=1, dtype=jnp.uint32))


def unpacked(board: Board, num_cells: int) -> jax.Array:
    """The inverse of `packed`: bool `[num_cells]`."""
    bits = jnp.stack(board)[:, None] >> jnp.arange(32, dtype=jnp.uint32) & 1
    return bits.ravel()[:num_cells].astype(jnp.bool_)


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
