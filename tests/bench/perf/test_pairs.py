"""When head counts as slower: the interval, and how often it is wrong on times that are made up."""

import itertools
import math
import random

import numpy as np
import pytest

from memorax_bench.perf.pairs import (
    FASTER,
    MARGIN,
    MOST,
    PAIRS,
    SAME,
    SLOWER,
    UNCLEAR,
    UNMEASURED,
    ratio_of,
    take_pairs,
)


def simulated(slowdown: float, noise: float, seed: int, drift: float = 0.0, **settings) -> str:
    """The verdict on a program that takes 10 ms, on a machine whose speed wanders by `drift` from call to call."""
    rng, clock, speed = random.Random(seed), [0.0], [0.0]

    def call(seconds: float) -> float:
        speed[0] += rng.gauss(0, drift)
        taken = seconds * math.exp(rng.gauss(0, noise) + speed[0])
        clock[0] += taken
        return taken

    settings = {"budget": 5.0, **settings}
    pairs = take_pairs(
        lambda: call(0.01), lambda: call(0.01 * slowdown), rng=random.Random(seed), clock=lambda: clock[0], **settings
    )
    return pairs.ratio.verdict


@pytest.mark.parametrize(("noise", "alarms"), [(0.02, 0), (0.1, 0), (0.3, 10)])
def test_equal_code_raises_no_alarm(noise, alarms):
    """Of 2,000 runs; an alarm of the gate takes two such runs in a row."""
    assert sum(simulated(1.0, noise, seed) == SLOWER for seed in range(2000)) <= alarms


def test_a_machine_that_wanders_raises_no_alarm():
    assert sum(simulated(1.0, 0.05, seed, drift=0.05) == SLOWER for seed in range(2000)) <= 1


@pytest.mark.parametrize("noise", [0.02, 0.1, 0.2])
def test_a_slowdown_is_found(noise):
    assert sum(simulated(1.3, noise, seed) == SLOWER for seed in range(500)) > 0.95 * 500


def test_what_is_quicker_or_within_the_margin_is_no_slowdown():
    assert {simulated(0.7, 0.02, seed) for seed in range(50)} == {FASTER}
    assert {simulated(1.02, 0.02, seed) for seed in range(50)} == {SAME}


def test_what_cannot_be_told_apart_is_said_to_be_unclear():
    assert [simulated(MARGIN, 0.3, seed) for seed in range(20)].count(UNCLEAR) > 15


@pytest.mark.parametrize("n", [9, 10, 25, 100])
def test_the_interval_covers_the_median_of_a_skewed_distribution(n):
    draws = np.random.default_rng(n).exponential(size=(4000, n))
    covered = [ratio.low <= math.log(2) <= ratio.high for ratio in map(ratio_of, draws)]
    assert np.mean(covered) >= 0.99 - 0.005


def test_the_interval_narrows_with_pairs_and_is_of_values_that_were_seen():
    ratios = list(np.random.default_rng(0).lognormal(sigma=0.1, size=200))
    few, many = ratio_of(ratios[:10]), ratio_of(ratios)
    assert many.high - many.low < (few.high - few.low) / 2
    assert {few.low, few.high} <= set(ratios)
    assert (few.low, few.high) == (min(ratios[:10]), max(ratios[:10]))


def test_few_pairs_have_no_interval_and_no_verdict():
    few = ratio_of([2.0] * 5)
    assert (few.median, few.low, few.high) == (2.0, 0.0, math.inf)
    assert few.verdict == ratio_of([2.0] * (PAIRS - 1)).verdict == UNMEASURED
    assert ratio_of([2.0] * PAIRS).verdict == SLOWER


def test_sides_take_turns_and_either_begins():
    firsts = set()
    for seed in range(20):
        order = order_of(seed)
        firsts.add(order[0])
        for first, second in itertools.pairwise(itertools.batched(order, 2)):
            assert set(first) == {"b", "h"} and first == second[::-1]
    assert firsts == {"b", "h"}


def order_of(seed: int) -> list[str]:
    order = []
    sides = [lambda name=name: order.append(name) or 1.0 for name in "bh"]
    take_pairs(*sides, 1.0, random.Random(seed), clock=lambda: 0.0)
    return order


def test_an_undecided_measurement_ends_with_its_budget():
    clock = itertools.count(0.0, 0.5)
    wild = itertools.cycle([1.0, 3.0, 2.0, 0.5, 4.0])
    pairs = take_pairs(lambda: next(wild), lambda: next(wild), 20.0, random.Random(0), clock=lambda: next(clock))
    assert len(pairs.base) == len(pairs.head) == 41
    endless = take_pairs(lambda: next(wild), lambda: next(wild), 20.0, random.Random(0), clock=lambda: 0.0)
    assert len(endless.base) == MOST


def test_a_program_that_takes_for_ever_is_not_waited_for():
    clock = itertools.count(0.0, 150.0)
    pairs = take_pairs(lambda: 1.0, lambda: 1.0, 20.0, random.Random(0), clock=lambda: next(clock))
    assert len(pairs.base) < PAIRS and pairs.ratio.verdict == UNMEASURED
