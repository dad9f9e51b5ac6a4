"""Performance profiles by hand, and against the interval of a share."""

import functools

import numpy as np
import pytest

from memorax_bench import stats

FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess"}
SAMPLES = {"easy": [0.2, 0.5, 0.9], "hard": [0.5, 0.5], "guess": [0.0, 1.0, 1.0, 1.2]}


def test_profile_by_hand():
    """Above .5, strictly: easy 1/3, hard 0, guess 3/4: ((1/3 + 0) / 2 + 3/4) / 2."""
    found = stats.performance_profile(SAMPLES, FAMILIES, [-1, 0.5, 1.0, 2.0], reps=200)
    np.testing.assert_allclose(found.value, [1, (1 / 6 + 3 / 4) / 2, 1 / 8, 0])
    np.testing.assert_array_equal(found.taus, [-1, 0.5, 1.0, 2.0])


def test_band_is_the_interval_at_every_tau():
    taus = np.linspace(-0.1, 1.3, 15)
    found = stats.performance_profile(SAMPLES, FAMILIES, taus, level=0.9, reps=300, seed=3)
    share = functools.partial(stats.family_weighted_mean, families=FAMILIES)
    above = {task: np.array(scores) > taus[6] for task, scores in SAMPLES.items()}
    expected = stats.bootstrap_interval(above, share, level=0.9, reps=300, seed=3)
    assert (found.low[6], found.high[6]) == pytest.approx(expected)
    assert (np.diff(found.value) <= 0).all()
    assert (found.low <= found.value + 1e-12).all() and (found.value <= found.high + 1e-12).all()
    for ends in ([0], [-1]):  # every run above, none above: nothing varies
        assert found.low[ends] == found.value[ends] == found.high[ends]


def test_one_run_has_no_band():
    found = stats.performance_profile({"easy": [0.5], "guess": [0.1, 0.9]}, FAMILIES, [0.3])
    np.testing.assert_allclose(found.value, [0.75])
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize("taus", [[], 0.5, [[0.1]], [float("nan")]])
def test_taus_that_are_none_are_refused(taus):
    with pytest.raises(ValueError, match="taus are scores"):
        stats.performance_profile(SAMPLES, FAMILIES, taus)
