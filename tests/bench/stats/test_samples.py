"""How raw scores become comparable, and what no statistic takes."""

import math

import numpy as np
import pytest

from memorax_bench import stats


def test_failed_seeds_count_as_the_hard_minimum():
    raw = [0.5, None, float("nan"), float("inf"), -float("inf")]
    np.testing.assert_array_equal(stats.failed_as(raw, -1), [0.5, -1, -1, -1, -1])


def test_normalise_by_hand():
    np.testing.assert_allclose(stats.normalise([-0.5, 1.0, 0.25, -1.0, 1.3], -0.5, 1.0), [0, 1, 0.5, -1 / 3, 1.2])


@pytest.mark.parametrize(("floor", "ceiling"), [(1, 1), (1, 0.5), (0, 1e-12), (1e6, 1e6 + 1e-6), (0, math.nan)])
def test_normalise_refuses_bounds_without_room(floor, ceiling):
    with pytest.raises(ValueError, match="must lie above the floor"):
        stats.normalise([0.5], floor, ceiling)


@pytest.mark.parametrize(
    "statistic",
    [stats.family_weighted_mean, stats.weighted_iqm, stats.weighted_median, stats.optimality_gap, stats.family_spread],
)
def test_a_task_without_a_family_is_refused(statistic):
    with pytest.raises(ValueError, match="task 'hard' has no family; known are: easy"):
        statistic({"easy": np.ones(2), "hard": np.ones(2)}, {"easy": "Repeat"})


REFUSED = [
    ({}, "no task"),
    ({"easy": []}, "task 'easy' needs one score per seed"),
    ({"easy": [[0.1, 0.2]]}, "shape"),
    ({"easy": [0.1, math.nan]}, "not finite"),
]
FAMILIES = {"easy": "Repeat"}
FUNCTIONS = {
    "bootstrap_interval": stats.bootstrap_interval,
    "estimate": stats.estimate,
    "family_mean_t_interval": lambda samples: stats.family_mean_t_interval(samples, FAMILIES),
    "family_spread": lambda samples: stats.family_spread(samples, FAMILIES),
    "performance_profile": lambda samples: stats.performance_profile(samples, FAMILIES, [0.5]),
    "probability_of_improvement": lambda samples: stats.probability_of_improvement(samples, samples, FAMILIES),
    "difference": lambda samples: stats.difference(samples, samples),
    "rank_intervals": lambda samples: stats.rank_intervals({"gru": samples}, FAMILIES),
}


@pytest.mark.parametrize(("samples", "message"), REFUSED)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_samples_that_are_none_are_refused(name, samples, message):
    with pytest.raises(ValueError, match=message):
        FUNCTIONS[name](samples)


@pytest.mark.parametrize("name", ["bootstrap_interval", "difference", "rank_intervals"])
@pytest.mark.parametrize("level", [0, 1, 95, math.nan])
def test_a_level_that_is_none_is_refused(name, level):
    good = {"easy": np.array([0.1, 0.2, 0.4])}
    arguments = {"bootstrap_interval": (good,), "difference": (good, good), "rank_intervals": ({"gru": good}, FAMILIES)}
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        getattr(stats, name)(*arguments[name], level=level)
