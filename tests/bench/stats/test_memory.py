"""What is said of memory: solved families, need, gain, by hand."""

import math

import numpy as np
import pytest

from memorax_bench import stats

FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess"}


def test_solved_needs_the_whole_interval():
    families = {
        "All": stats.Estimate(1.0, 1.0, 1.0, 3),
        "Edge": stats.Estimate(0.95, 0.9 - 1e-12, 1.0, 3),
        "Wide": stats.Estimate(0.95, 0.85, 1.0, 3),
        "One": stats.Estimate(1.0, math.nan, math.nan, 1),
    }
    assert stats.solved(families) == ("All", "Edge")
    assert stats.solved(families, threshold=0.8) == ("All", "Edge", "Wide")


def test_memory_gain_by_hand():
    controls = {"easy": stats.Estimate(0.2, 0.1, 0.3, 3)}
    assert stats.memory_gain({"easy": np.array([0.6, 1.0])}, controls, FAMILIES) == pytest.approx(
        0.75
    )  # (.8-.2)/(1-.2)
    assert stats.memory_gain({"easy": np.array([0.2])}, controls, FAMILIES) == pytest.approx(0.0)
    assert stats.memory_gain({"easy": np.array([0.0])}, controls, FAMILIES) == pytest.approx(-0.25)


def test_memory_gain_is_a_ratio_of_family_weighted_means():
    """Score (mean(.5, .7) + .9) / 2 = .75, control (mean(.1, .5) + .1) / 2 = .2: (.75 - .2) / .8."""
    controls = {
        "easy": stats.Estimate(0.1, 0.1, 0.1, 3),
        "hard": stats.Estimate(0.5, 0.5, 0.5, 3),
        "guess": stats.Estimate(0.1, 0.1, 0.1, 3),
    }
    samples = {"easy": np.array([0.5]), "hard": np.array([0.7]), "guess": np.array([0.8, 1.0])}
    assert stats.memory_gain(samples, controls, FAMILIES) == pytest.approx(0.55 / 0.8)


def test_memory_gain_leaves_out_tasks_without_a_need():
    controls = {"easy": stats.Estimate(0.2, 0.1, 0.3, 3), "guess": stats.Estimate(0.94, 0.92, 0.95, 3)}
    samples = {"easy": np.array([0.6]), "guess": np.array([1.0])}
    assert stats.memory_gain(samples, controls, FAMILIES) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("high", "low_of_ceiling", "defined"),
    [(0.9, 1.0, True), (0.91, 1.0, False), (0.85, 0.94, False), (0.84, 0.94, True), (math.nan, 1.0, False)],
)
def test_memory_gain_needs_room_between_the_intervals(high, low_of_ceiling, defined):
    controls = {"easy": stats.Estimate(0.5, 0.4, high, 3)}
    gain = stats.memory_gain({"easy": np.array([0.75])}, controls, FAMILIES, {"easy": low_of_ceiling})
    assert gain == (pytest.approx(0.5) if defined else None)


def test_memory_gain_without_control_or_with_a_missing_task_is_not_defined():
    assert stats.memory_gain({"easy": np.array([0.6])}, {}, FAMILIES) is None
    assert stats.memory_gain({}, {"easy": stats.Estimate(0.2, 0.1, 0.3, 3)}, FAMILIES) is None


def test_interval_of_a_measured_ceiling():
    assert stats.ceiling_low(None, 0, 1) == stats.ceiling_low(0.0, 0, 1) == 1.0
    assert stats.ceiling_low(0.01, 0.0, 0.5) == pytest.approx(1 - 1.959964 * 0.02)
    assert stats.ceiling_low(0.01, 0.0, 0.5, level=0.9) == pytest.approx(1 - 1.644854 * 0.02)
