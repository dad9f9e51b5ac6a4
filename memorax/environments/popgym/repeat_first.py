"""POPGym RepeatFirst: name the suit of the episode's first card, at every step."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.popgym import cards
from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.spaces import Box, Dict, Discrete
from memorax.environments.types import largest

DIFFICULTIES = {
    "Easy": {"num_decks": 1},
    "Medium": {"num_decks": 8},
    "Hard": {"num_decks": 16},
}


@struct.dataclass
class RepeatFirstParams:
    """`num_decks`: decks of 52 cards in play."""

    num_decks: int = 1


@struct.dataclass
class RepeatFirstState:
    """`first`: int32 scalar, the suit of the first card."""

    deck: cards.Deck
    first: jax.Array


@dataclass(frozen=True)
class RepeatFirst(PopgymEnvironment):
    """Each step shows the suit of one more card; the agent names the suit of the first.

    With N = 52 num_decks cards c[0..N-1], the reset shows c[0] and step t (from 0) shows c[t+1]. Every step, the first
    included, earns 1/(N-1) if the action is c[0], else -1/(N-1). Nothing in an observation marks the first card.

    Observation: Discrete(4). Action: Discrete(4). Episode: N-1 steps, then terminated; never truncated.
    Return: in [-1, 1]; uniform random play averages -0.5.

    Full state: `due`, the suit to be named, which is the first; `progress`, the share of the episode that is over.
    `due` is the rewarded action, and how many rewards are left follows from `progress`; so this suffices.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859;
    popgym 1.0.7, `popgym/envs/repeat_first.py`.
    """

    task_version: ClassVar[int] = 1
    can_truncate: ClassVar[bool] = False

    @staticmethod
    def create(*, num_decks: int = 1) -> tuple["RepeatFirst", RepeatFirstParams]:
        """The environment and its params; `ValueError` unless num_decks >= 1."""
        cards.check_integer("RepeatFirst", "num_decks", num_decks, 1)
        return RepeatFirst(), RepeatFirstParams(num_decks=num_decks)

    @property
    def default_params(self) -> RepeatFirstParams:
        return RepeatFirstParams()

    def observation_space(self, params):
        return Discrete(cards.NUM_SUITS)

    def action_space(self, params):
        return Discrete(cards.NUM_SUITS)

    def state_space(self, params):
        return Dict({"due": Discrete(cards.NUM_SUITS), "progress": Box(0.0, 1.0)})

    def max_episode_steps(self, params):
        return cards.DECK_SIZE * largest("num_decks", params.num_decks) - 1

    def reset_env(self, key, params):
        suit, deck = cards.draw(key, cards.fresh(cards.NUM_SUITS, cards.NUM_RANKS * params.num_decks))
        return suit, RepeatFirstState(deck, first=suit)

    def reset_with_order(self, order, params):
        """As `reset_env`, but deals `order`, suits `[N]`; go on with `step_env`. For parity tests."""
        cards.check_order("RepeatFirst", order, params.num_decks)
        suit, deck = cards.draw(None, cards.injected(order))
        return suit, RepeatFirstState(deck, first=suit)

    def step_env(self, key, state, action, params):
        num_cards = cards.DECK_SIZE * params.num_decks
        reward = (jnp.where(action == state.first, 1.0, -1.0) / (num_cards - 1)).astype(jnp.float32)
        suit, deck = cards.draw(key, state.deck)
        return suit, state.replace(deck=deck), reward, deck.dealt == num_cards, jnp.bool_(False), {}

    def full_state(self, state, params):
        progress = (state.deck.dealt - 1) / (cards.DECK_SIZE * params.num_decks - 1)
        return {"due": state.first, "progress": progress.astype(jnp.float32)}
