"""What both buffers share: a ring of blocks for every environment, and the windows in it.

A block is `period` steps and the memory before the first of them. It is the unit of time of the ring, and a window
begins where a block begins. A carry at every step would be the same with period 1, and gigabytes for a large memory.

flashbax's trajectory buffer stores the blocks and writes them. Windows are drawn and read here, because flashbax would
read the carry of every block of a window and tells of no window where it was.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
from flashbax.buffers import trajectory_buffer

# experience, a `Block`; current_index, the place in the ring to write next; is_full
RingState = trajectory_buffer.TrajectoryBufferState
IsStart = Callable[[Any], jax.Array]  # transitions, leaves [...] + their own shape -> bool [...]

MAX_WINDOWS = 2**29  # of all environments: what was overwritten once or twice is told apart in an int32


@flax.struct.dataclass
class Block:
    """Leaves have leading axes [environment, place in the ring]."""

    transitions: Any  # and then [period, ...]
    carry: Any  # memory before the first of them is read


@dataclasses.dataclass(frozen=True)
class Ring:
    """The shape of the rings, and functions of their state. Blocks are counted back from the place to write next: the
    newest has age 1. Windows have leaves in a tree of weights, `environment * capacity + place`."""

    environments: int
    capacity: int  # blocks of each environment
    period: int  # steps of a block
    sequence_length: int  # steps of a window
    min_blocks: int  # of each environment, to have before sampling
    is_start: IsStart | None  # where a window may begin; None: at any block

    @property
    def window(self) -> int:
        """Blocks that a window reaches into."""
        return math.ceil(self.sequence_length / self.period)

    @property
    def leaves(self) -> int:
        return self.environments * self.capacity

    def init(self, transition: Any, carry: Any) -> RingState:
        transitions = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (self.period, *jnp.shape(leaf))), transition)
        block = jax.tree.map(jnp.asarray, Block(transitions, carry))
        return trajectory_buffer.init(block, self.environments, self.capacity)

    def add(self, state: RingState, transitions: Any, carries: Any) -> tuple[RingState, int]:
        """-> (state, blocks added to each environment)."""
        blocks = self._blocks(state, transitions, carries)
        transitions = jax.tree.map(
            lambda leaf: leaf.reshape(self.environments, blocks, self.period, *leaf.shape[2:]), transitions
        )
        return trajectory_buffer.add(state, Block(transitions, carries)), blocks

    def stored(self, state: RingState) -> jax.Array:
        """Blocks of each environment."""
        return jnp.where(state.is_full, self.capacity, state.current_index)

    def is_filled(self, state: RingState) -> jax.Array:
        """Whether enough steps and one whole window are in."""
        return self.stored(state) >= max(self.window, self.min_blocks)

    def place(self, state: RingState, age: jax.Array) -> jax.Array:
        return (state.current_index - age) % self.capacity

    def is_whole(self, state: RingState, age: jax.Array) -> jax.Array:
        """Whether the window that begins with that block is complete, and no part of it overwritten."""
        return (age >= self.window) & (age <= self.stored(state))

    def may_begin(self, state: RingState, environment: jax.Array, place: jax.Array) -> jax.Array:
        """Whether windows are wanted that begin there."""
        expected = jnp.broadcast_shapes(environment.shape, place.shape)
        if self.is_start is None:
            return jnp.ones(expected, bool)
        first = jax.tree.map(lambda leaf: leaf[environment, place, 0], state.experience.transitions)
        flag = jnp.asarray(self.is_start(first))
        if flag.shape != expected or flag.dtype != bool:
            raise ValueError(
                f"is_start returned {flag.dtype}{list(flag.shape)} for transitions with leading axes {list(expected)}; "
                f"it must return bool{list(expected)}, True at the first step of an episode"
            )
        return flag

    def touched(self, state: RingState, blocks: int) -> tuple[jax.Array, jax.Array]:
        """Windows that adding `blocks` blocks ended or completed -> (leaves [K], whether it may now be drawn [K])."""
        newest = jnp.arange(blocks)
        age = jnp.concatenate([1 + newest, self.window + newest])  # overwritten; completed
        environment, place = jnp.arange(self.environments)[:, None], self.place(state, age)
        drawn = self.is_whole(state, age) & self.may_begin(state, environment, place)
        return (environment * self.capacity + place).ravel(), drawn.ravel()

    def read(self, state: RingState, environment: jax.Array, place: jax.Array) -> tuple[Any, Any]:
        """Windows [B] -> (experience, leaves [B, L, ...]; carry before the first step, leaves [B, ...])."""
        steps = jnp.arange(self.sequence_length)
        places = (place[:, None] + steps // self.period) % self.capacity
        block = state.experience
        experience = jax.tree.map(
            lambda leaf: leaf[environment[:, None], places, steps % self.period], block.transitions
        )
        return experience, jax.tree.map(lambda leaf: leaf[environment, place], block.carry)

    def _blocks(self, state: RingState, transitions: Any, carries: Any) -> int:
        """How many are added, after checking that what is added is like what `init` was shown."""
        given, block = jax.tree.leaves(transitions), state.experience
        steps = given[0].shape[1] if given and given[0].ndim > 1 else 0
        if steps % self.period or not 1 <= steps // self.period <= self.capacity:
            raise ValueError(
                f"add: {steps} steps of each environment; it must be a multiple of period = {self.period}, from "
                f"{self.period} up to the {self.capacity * self.period} that the buffer holds of each"
            )
        blocks = steps // self.period
        _check_alike("transitions", block.transitions, transitions, 3, (self.environments, steps))
        _check_alike("carries", block.carry, carries, 2, (self.environments, blocks))
        return blocks


def _check_alike(name: str, stored: Any, given: Any, skipped: int, leading: tuple[int, int]) -> None:
    if jax.tree.structure(stored) != jax.tree.structure(given):
        raise ValueError(
            f"add: {name} are {jax.tree.structure(given)}; init was shown {jax.tree.structure(stored)}: add the same"
        )
    leaves = zip(jax.tree.leaves_with_path(given), jax.tree.leaves(stored), strict=True)
    for (path, leaf), like in leaves:
        expected = (*leading, *like.shape[skipped:])
        if leaf.shape != expected or leaf.dtype != like.dtype:
            raise ValueError(
                f"add: {name}{jax.tree_util.keystr(path)} is {leaf.dtype}{list(leaf.shape)}; it must be "
                f"{like.dtype}{list(expected)}: [add_batch_size, "
                f"{'steps' if name == 'transitions' else 'steps // period'}, ...] of what init was shown"
            )


def make_ring(
    maker: str,
    max_length: int,
    min_length: int,
    sample_batch_size: int,
    sample_sequence_length: int,
    add_batch_size: int,
    period: int,
    starts: str,
    is_start: IsStart | None,
) -> Ring:
    """Arguments as of `make_episode_buffer`; `ValueError` names all that are wrong, and `maker`."""
    counts = {
        "max_length": max_length,
        "min_length": min_length,
        "sample_batch_size": sample_batch_size,
        "sample_sequence_length": sample_sequence_length,
        "add_batch_size": add_batch_size,
        "period": period,
    }
    wrong = [
        f"{name} = {value!r} must be a whole number of at least 1"
        for name, value in counts.items()
        if isinstance(value, bool) or not isinstance(value, int) or value < 1
    ]
    wrong = wrong or [
        *_wrong_sizes(max_length, min_length, sample_sequence_length, add_batch_size, period),
        *_wrong_starts(starts, is_start, period),
    ]
    if wrong:
        raise ValueError(f"{maker}: " + "; ".join(wrong))
    capacity, min_blocks = (math.ceil(length / (add_batch_size * period)) for length in (max_length, min_length))
    return Ring(add_batch_size, capacity, period, sample_sequence_length, min_blocks, is_start)


def _wrong_sizes(max_length: int, min_length: int, length: int, environments: int, period: int) -> list[str]:
    capacity = math.ceil(max_length / (environments * period))
    wrong = []
    if min_length > max_length:
        wrong.append(f"min_length = {min_length} must be at most max_length = {max_length}")
    if length > capacity * period:
        wrong.append(
            f"sample_sequence_length = {length} is longer than what the buffer holds of an environment, "
            f"{capacity * period} steps (max_length = {max_length} over add_batch_size = {environments}, in whole "
            f"blocks of {period}): use max_length of at least {length * environments}"
        )
    if period > length:
        wrong.append(
            f"period = {period} must be at most sample_sequence_length = {length}: a window begins every period "
            f"steps, and the steps between two windows would never be sampled"
        )
    if environments * capacity > MAX_WINDOWS:
        wrong.append(f"max_length = {max_length} makes {environments * capacity} windows, more than {MAX_WINDOWS}")
    return wrong


def _wrong_starts(starts: str, is_start: IsStart | None, period: int) -> list[str]:
    if starts not in ("any", "episode"):
        return [f"starts = {starts!r} must be 'any' or 'episode'"]
    if starts == "any" and is_start is not None:
        return ["is_start has no effect with starts = 'any': leave it out, or use starts = 'episode'"]
    if starts == "episode" and not callable(is_start):
        return [
            f"starts = 'episode' needs to know where episodes start, and is_start = {is_start!r} is no function: pass "
            f"one of transitions, such as is_start=lambda transitions: transitions.start"
        ]
    if starts == "episode" and period > 1:
        return [
            f"starts = 'episode' needs period = 1, got {period}: windows begin at blocks of period steps, and an "
            f"episode that starts within a block would never be sampled"
        ]
    return []
