"""POPGym CountRecall: tell how often a card of some type was dealt so far."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.popgym import cards, draws
from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.spaces import Box, Dict, Discrete, MultiDiscrete

DIFFICULTIES = {
    "Easy": {"num_decks": 1, "deck_type": "colors"},
    "Medium": {"num_decks": 2, "deck_type": "suits"},
    "Hard": {"num_decks": 4, "deck_type": "ranks"},
}

NUM_TYPES = {"colors": 2, "suits": cards.NUM_SUITS, "ranks": cards.NUM_RANKS}


@struct.dataclass
class CountRecallParams:
    """Nothing varies: the number of decks sets the number of actions, so it belongs to the environment."""


@struct.dataclass
class CountRecallState:
    """`counts`: int32 `[K]`, the values dealt so far of each type. `query`: int32 scalar, the type now asked for."""

    values: cards.Deck
    queries: cards.Deck
    counts: jax.Array
    query: jax.Array


@dataclass(frozen=True)
class CountRecall(PopgymEnvironment):
    """Each step deals one more value and asks how many values of some type were dealt, the one now shown included.

    Values v and queries q come from two decks of N = 52 num_decks cards each, shuffled independently; a card counts
    as one of K types: its colour, suit or rank. The reset shows (v[0], q[0]). Step t (from 0) earns 1/(N-1) if the
    action is the number of j <= t with v[j] = q[t], else -1/(N-1), and shows (v[t+1], q[t+1]). The last query is never
    answered. (popgym before 1.0.7 had one action less and so no way to answer N/K.)

    Observation: MultiDiscrete((K, K)), value and query. Action: Discrete(N/K + 1): 27 / 27 / 17 (Easy / Medium /
    Hard). Episode: N-1 steps, then terminated; never truncated. Return: in [-1, 1]; uniform random play averages
    -0.93 / -0.93 / -0.88.

    Full state: `due`, the count asked for; `progress`, the share of the episode that is over. `due` is the rewarded
    action, actions change nothing but rewards, and how many of those are left follows from `progress`; so this
    suffices, although it does not predict the queries to come.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859;
    popgym 1.0.7, `popgym/envs/count_recall.py`.
    """

    num_decks: int = 1
    deck_type: str = "colors"
    task_version: ClassVar[int] = 1
    can_truncate: ClassVar[bool] = False

    def __post_init__(self):
        cards.check_integer("CountRecall", "num_decks", self.num_decks, 1)
        if self.deck_type not in NUM_TYPES:
            raise ValueError(f"CountRecall: deck_type is {self.deck_type!r}; it must be one of {', '.join(NUM_TYPES)}")

    @staticmethod
    def create(*, num_decks: int = 1, deck_type: str = "colors") -> tuple["CountRecall", CountRecallParams]:
        """The environment and its params; `ValueError` unless num_decks >= 1 and deck_type is in `NUM_TYPES`."""
        return CountRecall(num_decks, deck_type), CountRecallParams()

    @property
    def default_params(self) -> CountRecallParams:
        return CountRecallParams()

    @property
    def num_types(self) -> int:
        """K, the number of types of cards."""
        return NUM_TYPES[self.deck_type]

    @property
    def num_cards(self) -> int:
        """N, the cards in each of the two decks."""
        return cards.DECK_SIZE * self.num_decks

    @property
    def per_type(self) -> int:
        """N/K, the cards of each type in each of the two decks."""
        return self.num_cards // self.num_types

    def observation_space(self, params):
        return MultiDiscrete((self.num_types, self.num_types))

    def action_space(self, params):
        return Discrete(self.per_type + 1)

    def state_space(self, params):
        return Dict({"due": Discrete(self.per_type + 1), "progress": Box(0.0, 1.0)})

    def max_episode_steps(self, params):
        return self.num_cards - 1

    def reset_env(self, key, params):
        full = cards.fresh(self.num_types, self.per_type)
        return self._deal(key, full, full, jnp.zeros((self.num_types,), jnp.int32))

    def reset_with_order(self, values, queries, params):
        """As `reset_env`, but deals `values` and asks `queries`, types `[N]` each; go on with `step_env`.

        For parity tests.
        """
        cards.check_order("CountRecall", values, self.num_decks)
        cards.check_order("CountRecall", queries, self.num_decks)
        counts = jnp.zeros((self.num_types,), jnp.int32)
        return self._deal(None, cards.injected(values), cards.injected(queries), counts)

    def _deal(self, key, values, queries, counts):
        words = (None, None) if key is None else draws.words(key, 2)
        value, values = cards.draw_with(words[0], values)
        query, queries = cards.draw_with(words[1], queries)
        counts = counts + (jnp.arange(self.num_types) == value).astype(jnp.int32)
        return jnp.stack([value, query]), CountRecallState(values, queries, counts, query)

    def step_env(self, key, state, action, params):
        reward = (jnp.where(action == self._due(state), 1.0, -1.0) / (self.num_cards - 1)).astype(jnp.float32)
        observation, state = self._deal(key, state.values, state.queries, state.counts)
        return observation, state, reward, state.values.dealt == self.num_cards, jnp.bool_(False), {}

    def full_state(self, state, params):
        progress = (state.values.dealt - 1) / (self.num_cards - 1)
        return {"due": self._due(state), "progress": progress.astype(jnp.float32)}

    def _due(self, state):
        # As a sum this is vectorised over environments and fused, which a gather is not.
        return jnp.sum(jnp.where(jnp.arange(self.num_types) == state.query, state.counts, 0))
