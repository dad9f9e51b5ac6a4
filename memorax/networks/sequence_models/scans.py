"""The strategies by which a memoroid cell runs over a sequence. All compute the same function.

Each takes (cell, fresh state, state, start[B, T], element, context) and returns (last state, readout[B, T, ...]).
"""

from typing import Any

import jax
import jax.numpy as jnp

from memorax.networks.types import Carry, MemoroidCell


def align(flag: jax.Array, leaf: jax.Array) -> jax.Array:
    """flag[B, ...] with trailing axes of length 1 until it broadcasts against leaf[B, ..., features]."""
    return flag.reshape(*flag.shape, *[1] * (leaf.ndim - flag.ndim))


def clear(start: jax.Array, fresh: Carry, state: Carry) -> Carry:
    """`fresh` where an episode starts, `state` elsewhere."""
    return jax.tree.map(lambda new, old: jnp.where(align(start, old), new, old), fresh, state)


def only_step(cell: MemoroidCell, fresh: Carry, state: Carry, start: jax.Array, element: Any, context: Any) -> Any:
    """T = 1, the acting path: no scan."""
    element, context = jax.tree.map(lambda leaf: leaf[:, 0], (element, context))
    state = cell.step(clear(start[:, 0], fresh, state), cell.expand(element))
    return state, jax.tree.map(lambda leaf: leaf[:, None], cell.read(state, context))


def sequential(cell: MemoroidCell, fresh: Carry, state: Carry, start: jax.Array, element: Any, context: Any) -> Any:
    """One step after the other: O(T) depth, least work; the readout is taken inside, so no states are kept."""
    leaves, tree = jax.tree.flatten((element, context))
    moving = [jnp.swapaxes(leaf, 0, 1) for leaf in leaves if leaf.shape[1] != 1]

    def body(state: Carry, xs: Any) -> tuple[Carry, Any]:
        start_t, moving_t = xs
        moving_t = iter(moving_t)
        element_t, context_t = tree.unflatten([leaf[:, 0] if leaf.shape[1] == 1 else next(moving_t) for leaf in leaves])
        state = cell.step(clear(start_t, fresh, state), cell.expand(element_t))
        return state, cell.read(state, context_t)

    state, readout = jax.lax.scan(body, state, (start.T, moving))
    return state, jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), readout)


def associative(cell: MemoroidCell, fresh: Carry, state: Carry, start: jax.Array, element: Any, context: Any) -> Any:
    """A parallel prefix: O(log T) depth. Pairs (cut, element) form a monoid in which a start cuts off the left."""
    batch, time = start.shape
    element = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (batch, time, *leaf.shape[2:])), cell.expand(element))

    def operator(left: Any, right: Any) -> Any:
        cut = right[0]
        joined = cell.combine(left[1], right[1])
        kept = jax.tree.map(lambda both, last: jnp.where(align(cut, last), last, both), joined, right[1])
        return left[0] | cut, kept

    cut, prefix = jax.lax.associative_scan(operator, (start, element), axis=1)
    before = jax.tree.map(
        lambda new, old: jnp.where(align(cut, old[:, None]), new[:, None], old[:, None]), fresh, state
    )
    states = cell.step(before, prefix)
    return jax.tree.map(lambda leaf: leaf[:, -1], states), cell.read(states, context)


def chunked(cell: MemoroidCell, fresh: Carry, state: Carry, start: jax.Array, element: Any, context: Any) -> Any:
    """Chunk after chunk, each by the cell's closed form: matrix products instead of states."""
    del fresh  # the cell's own form clears at starts
    batch, time = start.shape
    length = min(cell.chunk_length, time)
    whole = time // length * length

    def part(begin: int, end: int) -> Any:
        return jax.tree.map(lambda leaf: leaf if leaf.shape[1] == 1 else leaf[:, begin:end], (element, context))

    def chunks(leaf: jax.Array) -> jax.Array:  # [B, n * L, ...] -> [n, B, L, ...]
        return jnp.swapaxes(leaf.reshape(batch, -1, length, *leaf.shape[2:]), 0, 1)

    leaves, tree = jax.tree.flatten(part(0, whole))

    def body(state: Carry, xs: Any) -> tuple[Carry, Any]:
        start_c, moving_c = xs
        moving_c = iter(moving_c)
        element_c, context_c = tree.unflatten([leaf if leaf.shape[1] == 1 else next(moving_c) for leaf in leaves])
        return cell.chunk(state, start_c, element_c, context_c)

    moving = [chunks(leaf) for leaf in leaves if leaf.shape[1] != 1]
    state, readout = jax.lax.scan(body, state, (chunks(start[:, :whole]), moving))
    readout = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1).reshape(batch, whole, *leaf.shape[3:]), readout)
    if whole == time:
        return state, readout
    state, rest = cell.chunk(state, start[:, whole:], *part(whole, time))
    return state, jax.tree.map(lambda first, last: jnp.concatenate([first, last], 1), readout, rest)


STRATEGIES = {"sequential": sequential, "associative": associative, "chunked": chunked}


def choose(cell: MemoroidCell, time: int, backend: str) -> str:
    """The strategy for a sequence of `time` steps on a backend ("cpu", "gpu", ...).

    A chunked form wins wherever it exists and fills a chunk. Among the others the sequential scan does the least
    work, which decides on a CPU; an accelerator is better used by the parallel prefix once sequences are long.
    """
    if cell.chunk_length is not None and time >= cell.chunk_length:
        return "chunked"
    if cell.associative and backend != "cpu" and time >= 64:
        return "associative"
    return "sequential"
