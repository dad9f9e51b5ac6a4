"""One number of many tasks: by hand, by copies of every score, and by reduction to the unweighted statistic."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from memorax_bench import stats

SCORES = st.lists(st.floats(-10, 10), min_size=1, max_size=6)
FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess"}
SAMPLES = st.dictionaries(st.sampled_from(list(FAMILIES)), SCORES, min_size=1)
WEIGHTED = [stats.family_weighted_mean, stats.weighted_iqm, stats.weighted_median, stats.optimality_gap]


def arrays(samples) -> dict[str, np.ndarray]:
    return {task: np.array(scores, dtype=float) for task, scores in samples.items()}


def copies(samples) -> np.ndarray:
    """Every score as often as it weighs, in whole numbers; their number is divided by four."""
    members = {family: [task for task in samples if FAMILIES[task] == family] for family in FAMILIES.values()}
    share = Fraction(1, sum(1 for tasks in members.values() if tasks))
    weights = {task: share / len(members[FAMILIES[task]]) / len(samples[task]) for task in samples}
    whole = 4 * math.lcm(*(weight.denominator for weight in weights.values()))
    return np.sort(np.concatenate([np.repeat(samples[task], int(weights[task] * whole)) for task in samples]))


def test_family_weighted_mean_by_hand():
    """Repeat: (mean(0, 1) + mean(1, 1, 1)) / 2 = .75; Guess: .25; so .5, and not the mean over tasks or over runs."""
    samples = {"easy": np.array([0.0, 1.0]), "hard": np.ones(3), "guess": np.array([0.25])}
    assert stats.family_weighted_mean(samples, FAMILIES) == pytest.approx(0.5)
    assert stats.mean(samples) == pytest.approx((0.5 + 1 + 0.25) / 3)


@given(SAMPLES)
def test_family_weighted_mean_of_one_task_a_family_is_the_mean_over_tasks(scores):
    samples = arrays(scores)
    assert stats.family_weighted_mean(samples, {task: task for task in samples}) == pytest.approx(stats.mean(samples))


def test_iqm_and_median_by_hand():
    """Weights: easy 1/8 each, hard 1/4, guess 1/4 each. Sorted: 0 .2 .4 .6 1 with 1/4 1/8 1/4 1/8 1/4.

    Between a quarter and three quarters lie .2, .4 and .6 whole: (.2 + 2 x .4 + .6) / 4 = .4, also the median.
    """
    samples = {"easy": np.array([0.6, 0.2]), "hard": np.array([0.4]), "guess": np.array([0.0, 1.0])}
    assert stats.weighted_iqm(samples, FAMILIES) == pytest.approx(0.4)
    assert stats.weighted_median(samples, FAMILIES) == 0.4


def test_a_score_on_the_edge_counts_with_its_part_inside():
    """Of three scores the middle one has a third, and a twelfth of either other lies inside: (4 x .3 + 0 + 1.2) / 6."""
    samples = {"guess": np.array([1.2, 0.0, 0.3])}
    assert stats.weighted_iqm(samples, FAMILIES) == pytest.approx((4 * 0.3 + 1.2) / 6)


@given(SAMPLES)
def test_iqm_and_median_are_those_of_copies(scores):
    copied = copies(scores)
    middle = copied[len(copied) // 4 : -len(copied) // 4]
    samples = arrays(scores)
    assert stats.weighted_iqm(samples, FAMILIES) == pytest.approx(middle.mean(), abs=1e-9)
    assert stats.weighted_median(samples, FAMILIES) == pytest.approx(np.median(copied), abs=1e-9)


def test_iqm_of_equal_weights_is_the_trimmed_mean():
    samples = {"easy": np.random.default_rng(0).normal(size=20)}
    assert stats.weighted_iqm(samples, FAMILIES) == pytest.approx(trim_mean(samples["easy"], 0.25))


def test_optimality_gap_by_hand():
    """Repeat: mean of min(1.5, 1), .5 = .75; Guess: -.5. The surplus of one run makes up for nothing: 1 - .125."""
    samples = {"easy": np.array([1.5, 0.5]), "guess": np.array([-0.5])}
    assert stats.optimality_gap(samples, FAMILIES) == pytest.approx(0.875)
    assert stats.optimality_gap(samples, FAMILIES, gamma=0.5) == pytest.approx(0.5 - (0.5 - 0.5) / 2)
    assert stats.optimality_gap({"easy": np.array([1.0, 2.0])}, FAMILIES) == 0


@pytest.mark.parametrize("statistic", WEIGHTED)
def test_statistics_are_vectorised_over_leading_axes(statistic):
    rng = np.random.default_rng(0)
    resamples = {"easy": rng.normal(size=(7, 3)), "hard": rng.normal(size=(7, 5)), "guess": rng.normal(size=(7, 2))}
    singly = [statistic({t: v[i] for t, v in resamples.items()}, FAMILIES) for i in range(7)]
    np.testing.assert_allclose(statistic(resamples, FAMILIES, axis=-1), singly)
    turned = {task: values.T for task, values in resamples.items()}
    np.testing.assert_allclose(statistic(turned, FAMILIES, axis=0), singly)


@pytest.mark.parametrize("statistic", WEIGHTED[:3])
def test_one_run_and_equal_runs_give_their_score(statistic):
    assert statistic({"easy": np.array([0.3])}, FAMILIES) == pytest.approx(0.3)
    assert statistic({"easy": np.full(3, 0.3), "guess": np.full(5, 0.3)}, FAMILIES) == pytest.approx(0.3)


@given(SAMPLES, st.randoms(use_true_random=False))
def test_neither_the_order_of_tasks_nor_that_of_runs_matters(scores, random):
    shuffled = {task: np.array(random.sample(values, len(values))) for task, values in reversed(scores.items())}
    for statistic in WEIGHTED:
        expected = statistic(arrays(scores), FAMILIES)
        assert statistic(shuffled, FAMILIES) == pytest.approx(expected, abs=1e-12)
