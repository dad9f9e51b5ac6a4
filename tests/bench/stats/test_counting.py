"""Counting what is drawn gives the numbers of drawing it: every estimate of a report against its generic form."""

import functools
import math

import numpy as np
import pytest

from memorax_bench import stats
from memorax_bench.stats import counting
from memorax_bench.stats.resampling import draws

FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess", "new": "New"}
QUICK = {"reps": 2_000, "seed": 3}
RNG = np.random.default_rng(0)
RAGGED = {task: RNG.normal(size=n) for task, n in zip(FAMILIES, (3, 7, 5, 4), strict=True)}
OTHER = {task: RNG.normal(0.3, size=n) for task, n in zip(FAMILIES, (4, 3, 6, 5), strict=True)}
TIED = {"easy": np.array([0.0, 1.0, 1.0]), "hard": np.array([1.0, 1.0, 0.0, 0.0]), "guess": np.array([0.5, 1.0])}
CASES = {"ragged": RAGGED, "tied": TIED, "one task": {"guess": np.array([0.1, 0.4, 0.9])}}


def as_numbers(estimate):
    return [estimate.value, estimate.low, estimate.high, estimate.n]


def generic(samples, statistic, **more):
    return stats.estimate(samples, functools.partial(statistic, families=FAMILIES, **more), **QUICK)


def test_counts_are_of_the_draws():
    drawn = draws(2, 5, 4, 300, 7)
    times = counting.counts(2, 5, 4, 300, 7)
    assert times.shape == (5, 300) and times.dtype == np.uint8
    np.testing.assert_array_equal(times.T, [np.bincount(runs, minlength=5) for runs in drawn])


@pytest.mark.parametrize("samples", CASES.values(), ids=CASES)
def test_means_gaps_and_middles(samples):
    expected = generic(samples, stats.family_weighted_mean)
    np.testing.assert_allclose(as_numbers(stats.family_mean(samples, FAMILIES, **QUICK)), as_numbers(expected))
    expected = generic(samples, stats.optimality_gap)
    np.testing.assert_allclose(
        as_numbers(stats.family_gap(samples, FAMILIES, **QUICK)), as_numbers(expected), atol=1e-12
    )
    for found, statistic in zip(
        stats.middle(samples, FAMILIES, **QUICK), (stats.weighted_iqm, stats.weighted_median), strict=True
    ):
        np.testing.assert_allclose(as_numbers(found), as_numbers(generic(samples, statistic)), atol=1e-12)


def test_many_means_are_the_means_one_by_one():
    many = [RNG.normal(size=n) for n in (3, 5, 3, 2, 1, 5)] + [np.full(3, 0.1)]
    for found, scores in zip(stats.mean_intervals(many, **QUICK), many, strict=True):
        np.testing.assert_allclose(as_numbers(found), as_numbers(stats.mean_interval(scores, **QUICK)))
    assert stats.mean_intervals([], **QUICK) == []


def test_curves_and_profiles_are_bands_of_any_statistic():
    curves = {task: RNG.normal(size=(len(scores), 6)) for task, scores in RAGGED.items()}
    mean = functools.partial(stats.family_weighted_mean, families=FAMILIES)
    found = stats.family_mean_curve(curves, FAMILIES, **QUICK)
    for mine, theirs in zip(found, stats.efficiency_curve(curves, mean, **QUICK), strict=True):
        np.testing.assert_allclose(mine, theirs)
    bare = stats.family_mean_curve(curves, FAMILIES, banded=False, **QUICK)
    np.testing.assert_allclose(bare.value, found.value)
    assert np.isnan([bare.low, bare.high]).all()


def test_differences():
    mean = functools.partial(stats.family_weighted_mean, families=FAMILIES)
    for a, b in ((RAGGED, OTHER), (TIED, RAGGED), (TIED, TIED)):
        found = stats.family_mean_difference(a, b, FAMILIES, **QUICK)
        expected = stats.difference(a, b, mean, **QUICK)
        np.testing.assert_allclose([*as_numbers(found), found.p], [*as_numbers(expected), expected.p], atol=1e-12)


def test_pairs_against_a_loop():
    wins = {task: RNG.uniform(size=(len(RAGGED[task]), len(OTHER[task]))) for task in RAGGED}
    weights = dict.fromkeys(wins, 0.25)
    found = counting.pair_replicates(wins, weights, reps=50, seed=3)
    for rep in range(50):
        total = 0.0
        for k, mine in enumerate(wins.values()):
            rows, columns = (
                draws(k, mine.shape[0], mine.shape[0], 50, 3),
                draws(k + 4, mine.shape[1], mine.shape[1], 50, 3),
            )
            total += 0.25 * mine[np.ix_(rows[rep], columns[rep])].mean()
        assert found[rep] == pytest.approx(total)


def test_no_interval_of_one_seed_and_none_of_equal_ones():
    one = RAGGED | {"new": np.array([0.5])}
    for found in (stats.family_mean(one, FAMILIES), *stats.middle(one, FAMILIES), stats.family_gap(one, FAMILIES)):
        assert math.isfinite(found.value) and math.isnan(found.low) and math.isnan(found.high) and found.n == 1
    equal = {task: np.full(3, 0.1) for task in FAMILIES}
    for found in (stats.family_mean(equal, FAMILIES), *stats.middle(equal, FAMILIES)):
        assert found.low == found.high == pytest.approx(0.1)
