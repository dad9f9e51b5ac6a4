"""The permutation test: hand-computed shares of the ways to deal, and the chance of a false claim."""

import math

import numpy as np
import pytest

from memorax_bench.stats.permutation import MOST, permutation_p


def test_hand_computed():
    # 20 ways to deal 3 and 3; only the one found has all the large ones first.
    assert permutation_p({"t": [4, 5, 6]}, {"t": [1, 2, 3]}) == 1 / 20
    assert permutation_p({"t": [1, 2, 3]}, {"t": [4, 5, 6]}) == 1.0
    # sums of two of 1, 2, 3, 4: 3, 4, 5, 5, 6, 7; those of 2 and 4 or more are 6 and 7
    assert permutation_p({"t": [2, 4]}, {"t": [1, 3]}) == 2 / 6
    assert permutation_p({"t": [1.0] * 5}, {"t": [0.0] * 5}) == 1 / 252


def test_equal_runs_say_nothing():
    assert permutation_p({"t": [1.0] * 5}, {"t": [1.0] * 5}) == 1.0


def test_tasks_are_dealt_each_for_itself():
    a, b = {"s": [2, 3], "t": [20, 30]}, {"s": [0, 1], "t": [0, 10]}
    assert permutation_p(a, b) == pytest.approx(1 / 36)  # 6 x 6 ways
    assert permutation_p(a, {**b, "u": [0]}) == pytest.approx(1 / 36)  # a task of one side does not enter


def test_of_many_ways_some_are_drawn():
    rng = np.random.default_rng(0)
    a, b = ({task: rng.normal(mean, 1, 10) for task in "st"} for mean in (1.0, 0.0))
    assert math.comb(20, 10) ** 2 > MOST
    p = permutation_p(a, b)
    assert p == permutation_p(a, b) and 1 / (MOST + 1) <= p < 0.01
    assert permutation_p(b, a) > 0.99


def test_false_claims_are_as_rare_as_it_says():
    rng = np.random.default_rng(1)
    found = [permutation_p({"t": rng.integers(0, 2, 5)}, {"t": rng.integers(0, 2, 5)}) for _ in range(1000)]
    assert np.mean(np.array(found) < 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)
    assert np.mean(np.array(found) < 0.01) <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / 1000)
