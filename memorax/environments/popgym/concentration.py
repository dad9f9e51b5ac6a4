"""POPGym Concentration: find pairs among cards that lie face-down."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.popgym import cards
from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.spaces import Box, Dict, Discrete, MultiDiscrete

DIFFICULTIES = {
    "Easy": {"num_decks": 1, "deck_type": "colors"},
    "Medium": {"num_decks": 2, "deck_type": "colors"},
    "Hard": {"num_decks": 1, "deck_type": "ranks"},
}

# As in the original: the 13 cards of a suit in one deck cannot be paired up.
NUM_TYPES = {"colors": 2, "ranks": cards.NUM_RANKS}


@struct.dataclass
class ConcentrationParams:
    """Nothing varies: the number of decks sets the shape of the board, so it belongs to the environment."""


@struct.dataclass
class ConcentrationState:
    """Exactly one of `deck` and `board` is present, and which one is static.

    `deck`: the cards that no flip has shown yet. `board`: int32 `[N]`, the type of every cell. `seen`: int8 `[N]`, the
    type of every cell that a flip has shown, K for the others. `face_up`: bool `[N]`, the cells paired up. `first`:
    int32 scalar, the cell flipped as the first of two, N if there is none; `first_type`: int32 scalar, its type.
    `pairs`, `time`: int32 scalars, the pairs found and the steps taken.
    """

    deck: cards.Deck | None
    board: jax.Array | None
    seen: jax.Array
    face_up: jax.Array
    first: jax.Array
    first_type: jax.Array
    pairs: jax.Array
    time: jax.Array


@dataclass(frozen=True)
class Concentration(PopgymEnvironment):
    """The agent flips one card per step; two of one type, flipped in a row, stay face-up.

    N = 52 num_decks cards of K types (colours or ranks) lie face-down. A step shows the card at the cell chosen, and
    the observation has the type of every card that is face-up or in play, K elsewhere; it is taken before the flip is
    resolved, so a pair that fails is visible once. With T = 2N, the flip is resolved by the first rule that applies:

    - the cell is face-up already: -1/T for every card in play (1, or 2 if a first card was waiting, which is lost);
    - it is the first card in play: 0, and it stays in play;
    - it is the second, has the type of the first and is another cell: 1/(N/2), and both stay face-up;
    - it is the second and does not match: -2/T, and both are turned back.

    Observation: MultiDiscrete((K+1,) * N). Action: Discrete(N). Episode: terminated when all cards are face-up,
    truncated on step T = 104 / 208 / 104 (Easy / Medium / Hard); both flags may be True. Return: in [-1, 1]; uniform
    random play averages -0.20 / -0.18 / -0.84, and 1 takes luck, for the first look at a card may fail a pair.

    The type of a cell is drawn when a flip first shows it, from the cards that none has shown. Since no one can tell
    unseen cells apart before, that has the distribution of a board shuffled at the start.

    Full state: `cells`, the type of every cell ever shown, K for the others; `face_up`; `first`, the cell waiting for
    its second, N if there is none; `progress`, the share of the T steps that is over. What is unseen follows from
    the deck and `cells`, each arrangement being equally likely; so this is the state of a decision process in which
    the agent forgets nothing, and it suffices. An agent that also knew what lies unseen could do better.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859;
    popgym 1.0.7, `popgym/envs/concentration.py`.
    """

    num_decks: int = 1
    deck_type: str = "ranks"
    task_version: ClassVar[int] = 1
    can_truncate: ClassVar[bool] = True

    def __post_init__(self):
        cards.check_integer("Concentration", "num_decks", self.num_decks, 1)
        if self.deck_type not in NUM_TYPES:
            allowed = ", ".join(NUM_TYPES)
            raise ValueError(f"Concentration: deck_type is {self.deck_type!r}; it must be one of {allowed}")

    @staticmethod
    def create(*, num_decks: int = 1, deck_type: str = "ranks") -> tuple["Concentration", ConcentrationParams]:
        """The environment and its params; `ValueError` unless num_decks >= 1 and deck_type is in `NUM_TYPES`."""
        return Concentration(num_decks, deck_type), ConcentrationParams()

    @property
    def default_params(self) -> ConcentrationParams:
        return ConcentrationParams()

    @property
    def num_types(self) -> int:
        """K, the number of types of cards, and what a face-down card looks like."""
        return NUM_TYPES[self.deck_type]

    @property
    def num_cards(self) -> int:
        """N, the number of cards on the board."""
        return cards.DECK_SIZE * self.num_decks

    def observation_space(self, params):
        return MultiDiscrete((self.num_types + 1,) * self.num_cards)

    def action_space(self, params):
        return Discrete(self.num_cards)

    def state_space(self, params):
        return Dict(
            {
                "cells": MultiDiscrete((self.num_types + 1,) * self.num_cards),
                "face_up": MultiDiscrete((2,) * self.num_cards),
                "first": Discrete(self.num_cards + 1),
                "progress": Box(0.0, 1.0),
            }
        )

    def max_episode_steps(self, params):
        # The original's ceil(2N - N / (2N - 1)): what is taken off lies between a half and one.
        return 2 * self.num_cards

    def reset_env(self, key, params):
        return self._face_down(cards.fresh(self.num_types, self.num_cards // self.num_types), None)

    def reset_with_board(self, board, params):
        """As `reset_env`, but the cells have the types `board`, integers `[N]`; go on with `step_env`.

        For parity tests.
        """
        cards.check_order("Concentration", board, self.num_decks)
        return self._face_down(None, jnp.asarray(board, jnp.int32))

    def _face_down(self, deck, board):
        state = ConcentrationState(
            deck=deck,
            board=board,
            seen=jnp.full((self.num_cards,), self.num_types, jnp.int8),
            face_up=jnp.zeros((self.num_cards,), jnp.bool_),
            first=jnp.int32(self.num_cards),
            first_type=jnp.int32(0),
            pairs=jnp.int32(0),
            time=jnp.int32(0),
        )
        return jnp.full((self.num_cards,), self.num_types, jnp.int32), state

    def step_env(self, key, state, action, params):
        cells = jnp.arange(self.num_cards)
        flipped, is_first = cells == action, cells == state.first
        card, deck = self._look(key, state, action)
        # A barrier, because XLA for CPUs would look again for every cell of the observation and the state.
        card, is_face_up = jax.lax.optimization_barrier((card, state.face_up[action]))
        seen = jnp.where(flipped, card.astype(jnp.int8), state.seen)
        visible = state.face_up | flipped | is_first
        observation = jnp.where(visible, seen.astype(jnp.int32), self.num_types)

        num_steps = self.max_episode_steps(params)
        is_second = state.first < self.num_cards
        matches = is_second & ~is_face_up & (card == state.first_type) & (action != state.first)
        waits = ~is_second & ~is_face_up
        penalty = jnp.where(is_second, -2 / num_steps, -1 / num_steps)
        reward = jnp.where(matches, 2 / self.num_cards, jnp.where(waits, 0.0, penalty)).astype(jnp.float32)

        pairs = state.pairs + matches.astype(jnp.int32)
        time = state.time + 1
        state = ConcentrationState(
            deck=deck,
            board=state.board,
            seen=seen,
            face_up=state.face_up | (matches & (flipped | is_first)),
            first=jnp.where(waits, action, self.num_cards).astype(jnp.int32),
            first_type=card,
            pairs=pairs,
            time=time,
        )
        return observation, state, reward, pairs == self.num_cards // 2, time >= num_steps, {}

    def _look(self, key, state, cell):
        """The type of the card at `cell`, int32 scalar, and the deck without it."""
        if state.board is not None:
            return state.board[cell], None
        known = state.seen[cell].astype(jnp.int32)
        is_known = known < self.num_types
        # What is drawn although the card is known, perhaps from an exhausted deck, is thrown away.
        card, deck = cards.draw(key, state.deck)
        deck = jax.tree.map(lambda old, new: jnp.where(is_known, old, new), state.deck, deck)
        return jnp.where(is_known, known, card), deck

    def full_state(self, state, params):
        return {
            "cells": state.seen.astype(jnp.int32),
            "face_up": state.face_up.astype(jnp.int32),
            "first": state.first,
            "progress": (state.time / self.max_episode_steps(params)).astype(jnp.float32),
        }
