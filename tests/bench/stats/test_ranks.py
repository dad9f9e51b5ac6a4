"""Rank intervals by hand, by all resamples, and what ties and missing tasks mean."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memorax_bench import stats
from memorax_bench.stats import Rank

FAMILIES = {"easy": "Repeat", "hard": "Repeat", "guess": "Guess"}


def test_methods_far_apart_have_no_doubt():
    methods = {name: {"easy": [0.1 + shift, 0.2 + shift]} for name, shift in (("b", 1), ("a", 0), ("c", 2))}
    found = stats.rank_intervals(methods, FAMILIES, reps=100)
    assert found == {"b": Rank(2, 2, 2, 0), "a": Rank(3, 3, 3, 0), "c": Rank(1, 1, 1, 1)}
    assert list(found) == list(methods)


def test_equals_share_the_better_rank_and_the_chance_to_be_best():
    """By rounding, three times .1 is not three times .1 in another order of sums."""
    methods = {
        "a": {"easy": [0.1] * 3, "guess": [0.7] * 3},
        "b": {"easy": [0.7] * 3, "guess": [0.1] * 3},
        "c": {"easy": [0.1] * 3, "guess": [0.1] * 3},
    }
    found = stats.rank_intervals(methods, FAMILIES, reps=50)
    assert found == {"a": Rank(1, 1, 1, 0.5), "b": Rank(1, 1, 1, 0.5), "c": Rank(3, 3, 3, 0)}


def test_probability_of_being_best_against_all_resamples():
    """Two of three seeds are drawn: 9 equally likely pairs for each task and method."""
    methods = {"a": {"easy": [0.0, 0.5, 1.0]}, "b": {"easy": [0.3, 0.4, 0.9]}}

    def means(name):
        return [np.mean(drawn) for drawn in itertools.product(methods[name]["easy"], repeat=2)]

    chance = np.mean([(x > y) + (x == y) / 2 for x in means("a") for y in means("b")])
    found = stats.rank_intervals(methods, FAMILIES, reps=40_000)
    assert found["a"].p_best == pytest.approx(chance, abs=0.01)
    assert found["a"].p_best + found["b"].p_best == pytest.approx(1)
    assert (found["a"].rank, found["b"].rank) == (2, 1)
    assert (found["a"].low, found["a"].high) == (1, 2)


@given(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=4), min_size=1, max_size=5))
def test_ranks_are_between_their_ends_and_the_chances_sum_to_one(scores):
    methods = {f"m{i}": {"easy": [s / 3 for s in values]} for i, values in enumerate(scores)}
    found = stats.rank_intervals(methods, FAMILIES, reps=50)
    assert sum(rank.p_best for rank in found.values()) == pytest.approx(1)
    assert all(1 <= rank.low <= rank.high <= len(methods) for rank in found.values())
    assert min(rank.rank for rank in found.values()) == 1


def test_ranks_depend_on_seed_and_samples_and_nothing_else():
    rng = np.random.default_rng(0)
    methods = {f"m{i}": {"easy": rng.normal(size=4), "guess": rng.normal(size=6)} for i in range(4)}
    first = stats.rank_intervals(methods, FAMILIES, reps=300)
    turned = {name: dict(reversed(methods[name].items())) for name in reversed(methods)}
    assert stats.rank_intervals(turned, FAMILIES, reps=300) == first
    assert stats.rank_intervals(methods, FAMILIES, reps=300, seed=1) != first


def test_one_seed_anywhere_leaves_only_the_ranks():
    found = stats.rank_intervals({"a": {"easy": [0.5]}, "b": {"easy": [0.1, 0.2]}}, FAMILIES)
    assert [found[name].rank for name in "ab"] == [1, 2]
    assert all(math.isnan(x) for rank in found.values() for x in (rank.low, rank.high, rank.p_best))


def test_methods_are_ranked_on_the_same_tasks():
    methods = {"a": {"easy": [0.1, 0.2], "guess": [0.1, 0.2]}, "b": {"easy": [0.1, 0.2]}}
    with pytest.raises(ValueError, match="same tasks: b lacks guess"):
        stats.rank_intervals(methods, FAMILIES)
    with pytest.raises(ValueError, match="no method"):
        stats.rank_intervals({}, FAMILIES)
