"""The bootstrap: numbers worked out by hand, by brute force, and what degenerate input gives."""

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memorax_bench import stats

SCORES = st.lists(st.floats(-10, 10), min_size=2, max_size=6)
FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess"}


def test_interval_of_three_seeds_by_hand():
    """Of 27 resamples of three distinct values one is all minima: 1/27 > 2.5%, so the 95% interval is the range."""
    found = stats.mean_interval([0.0, 0.6, 0.9], reps=5_000)
    assert (found.value, found.n) == (pytest.approx(0.5), 3)
    assert (found.low, found.high) == (pytest.approx(0.0), pytest.approx(0.9))


def test_interval_against_all_resamples():
    """At 80% the exact quantiles of all 4^4 equally likely resamples are found."""
    scores = [0.1, 0.35, 0.4, 0.95]
    means = [np.mean(chosen) for chosen in itertools.product(scores, repeat=4)]
    found = stats.mean_interval(scores, level=0.8, reps=40_000)
    assert found.low == pytest.approx(np.quantile(means, 0.1), abs=0.013)
    assert found.high == pytest.approx(np.quantile(means, 0.9), abs=0.013)


def test_stratified_interval_against_a_loop():
    rng = np.random.default_rng(1)
    samples = {"easy": rng.normal(0, 1, 6), "hard": rng.normal(1, 2, 9), "guess": rng.normal(3, 0.5, 4)}
    statistic = functools.partial(stats.family_weighted_mean, families=FAMILIES)
    draws = [statistic({t: rng.choice(v, len(v)) for t, v in samples.items()}) for _ in range(8_000)]
    found = stats.bootstrap_interval(samples, statistic, level=0.9, reps=8_000)
    np.testing.assert_allclose(found, np.quantile(draws, [0.05, 0.95]), atol=0.04)


def test_interval_depends_on_seed_and_samples_and_nothing_else():
    samples = {"b": np.array([0.1, 0.5, 0.7, 0.3]), "a": np.array([0.2, 0.9, 0.4])}
    first = stats.bootstrap_interval(samples, reps=500)
    np.random.seed(7)
    assert stats.bootstrap_interval(dict(reversed(samples.items())), reps=500) == first
    assert stats.bootstrap_interval(samples, reps=500, seed=1) != first


@given(SCORES)
def test_interval_lies_within_the_data_and_holds_for_shifted_data(scores):
    low, high = stats.bootstrap_interval({"task": np.array(scores)}, reps=200)
    assert min(scores) - 1e-9 <= low <= high <= max(scores) + 1e-9
    moved = stats.bootstrap_interval({"task": np.array(scores) * 2 + 3}, reps=200)
    np.testing.assert_allclose(moved, [low * 2 + 3, high * 2 + 3], atol=1e-6)


def test_equal_seeds_give_an_interval_of_no_width():
    third = stats.mean_interval([0.1] * 3)
    assert third.low == third.value == third.high == pytest.approx(0.1)
    solved = stats.estimate({"easy": np.ones(3), "hard": np.zeros(5)})
    assert (solved.value, solved.low, solved.high, solved.n) == (0.5, 0.5, 0.5, 3)


def test_one_constant_task_among_others_is_no_obstacle():
    low, high = stats.bootstrap_interval({"easy": np.ones(3), "hard": np.array([0.0, 1.0, 0.5])}, reps=500)
    assert 0.5 <= low < high <= 1.0


def test_one_seed_gives_no_interval():
    found = stats.mean_interval([0.7])
    assert (found.value, found.n) == (0.7, 1)
    assert math.isnan(found.low) and math.isnan(found.high)
    assert all(map(math.isnan, stats.bootstrap_interval({"easy": np.ones(5), "hard": np.ones(1)})))
