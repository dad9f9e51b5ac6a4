"""Numbers hashed from keys are as good as random: uniform, and independent of each other and of their neighbours."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from memorax.environments.popgym import draws

NUM_SEEDS, NUM_WORDS = 100_000, 6
P_VALUE = 1e-3  # of one false alarm among all laws of a test; keys are fixed, so a sound draw passes for ever

SEEDS = {
    # What `Environment.step` hands out, and what a user's own jax.random.key(0), jax.random.key(1), ... are.
    "from the generator": np.asarray(jax.random.key_data(jax.random.split(jax.random.key(0), NUM_SEEDS))),
    "small numbers": np.stack([np.zeros(NUM_SEEDS), np.arange(NUM_SEEDS)], axis=1).astype(np.uint32),
}


def flaws(words, seeds):
    """The laws that `words(seed, i)` breaks over `seeds`."""
    draw = jax.vmap(lambda seed: jnp.stack([words(seed, i) for i in range(NUM_WORDS)]))
    drawn = np.asarray(jax.jit(draw)(seeds))
    p_values = {}
    for i, column in enumerate(drawn.T):
        p_values[f"high {i}"] = uniform(column >> 24, 256)
        p_values[f"low {i}"] = uniform(column & 255, 256)
        p_values[f"a deck {i}"] = uniform(column % 52, 52)
        for name, nibble in (("high", column >> 28), ("low", column & 15)):
            p_values[f"neighbours, {name} {i}"] = uniform(nibble[1:] * 16 + nibble[:-1], 256)
        for j in range(i):
            other = drawn[:, j]
            p_values[f"pairs, high {i} {j}"] = uniform((column >> 28) * 16 + (other >> 28), 256)
            p_values[f"pairs, low {i} {j}"] = uniform((column & 15) * 16 + (other & 15), 256)
    return {name.rstrip(" 0123456789") for name, p in p_values.items() if p < P_VALUE / len(p_values)}


def uniform(numbers, n):
    return scipy.stats.chisquare(np.bincount(numbers, minlength=n)).pvalue


@pytest.mark.parametrize("seeds", SEEDS.values(), ids=SEEDS)
def test_numbers_are_uniform_and_independent(seeds):
    assert flaws(draws.word, seeds) == set()


def test_numbers_that_are_not_hashed_or_are_alike_are_caught():
    bare = lambda seed, i: seed[0] ^ (seed[1] + jnp.uint32(i))  # noqa: E731
    assert flaws(bare, SEEDS["from the generator"]) >= {"pairs, high"}
    assert flaws(bare, SEEDS["small numbers"]) >= {"high", "neighbours, high"}
    alike = lambda seed, i: draws.word(seed, i // 2)  # noqa: E731
    assert flaws(alike, SEEDS["from the generator"]) == {"pairs, high", "pairs, low"}


def test_keys_of_all_kinds_and_as_many_numbers_as_one_asks_for():
    raw, typed = jax.random.PRNGKey(7), jax.random.key(7)
    np.testing.assert_array_equal(draws.words(raw, 4), draws.words(typed, 4))
    np.testing.assert_array_equal(draws.words(raw, 2), draws.words(raw, 4)[:2])
    other = draws.words(jax.random.key(7, impl="rbg"), 2)
    assert [(word.shape, word.dtype) for word in other] == [((), jnp.uint32)] * 2


def test_floats_are_where_they_belong_and_normal():
    ends = jnp.array([0, 2**31 - 1, 2**31, 2**32 - 1], jnp.uint32)
    np.testing.assert_array_equal(draws.uniform(ends), np.float32([0, 0.5 - 2**-24, 0.5, 1 - 2**-24]))
    low, below, above, high = np.asarray(draws.normal(ends))
    assert (low, below) == (-high, -above)
    assert 5 < high < 5.5
    assert 0 < above < 1e-7
    words = jax.vmap(lambda seed: draws.word(seed, 0))(SEEDS["from the generator"])
    assert scipy.stats.kstest(np.asarray(draws.normal(words)), "norm").pvalue > P_VALUE
    assert scipy.stats.kstest(np.asarray(draws.uniform(words)), "uniform").pvalue > P_VALUE
