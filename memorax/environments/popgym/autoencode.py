"""POPGym Autoencode: watch a deck being dealt, then name its suits in reverse order."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.popgym import cards
from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.spaces import Box, Dict, Discrete, Tuple
from memorax.environments.types import largest

DIFFICULTIES = {
    "Easy": {"num_decks": 1},
    "Medium": {"num_decks": 2},
    "Hard": {"num_decks": 3},
}

PLAY, WATCH = 0, 1

# Suits in a word of the memory, two bits each. Words are scalars, which are vectorised over environments; the axis of
# an array is not.
PER_WORD = 16


@struct.dataclass
class AutoencodeParams:
    """`num_decks`: decks of 52 cards to be remembered."""

    num_decks: int = 1


@struct.dataclass
class AutoencodeState:
    """`seen`: ceil(52 max_decks / 16) uint32 scalars; card number i, once dealt, has bits 2 (i % 16) and the next of
    number i // 16, the others are zero. `answered`: int32 scalar, the answers given so far.
    """

    deck: cards.Deck
    seen: tuple[jax.Array, ...]
    answered: jax.Array


@dataclass(frozen=True)
class Autoencode(PopgymEnvironment):
    """First the agent watches the suits of a whole deck, then it names them from the last card to the first.

    With N = 52 num_decks cards c[0..N-1], the reset shows c[0]. The first N-1 steps earn 0 whatever the action, and
    step t (from 0) shows c[t+1]. Then come N steps, of which the i-th (from 0) earns 1/N if the action is c[N-1-i],
    else -1/N, and shows suit 0.

    An observation is the mode, 1 (WATCH) or 0 (PLAY), and a suit. The mode tells what the next action is for, so the
    last card c[N-1] is shown with mode 0: the agent answers at once, and this first answer needs no memory.

    Observation: Tuple(Discrete(2), Discrete(4)). Action: Discrete(4). Episode: 2N-1 steps, then terminated; never
    truncated. Return: in [-1, 1]; uniform random play averages -0.5.

    Full state: `due`, the suit to be named now, or 4 while there is none; `progress`, the share of the episode that is
    over. `due` is the rewarded action, actions change nothing but rewards, and how many of those are left follows
    from `progress`; so this suffices, although it does not predict which suits come next.

    `max_decks` (static) is the length of the memory, at least num_decks: environments of equal `max_decks` are equal,
    and share one compiled program over all num_decks.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859;
    popgym 1.0.7, `popgym/envs/autoencode.py`.
    """

    max_decks: int = 1
    task_version: ClassVar[int] = 1
    can_truncate: ClassVar[bool] = False

    def __post_init__(self):
        cards.check_integer("Autoencode", "max_decks", self.max_decks, 1)

    @staticmethod
    def create(*, num_decks: int = 1, max_decks: int | None = None) -> tuple["Autoencode", AutoencodeParams]:
        """The environment and its params; `ValueError` unless 1 <= num_decks <= max_decks (default: num_decks)."""
        cards.check_integer("Autoencode", "num_decks", num_decks, 1)
        env = Autoencode(num_decks if max_decks is None else max_decks)
        if num_decks > env.max_decks:
            raise ValueError(
                f"Autoencode: num_decks is {num_decks}, more than max_decks {max_decks}; "
                f"raise max_decks to at least {num_decks}"
            )
        return env, AutoencodeParams(num_decks=num_decks)

    @property
    def default_params(self) -> AutoencodeParams:
        """As many decks as fit."""
        return AutoencodeParams(num_decks=self.max_decks)

    def observation_space(self, params):
        return Tuple((Discrete(2), Discrete(cards.NUM_SUITS)))

    def action_space(self, params):
        return Discrete(cards.NUM_SUITS)

    def state_space(self, params):
        return Dict({"due": Discrete(cards.NUM_SUITS + 1), "progress": Box(0.0, 1.0)})

    def max_episode_steps(self, params):
        return 2 * cards.DECK_SIZE * largest("num_decks", params.num_decks) - 1

    def reset_env(self, key, params):
        return self._deal_first(key, cards.fresh(cards.NUM_SUITS, cards.NUM_RANKS * params.num_decks))

    def reset_with_order(self, order, params):
        """As `reset_env`, but deals `order`, suits `[N]`; go on with `step_env`. For parity tests."""
        cards.check_order("Autoencode", order, params.num_decks)
        return self._deal_first(None, cards.injected(order))

    def _deal_first(self, key, deck):
        suit, deck = cards.draw(key, deck)
        seen = (jnp.uint32(0),) * -(-cards.DECK_SIZE * self.max_decks // PER_WORD)
        seen = _written(seen, jnp.int32(0), suit)
        return (jnp.int32(WATCH), suit), AutoencodeState(deck, seen, answered=jnp.int32(0))

    def step_env(self, key, state, action, params):
        num_cards = cards.DECK_SIZE * params.num_decks
        playing = state.deck.dealt == num_cards
        earned = jnp.where(action == self._top(state, num_cards), 1.0, -1.0) / num_cards
        reward = jnp.where(playing, earned, 0.0).astype(jnp.float32)

        # What is drawn from an exhausted deck is thrown away.
        suit, deck = cards.draw(key, state.deck)
        deck = jax.tree.map(lambda old, new: jnp.where(playing, old, new), state.deck, deck)
        seen = _written(state.seen, state.deck.dealt, jnp.where(playing, 0, suit))
        answered = state.answered + playing.astype(jnp.int32)

        mode = jnp.where(deck.dealt == num_cards, PLAY, WATCH).astype(jnp.int32)
        observation = (mode, jnp.where(playing, 0, suit))
        terminated = answered == num_cards
        return observation, AutoencodeState(deck, seen, answered), reward, terminated, jnp.bool_(False), {}

    def full_state(self, state, params):
        num_cards = cards.DECK_SIZE * params.num_decks
        is_due = (state.deck.dealt == num_cards) & (state.answered < num_cards)
        steps = state.deck.dealt - 1 + state.answered
        return {
            "due": jnp.where(is_due, self._top(state, num_cards), cards.NUM_SUITS),
            "progress": (steps / (2 * num_cards - 1)).astype(jnp.float32),
        }

    def _top(self, state, num_cards):
        """The latest card that was not yet named, int32 scalar; read only while there is one to be named."""
        index = num_cards - 1 - state.answered
        word = sum(jnp.where(index // PER_WORD == i, word, 0) for i, word in enumerate(state.seen))
        return ((word >> _shift(index)) & 3).astype(jnp.int32)


def _written(seen, index, suit):
    """The memory with `suit` at an entry that is still zero."""
    # A barrier, because XLA for CPUs would compute both again for every word.
    bits, place = jax.lax.optimization_barrier((suit.astype(jnp.uint32) << _shift(index), index // PER_WORD))
    return tuple(jnp.where(place == i, word | bits, word) for i, word in enumerate(seen))


def _shift(index):
    return jnp.asarray(2 * (index % PER_WORD), jnp.uint32)
