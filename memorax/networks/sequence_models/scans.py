"""The strategies by which a memoroid cell runs over a sequence. All compute the same function.

Each takes (cell, fresh state, state, start[B, T], element, context) and returns (last state, readout[B, T, ...]).
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from memorax.networks.types import Carry, MemoroidCell

SPAN = 64  # steps that a whole memoroid, projections included, takes at a time; see `spans_pay`
BLOCK = 32  # steps of the sequential scan between two states that are kept for the gradient


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
    """One step after the other: O(T) depth, least work; the readout is taken inside, so no states are kept.

    A gradient needs the states again. Where they are larger than what they are made from, as a matrix is than the
    vectors of its outer product, one is kept a block, and the backward pass computes the others once more.
    """
    steps = functools.partial(_steps, cell, fresh)
    moving, _ = _split((element, context))
    small = _numbers(jax.tree.leaves(state), 1) <= _numbers(moving, 2)
    if small or start.shape[1] <= BLOCK:
        return steps(state, start, element, context)
    return _blocks(steps, BLOCK, state, start, element, context)


def _steps(cell: MemoroidCell, fresh: Carry, state: Carry, start: jax.Array, element: Any, context: Any) -> Any:
    moving, at_once = _split((element, context))

    def body(state: Carry, xs: Any) -> tuple[Carry, Any]:
        start_t, moving_t = xs
        element_t, context_t = jax.tree.map(lambda leaf: leaf[:, 0], at_once([leaf[:, None] for leaf in moving_t]))
        state = cell.step(clear(start_t, fresh, state), cell.expand(element_t))
        return state, cell.read(state, context_t)

    state, readout = jax.lax.scan(body, state, (start.T, [jnp.swapaxes(leaf, 0, 1) for leaf in moving]))
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
    """Chunk after chunk, each by the cell's closed form: matrix products instead of states.

    What a chunk computes on its way is not kept for the gradient but computed again: that is faster than to fetch it
    from memory, as well as smaller.
    """
    del fresh  # the cell's own form clears at starts
    return _blocks(cell.chunk, cell.chunk_length, state, start, element, context)


def _blocks(run: Callable, length: int, state: Carry, start: jax.Array, element: Any, context: Any) -> Any:
    """`run(state, start, element, context) -> (state, readout)` over blocks of `length` steps and what is left over.

    Of each block only the state before it is kept for the gradient.
    """
    batch, time = start.shape
    length = min(length, time)
    whole = time // length * length

    def part(begin: int, end: int) -> Any:
        return jax.tree.map(lambda leaf: leaf if leaf.shape[1] == 1 else leaf[:, begin:end], (element, context))

    def blocks(leaf: jax.Array) -> jax.Array:  # [B, n * L, ...] -> [n, B, L, ...]
        return jnp.swapaxes(leaf.reshape(batch, -1, length, *leaf.shape[2:]), 0, 1)

    moving, at_once = _split(part(0, whole))

    @functools.partial(jax.checkpoint, prevent_cse=False)  # inside a scan nothing can be merged across the two passes
    def body(state: Carry, xs: Any) -> tuple[Carry, Any]:
        start_c, moving_c = xs
        return run(state, start_c, *at_once(moving_c))

    state, readout = jax.lax.scan(body, state, (blocks(start[:, :whole]), [blocks(leaf) for leaf in moving]))
    readout = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1).reshape(batch, whole, *leaf.shape[3:]), readout)
    if whole == time:
        return state, readout
    state, rest = run(state, start[:, whole:], *part(whole, time))
    return state, jax.tree.map(lambda first, last: jnp.concatenate([first, last], 1), readout, rest)


def _split(tree: Any) -> tuple[list[jax.Array], Callable[[list[jax.Array]], Any]]:
    """The leaves that change with time, and what puts such leaves back beside those that are constant."""
    leaves, structure = jax.tree.flatten(tree)

    def join(moving: list[jax.Array]) -> Any:
        rest = iter(moving)
        return structure.unflatten([leaf if leaf.shape[1] == 1 else next(rest) for leaf in leaves])

    return [leaf for leaf in leaves if leaf.shape[1] != 1], join


def _numbers(leaves: list[jax.Array], axis: int) -> int:
    """How many numbers the axes from `axis` on hold."""
    return sum(math.prod(leaf.shape[axis:]) for leaf in leaves)


STRATEGIES = {"sequential": sequential, "associative": associative, "chunked": chunked}


def choose(cell: MemoroidCell, time: int, backend: str) -> str:
    """The strategy for a sequence of `time` steps on a backend ("cpu", "gpu", ...).

    A chunked form wins nearly wherever it exists (`chunks_pay_on_cpu`); a sequence shorter than a chunk is one chunk.
    Among the others the sequential scan does the least work, which decides on a CPU at any length; an accelerator is
    better used by the parallel prefix once sequences are long. docs/scan-strategies.md has the measurements, which are
    of CPUs.
    """
    if cell.chunk_length is not None and (backend != "cpu" or cell.chunks_pay_on_cpu or time <= cell.chunk_length):
        return "chunked"
    if cell.associative and backend != "cpu" and time >= 64:
        return "associative"
    return "sequential"


def spans_pay(shape: tuple[int, int, int], backend: str) -> bool:
    """Whether a memoroid runs span after span, each computed again for the gradient: over x of a shape [B, T, F].

    Where x is larger than a CPU's caches, what the projections, the scan and the read-out hand to each other is too,
    and fetching it from memory takes longer than computing it again within spans that fit. Besides, the gradient then
    needs the memory of one span. Not used on other backends, where it is not measured, nor with the associative
    strategy, which is for all steps at once.
    """
    return backend == "cpu" and shape[1] >= 2 * SPAN and math.prod(shape) >= 2**19
