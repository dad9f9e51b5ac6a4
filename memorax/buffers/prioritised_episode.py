"""Prioritised replay of windows of steps.

Sources: Schaul et al. 2016, "Prioritized Experience Replay", arXiv 1511.05952; for windows, Kapturowski et al. 2019,
"Recurrent Experience Replay in Distributed Reinforcement Learning" (R2D2, ICLR).

flashbax's prioritised buffer is not used. Version 0.1.3 gives new windows the largest priority rounded down to a whole
number, takes priorities for windows that are not whole or were overwritten, and adds differences to its sums, so that
rounding accumulates in them.
"""

import dataclasses
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from memorax.buffers import sum_tree
from memorax.buffers.ring import IsStart, Ring, RingState, make_ring


@flax.struct.dataclass
class PrioritisedEpisodeBufferState:
    """Everything that is stored. Save it, or donate it to the function that adds."""

    ring: RingState
    lap: jax.Array  # int32, how often the ring was filled, modulo `laps`
    weights: jax.Array  # priority ** exponent of each window that may be drawn, in a `sum_tree`
    largest: jax.Array  # weight ever set, which new windows get


@flax.struct.dataclass
class PrioritisedSample:
    """B windows of L steps."""

    experience: Any  # transitions, leaves [B, L, ...]
    carry: Any  # memory before the first step is read, leaves [B, ...]
    indices: jax.Array  # [B] int32, for `set_priorities`
    probabilities: jax.Array  # [B], of each window to be drawn, for `importance_weights`


@dataclasses.dataclass(frozen=True)
class PrioritisedEpisodeBuffer:
    """A window is drawn in proportion to priority ** exponent; made by `make_prioritised_episode_buffer`.

    An index numbers a window by when it was added, not by where it lies, so that one whose window was overwritten is
    recognised. Numbers start again after about 2 ** 31 windows.
    """

    ring: Ring
    sample_batch_size: int
    priority_exponent: float

    @property
    def laps(self) -> int:
        return (2**31 - 1) // self.ring.leaves

    def init(self, transition: Any, carry: Any) -> PrioritisedEpisodeBufferState:
        """As of `EpisodeBuffer`."""
        return PrioritisedEpisodeBufferState(
            ring=self.ring.init(transition, carry),
            lap=jnp.int32(0),
            weights=sum_tree.empty(self.ring.leaves),
            largest=jnp.float32(1),
        )

    def add(
        self, state: PrioritisedEpisodeBufferState, transitions: Any, carries: Any
    ) -> PrioritisedEpisodeBufferState:
        """As of `EpisodeBuffer`; a window gets the largest priority set so far, at first 1, when it becomes whole."""
        ring, blocks = self.ring.add(state.ring, transitions, carries)
        leaves, drawn = self.ring.touched(ring, blocks)
        weights = sum_tree.put(state.weights, leaves, jnp.where(drawn, state.largest, 0.0), jnp.ones_like(drawn))
        lap = (state.lap + (ring.current_index < state.ring.current_index + blocks)) % self.laps
        return state.replace(ring=ring, lap=lap, weights=weights)

    def sample(self, state: PrioritisedEpisodeBufferState, key: jax.Array) -> PrioritisedSample:
        """Windows drawn with replacement. Means nothing before `can_sample`."""
        leaves = sum_tree.draw(state.weights, key, self.sample_batch_size)
        environment, place = jnp.divmod(leaves, self.ring.capacity)
        lap = (state.lap - (place >= state.ring.current_index)) % self.laps
        return PrioritisedSample(
            *self.ring.read(state.ring, environment, place),
            indices=(lap * self.ring.environments + environment) * self.ring.capacity + place,
            probabilities=sum_tree.get(state.weights, leaves) / sum_tree.total(state.weights),
        )

    def set_priorities(
        self, state: PrioritisedEpisodeBufferState, indices: jax.Array, priorities: jax.Array
    ) -> PrioritisedEpisodeBufferState:
        """New priorities[B] >= 0 of sampled windows, such as `mixed_priority`; 0 is a window never to be drawn again.

        Without effect: an index whose window was overwritten meanwhile, a priority that is negative or not finite.
        Where an index comes twice, the larger priority stays.
        """
        rows, place = jnp.divmod(indices, self.ring.capacity)
        lap, environment = jnp.divmod(rows, self.ring.environments)
        filled_since = (state.lap - lap) % self.laps  # twice or more: overwritten
        age = jnp.minimum(filled_since, 2) * self.ring.capacity + state.ring.current_index - place
        weights = priorities.astype(jnp.float32) ** self.priority_exponent
        valid = self.ring.is_whole(state.ring, age) & (priorities >= 0) & jnp.isfinite(weights)
        leaves = environment * self.ring.capacity + place
        return state.replace(
            weights=sum_tree.put(state.weights, leaves, weights, valid),
            largest=jnp.maximum(state.largest, jnp.where(valid, weights, 0.0).max()),
        )

    def can_sample(self, state: PrioritisedEpisodeBufferState) -> jax.Array:
        """Whether `min_length` transitions are in, and a window to draw."""
        return self.ring.is_filled(state.ring) & (sum_tree.total(state.weights) > 0)


def make_prioritised_episode_buffer(
    max_length: int,
    min_length: int,
    sample_batch_size: int,
    sample_sequence_length: int,
    add_batch_size: int,
    period: int = 1,
    priority_exponent: float = 0.6,
    starts: str = "any",
    is_start: IsStart | None = None,
) -> PrioritisedEpisodeBuffer:
    """`make_episode_buffer`, whose windows are drawn in proportion to priority ** priority_exponent.

    priority_exponent: between 0, all alike, and 1; the others are those of `make_episode_buffer`

    Raises `ValueError` for what cannot work.
    """
    maker = "make_prioritised_episode_buffer"
    sizes = (max_length, min_length, sample_batch_size, sample_sequence_length, add_batch_size, period)
    ring = make_ring(maker, *sizes, starts, is_start)
    if isinstance(priority_exponent, bool) or not 0 <= priority_exponent <= 1:
        raise ValueError(f"{maker}: priority_exponent = {priority_exponent!r} must be between 0 and 1")
    return PrioritisedEpisodeBuffer(ring, sample_batch_size, float(priority_exponent))


def importance_weights(probabilities: jax.Array, beta: float | jax.Array) -> jax.Array:
    """What undoes, at beta = 1, the bias of drawing by priority; the largest of the batch is 1:

        w_i = P(i) ** -beta / max_j P(j) ** -beta

    probabilities: [B], of `PrioritisedSample`. The number of windows, which the paper has as a factor, cancels.

    Source: Schaul et al. 2016, arXiv 1511.05952, section 3.4.
    """
    return (probabilities.min() / probabilities) ** beta


def mixed_priority(td_errors: jax.Array, mask: jax.Array, eta: float = 0.9) -> jax.Array:
    """A window's priority, from the errors of its steps: eta max_t |delta_t| + (1 - eta) mean_t |delta_t|.

    td_errors, mask: [B, L]; steps where the mask is False, such as those of a burn-in, do not count. Returns [B]; 0
    where none counts.

    Source: Kapturowski et al. 2019 (R2D2), equation 1.
    """
    size = jnp.where(mask, jnp.abs(td_errors), 0.0)
    mean = size.sum(-1) / jnp.maximum(mask.sum(-1), 1)
    return eta * size.max(-1) + (1.0 - eta) * mean
