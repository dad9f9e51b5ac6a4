"""A lazily drawn deck is a shuffled deck: same distribution, each card once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from memorax.environments.popgym import cards

NUM_DECKS = 20_000
P_VALUE = 1e-4  # keys are fixed: a sound draw either passes for ever or is replaced by one that does


def deal_all(draw, deck, num_cards, seed=0):
    """`NUM_DECKS` decks dealt to the end: types `[NUM_DECKS, num_cards]`. `deck(key)` builds one."""

    def deal(key):
        deck_key, draw_key = jax.random.split(key)
        step = lambda deck, key: draw(key, deck)[::-1]  # noqa: E731
        return jax.lax.scan(step, deck(deck_key), jax.random.split(draw_key, num_cards))[1]

    return np.asarray(jax.jit(jax.vmap(deal))(jax.random.split(jax.random.key(seed), NUM_DECKS)))


def flaws(dealt, num_types, per_type):
    """The names of the laws of a shuffled deck that `dealt` `[decks, num_types * per_type]` breaks."""
    num_cards = num_types * per_type
    found = set()
    if any((np.sum(dealt == card, axis=1) != per_type).any() for card in range(num_types)):
        found.add("exhausted")
    for i in (0, 1, num_cards // 2, num_cards - 1):
        counts = np.bincount(dealt[:, i], minlength=num_types)
        if len(counts) > num_types or scipy.stats.chisquare(counts).pvalue < P_VALUE:
            found.add("marginal")
    joint = np.full((num_types, num_types), per_type) - np.eye(num_types)
    joint = joint / joint.sum()
    for i in (0, num_cards // 2, num_cards - 2):
        pairs = np.minimum(dealt[:, i], num_types - 1) * num_types + np.minimum(dealt[:, i + 1], num_types - 1)
        counts = np.bincount(pairs, minlength=num_types**2)
        seen = joint.ravel() > 0
        expected = joint.ravel()[seen] * counts.sum()
        if counts[~seen].any() or scipy.stats.chisquare(counts[seen], expected).pvalue < P_VALUE:
            found.add("joint")
    return found


DECKS = pytest.mark.parametrize(("num_types", "per_type"), [(4, 13), (13, 4), (5, 1)])


@DECKS
def test_lazy_draws_have_the_distribution_of_a_shuffled_deck(num_types, per_type):
    dealt = deal_all(cards.draw, lambda key: cards.fresh(num_types, per_type), num_types * per_type)
    assert flaws(dealt, num_types, per_type) == set()


@DECKS
def test_the_laws_hold_for_decks_that_are_shuffled(num_types, per_type):
    def shuffled(key):
        return cards.injected(jax.random.permutation(key, jnp.repeat(jnp.arange(num_types), per_type)))

    assert flaws(deal_all(cards.draw, shuffled, num_types * per_type), num_types, per_type) == set()


def draw_with_replacement(key, deck):
    card, after = cards.draw(key, deck)
    return card, deck.replace(dealt=after.dealt)


def draw_from_types_alike(key, deck):
    """Never exceeds the deck, but ignores how many cards of a type are left."""
    left = jnp.diff(deck.remaining, prepend=0)
    card = jax.random.categorical(key, jnp.where(left > 0, 0.0, -jnp.inf))
    taken = (jnp.arange(left.size) >= card).astype(jnp.int32)
    return card, deck.replace(remaining=deck.remaining - taken)


def draw_in_order(key, deck):
    """The cards of a new deck: each once, shuffled never."""
    left = jnp.diff(deck.remaining, prepend=0)
    card = jnp.argmax(left > 0)
    return card, deck.replace(remaining=deck.remaining - (jnp.arange(left.size) >= card).astype(jnp.int32))


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (draw_with_replacement, {"exhausted", "joint"}),
        (draw_from_types_alike, {"joint"}),
        (draw_in_order, {"marginal", "joint"}),
    ],
)
def test_the_laws_catch_a_broken_draw(draw, expected):
    assert flaws(deal_all(draw, lambda key: cards.fresh(13, 4), 52), 13, 4) == expected


def test_the_number_of_cards_per_type_may_be_traced():
    def deal(per_type):
        step = lambda deck, key: cards.draw(key, deck)[::-1]  # noqa: E731
        return jax.lax.scan(step, cards.fresh(4, per_type), jax.random.split(jax.random.key(0), 52))[1]

    one, two = jax.jit(jax.vmap(deal))(jnp.array([13, 26]))
    np.testing.assert_array_equal(np.bincount(one), [13] * 4)
    assert np.bincount(two, minlength=4).max() <= 26


def test_an_injected_order_is_dealt_in_order():
    order = np.random.default_rng(0).integers(0, 13, 52)
    deck, dealt = cards.injected(order), []
    for _ in range(5):
        card, deck = cards.draw(None, deck)
        dealt.append(int(card))
    assert dealt == order[:5].tolist()
    assert deck.dealt == 5
    dealt = deal_all(cards.draw, lambda key: cards.injected(order), 52)
    assert (dealt == order).all()
