"""Time to a threshold: worked out by hand, against scipy, and what degenerate curves mean."""

import numpy as np
import pytest
from scipy.stats import CensoredData, ecdf

from memorax_bench import stats

STEPS = [10, 20, 30, 40]


def test_survival_by_hand():
    """Of four runs one is at .5 at 20, one at 30 (and falls again), two never."""
    curves = [[0, 0.5, 0.6, 0.7], [0, 0.1, 0.5, 0.2], [0, 0, 0, 0], [0.4, 0.4, 0.4, 0.4]]
    found = stats.time_to_threshold(curves, STEPS, 0.5)
    np.testing.assert_array_equal(found.times, [20, 30])
    np.testing.assert_allclose(found.surviving, [0.75, 0.5])
    assert (found.median, found.censored, found.n) == (30, 2, 4)


def test_runs_observed_for_less_long_leave_by_hand():
    """At 2 s one of four reaches it: 3/4. One is censored at 3 s; at 4 s one of two reaches it: 3/8. One is left."""
    nan = np.nan
    curves = [[0, 1, 1], [0, 0, 0], [0, 0, 1], [0, 0, 0]]
    at = [[1, 2, 3], [2, 3, nan], [1, 2, 4], [3, 6, 9]]
    found = stats.time_to_threshold(curves, at, 0.9)
    np.testing.assert_array_equal(found.times, [2, 4])
    np.testing.assert_allclose(found.surviving, [3 / 4, 3 / 8])
    assert (found.median, found.censored) == (4, 2)


@pytest.mark.parametrize("seed", range(5))
def test_survival_against_scipy(seed):
    rng = np.random.default_rng(seed)
    at = np.cumsum(rng.integers(1, 4, size=(12, 6)), axis=1).astype(float)  # seconds, with ties
    at[rng.random(12) < 0.4, 4:] = np.nan
    curves = rng.normal(0.1, 0.3, size=(12, 6)).cumsum(axis=1)
    found = stats.time_to_threshold(curves, at, 0.7)
    reached = [times[(curve >= 0.7) & ~np.isnan(times)] for times, curve in zip(at, curves, strict=True)]
    ended = [np.nanmax(times) for times, seen in zip(at, reached, strict=True) if not len(seen)]
    expected = ecdf(CensoredData(uncensored=[seen[0] for seen in reached if len(seen)], right=ended)).sf
    np.testing.assert_allclose(found.surviving, expected.evaluate(found.times))
    assert found.censored == len(ended) and found.n == 12


def test_degenerate_curves():
    never = stats.time_to_threshold([[0.1, np.nan]], [1, 2], 0.5)  # it diverged: below any threshold
    assert never.times.size == never.surviving.size == 0
    assert (never.median, never.censored, never.n) == (None, 1, 1)
    one = stats.time_to_threshold([[0.1, 0.5 - 1e-12]], [1, 2], 0.5)  # .5 on paper
    assert (one.median, one.censored) == (2, 0)
    alike = stats.time_to_threshold(np.ones((3, 2)), [1, 2], 0.5)
    np.testing.assert_array_equal([alike.times, alike.surviving], [[1], [0]])
    assert alike.median == 1


@pytest.mark.parametrize(
    ("curves", "at", "message"),
    [
        ([], STEPS, "expected curves"),
        ([0.1, 0.2], [1, 2], "expected curves"),
        ([[0.1, 0.2]], [1, 2, 3], r"times have the shape \(3,\)"),
        ([[0.1, 0.2]], [2, 1], "ascend"),
        ([[0.1, 0.2]], [1, 1], "ascend"),
        ([[0.1, 0.2, 0.3]], [1, np.nan, 2], "ascend"),
        ([[0.1, 0.2]], [np.nan, np.nan], "ascend"),
    ],
)
def test_what_is_no_curve_over_time_is_refused(curves, at, message):
    with pytest.raises(ValueError, match=message):
        stats.time_to_threshold(curves, at, 0.5)
