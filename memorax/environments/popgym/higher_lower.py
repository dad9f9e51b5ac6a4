"""POPGym HigherLower: guess whether the next card is higher or lower than the one shown."""

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
    "Medium": {"num_decks": 2},
    "Hard": {"num_decks": 3},
}


@struct.dataclass
class HigherLowerParams:
    """`num_decks`: decks of 52 cards in play."""

    num_decks: int = 1


@struct.dataclass
class HigherLowerState:
    """`rank`: int32 scalar, the card shown; 0 is the ace, 12 the king."""

    deck: cards.Deck
    rank: jax.Array


@dataclass(frozen=True)
class HigherLower(PopgymEnvironment):
    """Each step shows the rank of one more card; the agent guesses whether the next is higher (0) or lower (1).

    With N = 52 num_decks cards, the reset shows the first. A step that goes from rank x to rank y earns 0 if they are
    equal, 1/N if the guess was right, else -1/N. Aces are low. Counting cards helps, but little: the best memoryless
    policy returns about 0.50, perfect greedy counting 0.53 / 0.51 / 0.51 (Easy / Medium / Hard).

    Observation: Discrete(13). Action: Discrete(2). Episode: N-1 steps, then terminated; never truncated.
    Return: in (-1, 1); uniform random play averages 0.

    Full state: `rank`, of the card shown; `remaining`, the share of each rank's cards that is still to come. The next
    card is any of those with equal probability, so this suffices: the better guess is the side with more of them.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859;
    popgym 1.0.7, `popgym/envs/higher_lower.py`.
    """

    task_version: ClassVar[int] = 1
    can_truncate: ClassVar[bool] = False

    @staticmethod
    def create(*, num_decks: int = 1) -> tuple["HigherLower", HigherLowerParams]:
        """The environment and its params; `ValueError` unless num_decks >= 1."""
        cards.check_integer("HigherLower", "num_decks", num_decks, 1)
        return HigherLower(), HigherLowerParams(num_decks=num_decks)

    @property
    def default_params(self) -> HigherLowerParams:
        return HigherLowerParams()

    def observation_space(self, params):
        return Discrete(cards.NUM_RANKS)

    def action_space(self, params):
        return Discrete(2)

    def state_space(self, params):
        return Dict({"rank": Discrete(cards.NUM_RANKS), "remaining": Box(0.0, 1.0, (cards.NUM_RANKS,))})

    def max_episode_steps(self, params):
        return cards.DECK_SIZE * largest("num_decks", params.num_decks) - 1

    def reset_env(self, key, params):
        rank, deck = cards.draw(key, cards.fresh(cards.NUM_RANKS, cards.NUM_SUITS * params.num_decks))
        return rank, HigherLowerState(deck, rank)

    def reset_with_order(self, order, params):
        """As `reset_env`, but deals `order`, ranks `[N]`; go on with `step_env`. For parity tests."""
        cards.check_order("HigherLower", order, params.num_decks)
        rank, deck = cards.draw(None, cards.injected(order))
        return rank, HigherLowerState(deck, rank)

    def step_env(self, key, state, action, params):
        num_cards = cards.DECK_SIZE * params.num_decks
        rank, deck = cards.draw(key, state.deck)
        guessed_right = (rank > state.rank) == (action == 0)
        earned = jnp.where(guessed_right, 1.0, -1.0) / num_cards
        reward = jnp.where(rank == state.rank, 0.0, earned).astype(jnp.float32)
        return rank, HigherLowerState(deck, rank), reward, deck.dealt == num_cards, jnp.bool_(False), {}

    def full_state(self, state, params):
        deck = state.deck
        if deck.order is None:
            remaining = jnp.diff(deck.remaining, prepend=0)
        else:
            to_come = jnp.arange(deck.order.size) >= deck.dealt
            remaining = jnp.sum(to_come[:, None] & (deck.order[:, None] == jnp.arange(cards.NUM_RANKS)), axis=0)
        share = remaining / (cards.NUM_SUITS * params.num_decks)
        return {"rank": state.rank, "remaining": share.astype(jnp.float32)}
