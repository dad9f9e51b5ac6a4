"""What the memory tasks draw has the right distribution: chi-square tests under fixed keys, corrected for their number.

A sound environment passes for ever, because the keys are fixed. Every law is shown to notice a planted bias.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from memorax.environments.popgym import autoencode, cards, concentration, count_recall, draws, multiarmed_bandit

NUM_EPISODES = 10_000
ALPHA = 1e-3  # of one false alarm among all laws of a test


def rejected(pvalues):
    """The laws that Holm's procedure rejects among `pvalues`, a dict of name -> p."""
    found = set()
    for rank, (name, p) in enumerate(sorted(pvalues.items(), key=lambda item: item[1])):
        if p > ALPHA / (len(pvalues) - rank):
            break
        found.add(name)
    return found


def chi_square(counts, expected):
    counts, expected = np.ravel(counts), np.ravel(expected) / np.sum(expected) * np.sum(counts)
    if counts[expected == 0].any():
        return 0.0
    return scipy.stats.chisquare(counts[expected > 0], expected[expected > 0]).pvalue


def deck_laws(dealt, num_types, name=""):
    """p of each law of a shuffled deck, for `dealt` types `[episodes, N]`: where each lies, pairs, and halves."""
    num_cards = dealt.shape[1]
    per_type = num_cards // num_types
    complete = all((np.sum(dealt == card, axis=1) == per_type).all() for card in range(num_types))
    pvalues = {f"{name}complete": float(complete)}
    for i in (0, 1, num_cards // 2, num_cards - 1):
        counts = np.bincount(dealt[:, i], minlength=num_types)
        pvalues[f"{name}marginal {i}"] = chi_square(counts, np.ones(num_types))
    joint = per_type * np.ones((num_types, num_types)) - np.eye(num_types)
    for i, j in ((0, 1), (0, num_cards - 1), (num_cards // 2, num_cards // 2 + 1), (num_cards - 2, num_cards - 1)):
        counts = np.bincount(dealt[:, i] * num_types + dealt[:, j], minlength=num_types**2)
        pvalues[f"{name}joint {i} {j}"] = chi_square(counts, joint)
    in_half = np.sum(dealt[:, : num_cards // 2] == 0, axis=1)
    values = np.arange(per_type + 1)
    expected = scipy.stats.hypergeom(num_cards, per_type, num_cards // 2).pmf(values) * len(dealt)
    rare = expected < 10  # pooled, because chi-square needs large cells
    counts = np.bincount(np.minimum(in_half, per_type), minlength=per_type + 1)
    pooled = [np.append(x[~rare], x[rare].sum()) for x in (counts, expected)]
    pvalues[f"{name}half"] = chi_square(*pooled)
    return pvalues


def keys(seed, number=NUM_EPISODES):
    return jax.random.split(jax.random.key(seed), number)


def observe(env, params, num_steps, reset=None):
    """Observations of `num_steps` steps from a reset, the first one included: leaves `[episodes, num_steps + 1]`."""

    def episode(key):
        reset_key, key = jax.random.split(key)
        first, state = (reset or env.reset_env)(reset_key, params)

        def step(state, key):
            observation, state, *_ = env.step_env(key, state, jnp.int32(0), params)
            return state, observation

        _, rest = jax.lax.scan(step, state, jax.random.split(key, num_steps))
        return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, rest)

    return jax.tree.map(np.asarray, jax.jit(jax.vmap(episode))(keys(0)))


def shuffled(num_types, num_cards):
    return lambda key: jax.random.permutation(key, jnp.arange(num_cards) % num_types)


def autoencode_laws(reset=None):
    env, params = autoencode.Autoencode.create()
    _, suits = observe(env, params, 51, reset and (lambda key, params: reset(env, key, params)))
    return deck_laws(suits, 4)


def count_recall_laws(num_decks, deck_type, reset=None):
    env, params = count_recall.CountRecall.create(num_decks=num_decks, deck_type=deck_type)
    shown = observe(env, params, env.num_cards - 1, reset and (lambda key, params: reset(env, key, params)))
    values, queries = shown[..., 0], shown[..., 1]
    pvalues = deck_laws(values, env.num_types, "values ") | deck_laws(queries, env.num_types, "queries ")
    for i, j in ((0, 0), (0, 1), (30, 30), (31, 30)):
        table = np.zeros((env.num_types, env.num_types))
        np.add.at(table, (values[:, i], queries[:, j]), 1)
        pvalues[f"independent {i} {j}"] = scipy.stats.chi2_contingency(table, correction=False).pvalue
    return pvalues


def boards(env, params, reset=None):
    """Boards `[episodes, N]` as seen by an agent that looks at every cell, in an order that follows what it sees."""

    def episode(key):
        reset_key, key = jax.random.split(key)
        _, state = (reset or env.reset_env)(reset_key, params)

        def step(carry, key):
            state, last = carry
            unseen = env.full_state(state, params)["cells"] == env.num_types
            from_the_end = unseen.size - 1 - jnp.argmax(unseen[::-1])
            cell = jnp.where(last % 2 == 0, jnp.argmax(unseen), from_the_end).astype(jnp.int32)
            observation, state, *_ = env.step_env(key, state, cell, params)
            return (state, observation[cell]), (cell, observation[cell])

        return jax.lax.scan(step, (state, jnp.int32(0)), jax.random.split(key, env.num_cards))[1]

    cells, types = map(np.asarray, jax.jit(jax.vmap(episode))(keys(1)))
    assert (np.sort(cells, axis=1) == np.arange(env.num_cards)).all()
    return np.take_along_axis(types, np.argsort(cells, axis=1), axis=1), types


def concentration_laws(deck_type, reset=None):
    env, params = concentration.Concentration.create(deck_type=deck_type)
    by_cell, by_time = boards(env, params, reset and (lambda key, params: reset(env, key, params)))
    return deck_laws(by_cell, env.num_types, "cells ") | deck_laws(by_time, env.num_types, "looks ")


def test_the_lazy_autoencode_deals_a_shuffled_deck():
    assert rejected(autoencode_laws()) == set()
    in_order = lambda env, key, params: env.reset_with_order(shuffled(4, 52)(key), params)  # noqa: E731
    assert rejected(autoencode_laws(in_order)) == set()


@pytest.mark.parametrize(("num_decks", "deck_type"), [(1, "colors"), (1, "ranks")])
def test_the_lazy_count_recall_deals_two_shuffled_decks(num_decks, deck_type):
    assert rejected(count_recall_laws(num_decks, deck_type)) == set()

    def in_order(env, key, params):
        deal = jax.vmap(shuffled(env.num_types, env.num_cards))
        return env.reset_with_order(*deal(jax.random.split(key)), params)

    assert rejected(count_recall_laws(num_decks, deck_type, in_order)) == set()


@pytest.mark.parametrize("deck_type", ["colors", "ranks"])
def test_the_lazy_concentration_is_a_shuffled_board_however_it_is_looked_at(deck_type):
    assert rejected(concentration_laws(deck_type)) == set()

    def in_order(env, key, params):
        return env.reset_with_board(shuffled(env.num_types, env.num_cards)(key), params)

    assert rejected(concentration_laws(deck_type, in_order)) == set()


def test_a_card_once_seen_stays_what_it_was():
    env, params = concentration.Concentration.create()

    def episode(key):
        def step(state, key):
            action_key, key = jax.random.split(key)
            action = env.action_space(params).sample(action_key)
            observation, state, *_ = env.step_env(key, state, action, params)
            return state, (observation, env.full_state(state, params)["cells"])

        return jax.lax.scan(step, env.reset_env(key, params)[1], jax.random.split(key, 103))[1]

    observations, cells = map(np.asarray, jax.jit(jax.vmap(episode))(keys(2, 200)))
    visible, known = observations < env.num_types, cells < env.num_types
    assert (observations == cells)[visible].all()
    assert (cells[:, 1:] == cells[:, :-1])[known[:, :-1]].all()


def with_replacement(key, deck):
    card, after = draw_with(jax.random.bits(key, (), jnp.uint32), deck)
    return card, deck.replace(dealt=after.dealt)


def types_alike(key, deck):
    """Never exceeds the deck, but ignores how many cards of a type are left."""
    left = jnp.diff(deck.remaining, prepend=0)
    card = jax.random.categorical(key, jnp.where(left > 0, 0.0, -jnp.inf)).astype(jnp.int32)
    taken = (jnp.arange(left.size) >= card).astype(jnp.int32)
    return card, deck.replace(remaining=deck.remaining - taken, dealt=deck.dealt + 1)


draw_with = cards.draw_with
BIASES = pytest.mark.parametrize(("bias", "law"), [(with_replacement, "complete"), (types_alike, "half")])


@BIASES
def test_a_biased_deal_in_autoencode_is_noticed(monkeypatch, bias, law):
    monkeypatch.setattr(cards, "draw", bias)
    assert law in rejected(autoencode_laws())


@BIASES
def test_a_biased_board_in_concentration_is_noticed(monkeypatch, bias, law):
    monkeypatch.setattr(cards, "draw", bias)
    assert f"looks {law}" in rejected(concentration_laws("colors"))


@BIASES
def test_a_biased_deal_in_count_recall_is_noticed(monkeypatch, bias, law):
    def biased(word, deck):
        return bias(jax.random.key(word), deck)

    monkeypatch.setattr(cards, "draw_with", biased)
    found = rejected(count_recall_laws(1, "colors"))
    assert {f"values {law}", f"queries {law}"} <= found


def test_queries_that_follow_the_values_are_noticed(monkeypatch):
    monkeypatch.setattr(draws, "words", lambda key, n, words=draws.words: words(key, 1) * n)
    assert {"independent 0 0", "independent 30 30"} <= rejected(count_recall_laws(1, "colors"))


def bandit_laws(env):
    """p of each law of the arms and of what they pay, over episodes in which every arm is pulled twice in a row."""
    params = multiarmed_bandit.MultiarmedBanditParams(episode_length=2 * env.num_bandits)

    def episode(key):
        reset_key, key = jax.random.split(key)
        _, state = env.reset_env(reset_key, params)
        first = env.full_state(state, params)["arms"]

        def step(state, inputs):
            arm, key = inputs
            pays, state, *_ = env.step_env(key, state, arm, params)
            return state, (pays, env.full_state(state, params)["arms"])

        pulls = jnp.repeat(jnp.arange(env.num_bandits), 2)
        state, (pays, arms) = jax.lax.scan(step, state, (pulls, jax.random.split(key, pulls.size)))
        return first, jnp.all(arms == first), pays.reshape(env.num_bandits, 2)

    arms, constant, pays = map(np.asarray, jax.jit(jax.vmap(episode))(keys(3)))
    assert constant.all()
    assert (arms >= 0).all()
    assert (arms < 1).all()
    pvalues = {}
    for i in range(env.num_bandits):
        pvalues[f"uniform {i}"] = chi_square(np.bincount((arms[:, i] * 20).astype(int), minlength=20), np.ones(20))
        j = (i + 1) % env.num_bandits
        table = np.bincount((arms[:, i] * 5).astype(int) * 5 + (arms[:, j] * 5).astype(int), minlength=25)
        pvalues[f"independent {i} {j}"] = chi_square(table, np.ones(25))
    table = np.bincount((arms[:-1, 0] * 5).astype(int) * 5 + (arms[1:, 0] * 5).astype(int), minlength=25)
    pvalues["from episode to episode"] = chi_square(table, np.ones(25))
    # Both pulls of an arm, by decile of its probability: 0, 1 or 2 of them pay, like two independent coins.
    decile = (arms * 10).astype(int)
    for d in range(10):
        p, total = arms[decile == d].astype(np.float64), pays.sum(-1)[decile == d]
        expected = [np.sum((1 - p) ** 2), np.sum(2 * p * (1 - p)), np.sum(p**2)]
        pvalues[f"pays {d}"] = chi_square(np.bincount(total, minlength=3), expected)
    return pvalues


def test_arms_are_uniform_and_pay_as_they_should():
    assert rejected(bandit_laws(multiarmed_bandit.MultiarmedBandit(10))) == set()


class Skewed(multiarmed_bandit.MultiarmedBandit):
    def _arm(self, state, arm):
        return super()._arm(state, arm) ** 1.1


class Alike(multiarmed_bandit.MultiarmedBandit):
    def _arm(self, state, arm):
        return super()._arm(state, arm // 2)


class Stingy(multiarmed_bandit.MultiarmedBandit):
    def step_with_draw(self, draw, state, action, params):
        return super().step_with_draw(draw * 1.05, state, action, params)


class Sticky(multiarmed_bandit.MultiarmedBandit):
    def step_env(self, key, state, action, params):
        # One draw for both pulls of an arm: right on average, but the second pull tells nothing new.
        key = jax.random.fold_in(jax.random.wrap_key_data(state.seed), 1000 + action)
        return super().step_env(key, state, action, params)


@pytest.mark.parametrize(
    ("biased", "law"),
    [(Skewed, "uniform 0"), (Alike, "independent 0 1"), (Stingy, "pays 9"), (Sticky, "pays 5")],
)
def test_biased_arms_are_noticed(biased, law):
    assert law in rejected(bandit_laws(biased(10)))


def test_holm_rejects_in_order_until_the_first_that_stands():
    assert rejected({"a": 1e-6, "b": ALPHA / 2, "c": 0.9}) == {"a", "b"}
    assert rejected({"a": ALPHA / 2, "b": ALPHA / 2, "c": 1e-9, "d": ALPHA / 3}) == {"c", "d", "a", "b"}
    assert rejected({"a": ALPHA / 2, "b": 0.5, "c": 0.5}) == set()
