"""A deck of cards dealt without replacement.

Training never shuffles: each card is drawn from how many of each type are left, which has the distribution of a
shuffled deck and costs no permutation in the auto-reset of every step. For parity with the original POPGym the order
can be given instead.
"""

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.popgym import draws

DECK_SIZE = 52
NUM_SUITS = 4
NUM_RANKS = 13


@struct.dataclass
class Deck:
    """Exactly one of `remaining` and `order` is present, and which one is static.

    `remaining`: int32 `[num_types]`, entry i the cards left of types 0 to i (cumulative, so that a draw needs no sum
    over types; the last entry is the size of the deck). `order`: int32 `[N]`, the types in the order in which
    they are dealt. `dealt`: int32 scalar, the cards dealt so far.
    """

    remaining: jax.Array | None
    order: jax.Array | None
    dealt: jax.Array


def fresh(num_types: int, per_type: int | jax.Array) -> Deck:
    """A full deck with `per_type` cards (may be traced) of each of `num_types` types."""
    remaining = jnp.arange(1, num_types + 1, dtype=jnp.int32) * jnp.asarray(per_type, jnp.int32)
    return Deck(remaining=remaining, order=None, dealt=jnp.int32(0))


def injected(order: jax.Array) -> Deck:
    """A deck that deals `order`, integers `[N]`, from its first entry on."""
    return Deck(remaining=None, order=jnp.asarray(order, jnp.int32), dealt=jnp.int32(0))


def draw(key: jax.Array | None, deck: Deck) -> tuple[jax.Array, Deck]:
    """The type of the next card, int32 scalar, and the deck without it. `key` is not read where the order is given.

    Drawing from an exhausted deck is undefined.
    """
    return draw_with(None if deck.order is not None else draws.words(key, 1)[0], deck)


def draw_with(word: jax.Array | None, deck: Deck) -> tuple[jax.Array, Deck]:
    """As `draw`, but from a random word, uint32 scalar, for whoever draws all random words of a step at once."""
    if deck.order is not None:
        return deck.order[deck.dealt], deck.replace(dealt=deck.dealt + 1)
    # An integer position below the total can only fall on a card that is left; a rounded uniform * total need not.
    # One word modulo the total is off uniform by less than total / 2**32, and four times cheaper than randint.
    total = deck.remaining[-1].astype(jnp.uint32)
    card = jnp.sum((word % total).astype(jnp.int32) >= deck.remaining, dtype=jnp.int32)
    taken = (jnp.arange(deck.remaining.size) >= card).astype(jnp.int32)
    return card, deck.replace(remaining=deck.remaining - taken, dealt=deck.dealt + 1)


def check_integer(task: str, name: str, value: int, minimum: int) -> None:
    """`ValueError` unless `value` is an integer >= `minimum`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise ValueError(f"{task}: {name} is {value!r}; it must be an integer >= {minimum}")


def check_order(task: str, order: jax.Array, num_decks: int) -> None:
    """`ValueError` unless an injected order has as many cards as the decks together; traced decks are not checked."""
    if not isinstance(num_decks, jax.core.Tracer) and order.shape != (DECK_SIZE * num_decks,):
        raise ValueError(
            f"{task}: the order has shape {order.shape}; {num_decks} deck(s) need ({DECK_SIZE * num_decks},)"
        )
