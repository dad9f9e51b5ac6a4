"""Bands of curves: the interval at every point, whole curves resampled."""

import functools
import math

import numpy as np
import pytest

from memorax_bench import stats

FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess"}


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


def test_curves_of_several_tasks_have_the_statistic_and_its_interval_at_every_point():
    rng = np.random.default_rng(0)
    curves = {"easy": rng.normal(size=(3, 4)), "hard": rng.normal(size=(5, 4)), "guess": rng.normal(size=(4, 4))}
    statistic = functools.partial(stats.weighted_iqm, families=FAMILIES)
    found = stats.efficiency_curve(curves, statistic, level=0.8, reps=300, seed=2)
    last = {task: values[:, 3] for task, values in curves.items()}
    expected = stats.estimate(last, statistic, level=0.8, reps=300, seed=2)
    assert (found.value[3], found.low[3], found.high[3]) == pytest.approx((expected.value, expected.low, expected.high))


def test_whole_curves_are_resampled():
    """Two curves that mirror one another: their mean at one point tells that at the other, and so do its ends."""
    curve = np.array([0.1, 0.4, 0.8])
    value, low, high = stats.efficiency_curve({"task": np.stack([curve, 1 - curve])}, reps=100)
    np.testing.assert_allclose(value, 0.5)
    np.testing.assert_allclose(low, np.minimum(curve, 1 - curve))
    np.testing.assert_allclose(high, np.maximum(curve, 1 - curve))


def test_degenerate_curves():
    found = stats.efficiency_curve({"easy": [[0.1, 0.2]], "hard": [[0.3, 0.4], [0.5, 0.6]]})
    np.testing.assert_allclose(found.value, [0.25, 0.35])
    assert np.isnan(found.low).all() and np.isnan(found.high).all()
    with pytest.raises(ValueError, match="easy: 2, hard: 1"):
        stats.efficiency_curve({"easy": np.ones((3, 2)), "hard": np.ones((3, 1))})
    with pytest.raises(ValueError, match="no task"):
        stats.efficiency_curve({})


def test_many_resamples_of_long_curves_come_in_batches(monkeypatch):
    curves = {"task": np.random.default_rng(0).normal(size=(5, 6))}
    whole = stats.efficiency_curve(curves, reps=4_000)
    monkeypatch.setattr("memorax_bench.stats.bootstrap._AT_A_TIME", 3_000)
    batched = stats.efficiency_curve(curves, reps=4_000)
    np.testing.assert_allclose(batched.low, whole.low, atol=0.05)
