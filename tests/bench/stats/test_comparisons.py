"""Two methods against one another: by hand, by all resamples, against scipy, and what degenerate input gives."""

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from memorax_bench import stats

FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess"}
FEW = st.lists(st.integers(0, 4), min_size=2, max_size=4)
family_mean = functools.partial(stats.family_weighted_mean, families=FAMILIES)


def test_probability_of_improvement_by_hand():
    """Easy: of 2 x 2 pairs 2 are won and 1 is tied: 5/8. Hard: all won. Guess: none. ((5/8 + 1) / 2 + 0) / 2."""
    a = {"easy": [0.1, 0.5], "hard": [0.9], "guess": [0.0]}
    b = {"easy": [0.0, 0.5], "hard": [0.1, 0.2], "guess": [1.0]}
    found = stats.probability_of_improvement(a, b, FAMILIES)
    assert found.value == pytest.approx((5 / 8 + 1) / 4)
    assert math.isnan(found.low) and math.isnan(found.high) and found.n == 1


def test_probability_of_improvement_is_mann_and_whitneys():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 8), rng.integers(0, 9, 11)
    found = stats.probability_of_improvement({"easy": a}, {"easy": b}, FAMILIES, reps=50)
    assert found.value == pytest.approx(mannwhitneyu(a, b).statistic / 88)


def test_probability_of_improvement_against_all_resamples():
    a, b = [0.1, 0.4, 0.5], [0.2, 0.3, 0.4]
    draws = list(itertools.product(range(3), repeat=3))
    wins = np.array([[(x > y) + (x == y) / 2 for y in b] for x in a])
    chances = [wins[np.ix_(i, j)].mean() for i in draws for j in draws]
    found = stats.probability_of_improvement({"easy": a}, {"easy": b}, FAMILIES, level=0.8, reps=20_000)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(chances, [0.1, 0.9])), abs=0.06)


@given(FEW, FEW)
def test_probabilities_either_way_sum_to_one(a, b):
    there = stats.probability_of_improvement({"easy": a}, {"easy": b}, FAMILIES, reps=20)
    back = stats.probability_of_improvement({"easy": b}, {"easy": a}, FAMILIES, reps=20)
    assert there.value + back.value == pytest.approx(1)
    assert 0 <= there.low <= there.high <= 1


def test_probability_of_what_is_certain_and_of_what_is_equal():
    better = stats.probability_of_improvement({"easy": [0.8, 0.9]}, {"easy": [0.1, 0.2, 0.3]}, FAMILIES, reps=50)
    assert (better.value, better.low, better.high, better.n) == (1, 1, 1, 2)
    same = stats.probability_of_improvement({"easy": [1.0] * 3}, {"easy": [1.0] * 3}, FAMILIES, reps=50)
    assert (same.value, same.low, same.high) == (0.5, 0.5, 0.5)


def test_difference_against_all_resamples():
    """Of four seeds three are drawn: 4³ equally likely draws each; p doubles the share at 0 or below."""
    a, b = [0.3, 0.5, 0.6, 0.9], [0.1, 0.3, 0.4, 0.7]
    means = [[np.mean(drawn) for drawn in itertools.product(scores, repeat=3)] for scores in (a, b)]
    differences = np.subtract.outer(*means).ravel()
    found = stats.difference({"easy": a}, {"easy": b}, level=0.8, reps=40_000)
    assert (found.value, found.n) == (pytest.approx(0.2), 4)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(differences, [0.1, 0.9])), abs=0.02)
    assert found.p == pytest.approx(2 * np.mean(differences <= 1e-9), abs=0.01)


@given(FEW, FEW)
def test_turning_a_difference_round_changes_its_sign_alone(a, b):
    there, back = (stats.difference({"easy": x}, {"easy": y}, reps=400) for x, y in ((a, b), (b, a)))
    assert there.value == pytest.approx(-back.value)
    assert 0 < there.p <= 1 and abs(there.p - back.p) < 0.3
    assert (there.low <= there.value + 1e-9 and there.value <= there.high + 1e-9) or there.n < 3


@pytest.mark.parametrize("statistic", [family_mean, functools.partial(stats.weighted_iqm, families=FAMILIES)])
@pytest.mark.parametrize("shift", [0, 0.2, 0.4, 0.8])
def test_p_and_interval_agree(statistic, shift):
    rng = np.random.default_rng(3)
    a = {task: rng.normal(shift, 0.5, 6) for task in FAMILIES}
    b = {task: rng.normal(0, 0.5, 5) for task in FAMILIES}
    found = stats.difference(a, b, statistic, level=0.95, reps=1_000)
    assert found.value == pytest.approx(float(statistic(a) - statistic(b)))
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


@pytest.mark.parametrize(("n", "least"), [(3, 0.1), (4, 2 / 70), (5, 2 / 252)])
def test_few_seeds_of_one_task_cannot_say_more_than_relabelling(n, least):
    apart = stats.difference({"easy": np.arange(n) + 100.0}, {"easy": np.arange(n)}, reps=1_000)
    assert apart.p == pytest.approx(least)
    certain = stats.difference({"easy": np.ones(n)}, {"easy": np.zeros(n)}, reps=1_000)
    assert (certain.low, certain.high, certain.p) == (1, 1, pytest.approx(least))


def test_p_is_never_zero():
    apart = {task: np.arange(5) + 100.0 for task in FAMILIES}
    assert stats.difference(apart, {task: np.arange(5) for task in FAMILIES}, reps=999).p == pytest.approx(2 / 1000)


def test_equal_scores_do_not_differ():
    same = {"easy": [0.1] * 3, "guess": [0.7] * 4}
    found = stats.difference(same, {"easy": [0.7] * 3, "guess": [0.1] * 3}, family_mean)
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 0)) and found.p == 1


def test_one_seed_has_a_difference_and_no_interval():
    found = stats.difference({"easy": [0.5], "guess": [0.1, 0.2]}, {"easy": [0.1, 0.2], "guess": [0.3, 0.4]})
    assert found.value == pytest.approx((0.35 - 0.2) / 2) and found.n == 1
    assert all(map(math.isnan, (found.low, found.high, found.p)))


def test_tasks_that_one_lacks_do_not_enter():
    a, b = {"easy": [0.5, 0.7], "guess": [9.0, 9.0]}, {"easy": [0.1, 0.3], "hard": [9.0, 9.0]}
    assert stats.difference(a, b, family_mean, reps=50).value == pytest.approx(0.4)
    assert stats.probability_of_improvement(a, b, FAMILIES, reps=50).value == 1
    for compare in (stats.difference, functools.partial(stats.probability_of_improvement, families=FAMILIES)):
        with pytest.raises(ValueError, match="no task in common: guess and hard"):
            compare({"guess": [1.0, 2.0]}, {"hard": [1.0, 2.0]})


def test_comparisons_depend_on_seed_and_samples_and_nothing_else():
    rng = np.random.default_rng(0)
    a, b = ({task: rng.normal(size=5) for task in FAMILIES} for _ in range(2))
    first = stats.difference(a, b, reps=300)
    assert stats.difference(dict(reversed(a.items())), dict(reversed(b.items())), reps=300) == first
    assert stats.difference(a, b, reps=300, seed=1) != first


def test_holm_by_hand():
    """.01 x 4; .02 x 3; .03 x 2 = .06 again; .5."""
    adjusted = stats.holm({"c": 0.03, "a": 0.01, "d": 0.5, "b": 0.02})
    assert adjusted == pytest.approx({"c": 0.06, "a": 0.04, "d": 0.5, "b": 0.06})
    assert list(adjusted) == ["c", "a", "d", "b"]
    assert stats.holm({}) == {}
    assert stats.holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_holm_is_the_closed_test_of_bonferroni(values):
    """A comparison is claimed where every set of comparisons that holds it is rejected by its smallest p."""
    p = {str(i): value for i, value in enumerate(values)}
    sets = [set(chosen) for size in range(1, len(p) + 1) for chosen in itertools.combinations(p, size)]
    closed = {i: max(min(1, len(s) * min(p[j] for j in s)) for s in sets if i in s) for i in p}
    assert stats.holm(p) == pytest.approx(closed)


def test_what_cannot_be_compared_yet_counts_among_the_comparisons():
    adjusted = stats.holm({"a": 0.02, "b": math.nan, "c": 0.03})
    assert (adjusted["a"], adjusted["c"]) == pytest.approx((0.06, 0.06)) and math.isnan(adjusted["b"])
    with pytest.raises(ValueError, match=r"a=1\.5"):
        stats.holm({"a": 1.5})
