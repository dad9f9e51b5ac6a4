"""Uniform replay of windows of steps."""

import dataclasses
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from memorax.buffers import sum_tree
from memorax.buffers.ring import IsStart, Ring, RingState, make_ring


@flax.struct.dataclass
class EpisodeBufferState:
    """Everything that is stored. Save it, or donate it to the function that adds."""

    ring: RingState
    weights: jax.Array | None  # 1 for each window that begins an episode; None where windows begin anywhere


@flax.struct.dataclass
class Sample:
    """B windows of L steps."""

    experience: Any  # transitions, leaves [B, L, ...]
    carry: Any  # memory before the first step is read, leaves [B, ...]


@dataclasses.dataclass(frozen=True)
class EpisodeBuffer:
    """Every whole window is drawn with equal probability; made by `make_episode_buffer`."""

    ring: Ring
    sample_batch_size: int

    def init(self, transition: Any, carry: Any) -> EpisodeBufferState:
        """An empty buffer for what is like `transition`, one step of one environment, and `carry`, the memory of one
        environment: leaves have no leading axes, values are not read. `()` is a carry too, of no memory."""
        weights = None if self.ring.is_start is None else sum_tree.empty(self.ring.leaves)
        return EpisodeBufferState(self.ring.init(transition, carry), weights)

    def add(self, state: EpisodeBufferState, transitions: Any, carries: Any) -> EpisodeBufferState:
        """Steps that follow those added before, over the oldest where the buffer is full.

        transitions: leaves [add_batch_size, T, ...], T a multiple of period
        carries: memory before each block of period steps, leaves [add_batch_size, T // period, ...]
        """
        ring, blocks = self.ring.add(state.ring, transitions, carries)
        if state.weights is None:
            return EpisodeBufferState(ring, None)
        leaves, drawn = self.ring.touched(ring, blocks)
        weights = sum_tree.put(state.weights, leaves, drawn.astype(jnp.float32), jnp.ones_like(drawn))
        return EpisodeBufferState(ring, weights)

    def sample(self, state: EpisodeBufferState, key: jax.Array) -> Sample:
        """Windows drawn with replacement. Means nothing before `can_sample`."""
        if state.weights is None:
            return Sample(*self.ring.read(state.ring, *self._any_window(state.ring, key)))
        leaves = sum_tree.draw(state.weights, key, self.sample_batch_size)
        return Sample(*self.ring.read(state.ring, *jnp.divmod(leaves, self.ring.capacity)))

    def can_sample(self, state: EpisodeBufferState) -> jax.Array:
        """Whether `min_length` transitions are in, and a window to draw."""
        filled = self.ring.is_filled(state.ring)
        return filled if state.weights is None else filled & (sum_tree.total(state.weights) > 0)

    def _any_window(self, ring: RingState, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        begins = jnp.maximum(self.ring.stored(ring) - self.ring.window + 1, 1)  # of each environment
        drawn = jax.random.randint(key, (self.sample_batch_size,), 0, self.ring.environments * begins)
        age, environment = jnp.divmod(drawn, self.ring.environments)
        return environment, self.ring.place(ring, self.ring.window + age)


def make_episode_buffer(
    max_length: int,
    min_length: int,
    sample_batch_size: int,
    sample_sequence_length: int,
    add_batch_size: int,
    period: int = 1,
    starts: str = "any",
    is_start: IsStart | None = None,
) -> EpisodeBuffer:
    """A buffer that samples windows of consecutive steps of one environment, uniformly.

    A window may go on into the next episode: the start flag in the experience clears the memory there. It never joins
    the newest steps to the oldest ones.

    max_length: transitions kept, of all environments together; rounded up to whole blocks of each environment
    min_length: transitions to have before `can_sample`, of all environments together
    sample_batch_size: windows of a sample
    sample_sequence_length: steps of a window
    add_batch_size: environments whose steps are added
    period: steps from one window's begin to the next, and from one stored carry to the next; windows that begin
        everywhere take 1. Steps are added in multiples of it.
    starts: "any", or "episode" for windows that begin with the first step of an episode (period 1)
    is_start: for starts="episode", where that is: a function of transitions, leaves [..., *shape] -> bool [...]

    Raises `ValueError` for what cannot work.
    """
    sizes = (max_length, min_length, sample_batch_size, sample_sequence_length, add_batch_size, period)
    return EpisodeBuffer(make_ring("make_episode_buffer", *sizes, starts, is_start), sample_batch_size)
