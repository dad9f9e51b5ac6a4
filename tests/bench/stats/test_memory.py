"""The statistics: numbers worked out by hand, a bootstrap by brute force, and what degenerate input gives."""

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memorax_bench import stats
from memorax_bench.stats import Estimate

SCORES = st.lists(st.floats(-10, 10), min_size=2, max_size=6)
FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess"}


def test_failed_seeds_count_as_the_hard_minimum():
    raw = [0.5, None, float("nan"), float("inf"), -float("inf")]
    np.testing.assert_array_equal(stats.failed_as(raw, -1), [0.5, -1, -1, -1, -1])


def test_normalise_by_hand():
    np.testing.assert_allclose(stats.normalise([-0.5, 1.0, 0.25, -1.0, 1.3], -0.5, 1.0), [0, 1, 0.5, -1 / 3, 1.2])


@pytest.mark.parametrize(("floor", "ceiling"), [(1, 1), (1, 0.5), (0, 1e-12), (1e6, 1e6 + 1e-6), (0, math.nan)])
def test_normalise_refuses_bounds_without_room(floor, ceiling):
    with pytest.raises(ValueError, match="must lie above the floor"):
        stats.normalise([0.5], floor, ceiling)


def test_family_weighted_mean_by_hand():
    """Repeat: (mean(0, 1) + mean(1, 1, 1)) / 2 = .75; Guess: .25; so .5, and not the mean over tasks or over runs."""
    samples = {"easy": np.array([0.0, 1.0]), "hard": np.ones(3), "guess": np.array([0.25])}
    assert stats.family_weighted_mean(samples, FAMILIES) == pytest.approx(0.5)
    assert stats.mean(samples) == pytest.approx((0.5 + 1 + 0.25) / 3)


@given(st.dictionaries(st.sampled_from(list(FAMILIES)), SCORES, min_size=1))
def test_family_weighted_mean_of_one_task_a_family_is_the_mean_over_tasks(scores):
    samples = {task: np.array(values) for task, values in scores.items()}
    assert stats.family_weighted_mean(samples, {task: task for task in samples}) == pytest.approx(stats.mean(samples))


def test_statistics_are_vectorised_over_leading_axes():
    rng = np.random.default_rng(0)
    resamples = {"easy": rng.normal(size=(7, 3)), "hard": rng.normal(size=(7, 5)), "guess": rng.normal(size=(7, 2))}
    together = stats.family_weighted_mean(resamples, FAMILIES, axis=-1)
    singly = [stats.family_weighted_mean({t: v[i] for t, v in resamples.items()}, FAMILIES) for i in range(7)]
    np.testing.assert_allclose(together, singly)


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


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ({}, "no task"),
        ({"easy": []}, "task 'easy' needs one score per seed"),
        ({"easy": [[0.1, 0.2]]}, "shape"),
        ({"easy": [0.1, math.nan]}, "not finite"),
    ],
)
def test_samples_that_are_none_are_refused(samples, message):
    with pytest.raises(ValueError, match=message):
        stats.bootstrap_interval(samples)


def test_mean_band_is_the_interval_at_every_point():
    values = np.array([[0.0, 0.2, 0.1], [0.0, 0.6, 0.1], [0.0, 0.7, 0.1], [0.0, 0.1, 0.1]])
    low, high = stats.mean_band(values, reps=500)
    expected = stats.mean_interval(values[:, 1], reps=500)
    assert (low[1], high[1]) == (pytest.approx(expected.low), pytest.approx(expected.high))
    np.testing.assert_array_equal(low[[0, 2]], high[[0, 2]])
    np.testing.assert_allclose(low[[0, 2]], [0.0, 0.1])
    assert np.isnan(stats.mean_band(values[:1])).all()


@pytest.mark.parametrize("values", [[0.1, 0.2], np.zeros((0, 3)), [[0.1, math.nan]]])
def test_mean_band_refuses_what_is_no_set_of_curves(values):
    with pytest.raises(ValueError, match="finite curves"):
        stats.mean_band(values)


def test_solved_needs_the_whole_interval():
    families = {
        "All": Estimate(1.0, 1.0, 1.0, 3),
        "Edge": Estimate(0.95, 0.9 - 1e-12, 1.0, 3),
        "Wide": Estimate(0.95, 0.85, 1.0, 3),
        "One": Estimate(1.0, math.nan, math.nan, 1),
    }
    assert stats.solved(families) == ("All", "Edge")
    assert stats.solved(families, threshold=0.8) == ("All", "Edge", "Wide")


def test_memory_gain_by_hand():
    controls = {"easy": Estimate(0.2, 0.1, 0.3, 3)}
    assert stats.memory_gain({"easy": np.array([0.6, 1.0])}, controls, FAMILIES) == pytest.approx(
        0.75
    )  # (.8-.2)/(1-.2)
    assert stats.memory_gain({"easy": np.array([0.2])}, controls, FAMILIES) == pytest.approx(0.0)
    assert stats.memory_gain({"easy": np.array([0.0])}, controls, FAMILIES) == pytest.approx(-0.25)


def test_memory_gain_is_a_ratio_of_family_weighted_means():
    """Score (mean(.5, .7) + .9) / 2 = .75, control (mean(.1, .5) + .1) / 2 = .2: (.75 - .2) / .8."""
    controls = {
        "easy": Estimate(0.1, 0.1, 0.1, 3),
        "hard": Estimate(0.5, 0.5, 0.5, 3),
        "guess": Estimate(0.1, 0.1, 0.1, 3),
    }
    samples = {"easy": np.array([0.5]), "hard": np.array([0.7]), "guess": np.array([0.8, 1.0])}
    assert stats.memory_gain(samples, controls, FAMILIES) == pytest.approx(0.55 / 0.8)


def test_memory_gain_leaves_out_tasks_without_a_need():
    controls = {"easy": Estimate(0.2, 0.1, 0.3, 3), "guess": Estimate(0.94, 0.92, 0.95, 3)}
    samples = {"easy": np.array([0.6]), "guess": np.array([1.0])}
    assert stats.memory_gain(samples, controls, FAMILIES) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("high", "low_of_ceiling", "defined"),
    [(0.9, 1.0, True), (0.91, 1.0, False), (0.85, 0.94, False), (0.84, 0.94, True), (math.nan, 1.0, False)],
)
def test_memory_gain_needs_room_between_the_intervals(high, low_of_ceiling, defined):
    controls = {"easy": Estimate(0.5, 0.4, high, 3)}
    gain = stats.memory_gain({"easy": np.array([0.75])}, controls, FAMILIES, {"easy": low_of_ceiling})
    assert gain == (pytest.approx(0.5) if defined else None)


def test_memory_gain_without_control_or_with_a_missing_task_is_not_defined():
    assert stats.memory_gain({"easy": np.array([0.6])}, {}, FAMILIES) is None
    assert stats.memory_gain({}, {"easy": Estimate(0.2, 0.1, 0.3, 3)}, FAMILIES) is None


def test_interval_of_a_measured_ceiling():
    assert stats.ceiling_low(None, 0, 1) == stats.ceiling_low(0.0, 0, 1) == 1.0
    assert stats.ceiling_low(0.01, 0.0, 0.5) == pytest.approx(1 - 1.959964 * 0.02)
    assert stats.ceiling_low(0.01, 0.0, 0.5, level=0.9) == pytest.approx(1 - 1.644854 * 0.02)
