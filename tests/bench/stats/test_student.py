"""t intervals: against scipy's for one and for two samples, and what degenerate input gives."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind

from memorax_bench import stats

FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess"}


def test_one_task_by_hand():
    """Mean .5, s = .1, t(2) = 4.30265 at 95%."""
    found = stats.t_interval([0.4, 0.5, 0.6])
    half = 4.30265273 * 0.1 / math.sqrt(3)
    assert (found.value, found.n) == (pytest.approx(0.5), 3)
    assert (found.low, found.high) == (pytest.approx(0.5 - half), pytest.approx(0.5 + half))


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_one_task_is_the_usual_interval(level):
    scores = np.random.default_rng(0).normal(size=7)
    expected = ttest_1samp(scores, 0).confidence_interval(level)
    found = stats.t_interval(scores, level)
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high])


def test_two_tasks_of_different_spread_are_welchs_interval():
    """The mean of x and y is half of the difference of x and -y."""
    rng = np.random.default_rng(1)
    samples = {"easy": rng.normal(0, 1, 4), "hard": rng.normal(2, 5, 9)}
    expected = ttest_ind(samples["easy"], -samples["hard"], equal_var=False).confidence_interval(0.9)
    found = stats.family_mean_t_interval(samples, FAMILIES, level=0.9)
    np.testing.assert_allclose([found.low, found.high], [expected.low / 2, expected.high / 2])
    assert (found.value, found.n) == (pytest.approx(stats.family_weighted_mean(samples, FAMILIES)), 4)


def test_families_weigh_by_hand():
    """Easy and hard 1/4 each, guess 1/2; each has s² / n = .01: variance (1/16 + 1/16 + 1/4) .01, freedom
    (3/8)² / (2 (1/16)² / 1 + (1/4)² / 1) = 2."""
    two = np.array([0.4, 0.6])  # s² = .02, of two seeds
    samples = {"easy": two, "hard": two + 0.1, "guess": two - 0.2}
    half = 4.30265273 * math.sqrt(0.375 * 0.01)
    found = stats.family_mean_t_interval(samples, FAMILIES)
    assert (found.value, found.high - found.value) == (pytest.approx(0.425), pytest.approx(half))


def test_degenerate_samples():
    one = stats.t_interval([0.7])
    assert one.value == 0.7 and math.isnan(one.low) and math.isnan(one.high) and one.n == 1
    mixed = stats.family_mean_t_interval({"easy": np.ones(5), "guess": np.ones(1)}, FAMILIES)
    assert math.isnan(mixed.low)
    equal = stats.t_interval([0.1] * 3)
    assert equal.low == equal.value == equal.high
    partly = stats.family_mean_t_interval({"easy": np.full(3, 0.1), "guess": np.array([0.4, 0.6])}, FAMILIES)
    alone = stats.t_interval([0.4, 0.6])
    assert partly.high - partly.value == pytest.approx((alone.high - alone.value) / 2)
