"""POPGym RepeatPrevious: name the suit seen k - 1 cards ago."""

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
    "Easy": {"num_decks": 1, "k": 4},
    "Medium": {"num_decks": 2, "k": 32},
    "Hard": {"num_decks": 3, "k": 64},
}


@struct.dataclass
class RepeatPreviousParams:
    """`k`: the target is the k-th latest card, 1 being the one just shown. `num_decks`: decks of 52 cards in play."""

    k: int
    num_decks: int


@struct.dataclass
class RepeatPreviousState:
    """`recent`: int8 `[capacity]`; card number i (from 0) is at `i % capacity`."""

    deck: cards.Deck
    recent: jax.Array


@dataclass(frozen=True)
class RepeatPrevious(PopgymEnvironment):
    """Each step shows the suit of one more card; the agent names the suit of the k-th latest card it has seen.

    With N = 52 num_decks cards c[0..N-1], the reset shows c[0] and step t (from 0) shows c[t+1]. From step k-1 on, the
    reward is 1/(N-k) if the action is c[t-k+1], else -1/(N-k); before, it is 0. So the target lies k-1 steps before
    the latest observation.

    Observation: Discrete(4). Action: Discrete(4). Episode: N-1 steps, then terminated; never truncated.
    Return: in [-1, 1]; uniform random play averages -0.5.

    Full state: `due`, the suit to be named now, or 4 while there is none; `progress`, the share of the episode that is
    over. `due` is the rewarded action, actions change nothing but rewards, and how many of those are left follows
    from `progress`; so this suffices, although it does not predict which suits come next.

    `capacity` (static) is the length of the memory of recent cards, at least k: environments of equal capacity are
    equal, and share one compiled program over all k.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859;
    popgym 1.0.7, `popgym/envs/repeat_previous.py`.
    """

    capacity: int
    task_version: ClassVar[int] = 1
    can_truncate: ClassVar[bool] = False

    def __post_init__(self):
        cards.check_integer("RepeatPrevious", "capacity", self.capacity, 1)

    @staticmethod
    def create(
        *, k: int = 4, num_decks: int = 1, capacity: int | None = None
    ) -> tuple["RepeatPrevious", RepeatPreviousParams]:
        """The environment and its params; `ValueError` unless 1 <= k < 52 num_decks and k <= capacity (default: k)."""
        cards.check_integer("RepeatPrevious", "num_decks", num_decks, 1)
        cards.check_integer("RepeatPrevious", "k", k, 1)
        num_cards = cards.DECK_SIZE * num_decks
        if k >= num_cards:
            raise ValueError(
                f"RepeatPrevious: k is {k}, but {num_decks} deck(s) have {num_cards} cards; "
                f"lower k below {num_cards} or raise num_decks"
            )
        env = RepeatPrevious(k if capacity is None else capacity)
        if k > env.capacity:
            raise ValueError(f"RepeatPrevious: k is {k}, more than capacity {capacity}; raise capacity to at least {k}")
        return env, RepeatPreviousParams(k=k, num_decks=num_decks)

    @property
    def default_params(self) -> RepeatPreviousParams:
        """The longest lag that fits `capacity`, with as few decks as it needs."""
        return RepeatPreviousParams(k=self.capacity, num_decks=self.capacity // cards.DECK_SIZE + 1)

    def observation_space(self, params):
        return Discrete(cards.NUM_SUITS)

    def action_space(self, params):
        return Discrete(cards.NUM_SUITS)

    def state_space(self, params):
        return Dict({"due": Discrete(cards.NUM_SUITS + 1), "progress": Box(0.0, 1.0)})

    def max_episode_steps(self, params):
        return cards.DECK_SIZE * largest("num_decks", params.num_decks) - 1

    def reset_env(self, key, params):
        return self._deal_first(key, cards.fresh(cards.NUM_SUITS, cards.NUM_RANKS * params.num_decks))

    def reset_with_order(self, order, params):
        """As `reset_env`, but deals `order`, suits `[N]`; go on with `step_env`. For parity tests."""
        cards.check_order("RepeatPrevious", order, params.num_decks)
        return self._deal_first(None, cards.injected(order))

    def _deal_first(self, key, deck):
        suit, deck = cards.draw(key, deck)
        # Only slots that a card was written to are ever read, so the rest may hold anything.
        return suit, RepeatPreviousState(deck, jnp.full((self.capacity,), suit, jnp.int8))

    def step_env(self, key, state, action, params):
        num_cards = cards.DECK_SIZE * params.num_decks
        t = state.deck.dealt - 1
        earned = jnp.where(action == self._target(state, params), 1.0, -1.0) / (num_cards - params.k)
        reward = jnp.where(t >= params.k - 1, earned, 0.0).astype(jnp.float32)

        suit, deck = cards.draw(key, state.deck)
        recent = state.recent.at[(t + 1) % self.capacity].set(suit.astype(jnp.int8))
        terminated = deck.dealt == num_cards
        return suit, RepeatPreviousState(deck, recent), reward, terminated, jnp.bool_(False), {}

    def full_state(self, state, params):
        t = state.deck.dealt - 1
        progress = t / (cards.DECK_SIZE * params.num_decks - 1)
        return {
            "due": jnp.where(t >= params.k - 1, self._target(state, params), cards.NUM_SUITS).astype(jnp.int32),
            "progress": progress.astype(jnp.float32),
        }

    def _target(self, state, params):
        """The k-th latest card, int8 scalar; anything while fewer were dealt."""
        return state.recent[(state.deck.dealt - params.k) % self.capacity]
