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


def last(*arguments, **settings):
    """All pairs that are taken."""
    *_, pairs = take_pairs(*arguments, **settings)
    return pairs


def simulated(slowdown: float, noise: float, seed: int, drift: float = 0.0, held_up: float = 0.0) -> str:
    """The verdict on a program that takes 100 ms, on a machine whose speed wanders by `drift` from call to call, and
    which holds up either side alone, by half, for `held_up` seconds now and then."""
    rng, clock, speed = random.Random(seed), [0.0], [0.0]
    slow, until = {1.0: False, slowdown + 1e-9: False}, {1.0: 0.0, slowdown + 1e-9: 0.0}

    def call(factor: float) -> float:
        speed[0] += rng.gauss(0, drift)
        if held_up and clock[0] >= until[factor]:
            slow[factor], until[factor] = rng.random() < 0.5, clock[0] + rng.expovariate(1 / held_up)
        taken = 0.1 * factor * math.exp(rng.gauss(0, noise) + speed[0]) * (1.5 if slow[factor] else 1.0)
        clock[0] += taken
        return taken

    sides = lambda: call(1.0), lambda: call(slowdown + 1e-9)
    return last(*sides, 20.0, random.Random(seed), clock=lambda: clock[0]).ratio.verdict


@pytest.mark.parametrize(("noise", "alarms"), [(0.02, 0), (0.1, 0), (0.3, 10)])
def test_equal_code_raises_no_alarm(noise, alarms):
    """Of 2,000 runs; an alarm of the gate takes three such runs in a row."""
    assert sum(simulated(1.0, noise, seed) == SLOWER for seed in range(2000)) <= alarms


def test_a_machine_that_wanders_raises_no_alarm():
    assert sum(simulated(1.0, 0.05, seed, drift=0.05) == SLOWER for seed in range(2000)) <= 1


def test_sides_that_are_held_up_for_seconds_raise_hardly_an_alarm():
    """Within a second one would see nothing else: pairs are not independent."""
    assert sum(simulated(1.0, 0.05, seed, held_up=1.0) == SLOWER for seed in range(500)) <= 0.02 * 500


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1])
def test_a_slowdown_is_found(noise):
    """Three times in a row."""
    found = [all(simulated(1.3, noise, 3 * run + seed) == SLOWER for seed in range(3)) for run in range(300)]
    assert sum(found) > 0.95 * len(found)


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
        assert set(itertools.batched(order, 4)) <= {("b", "h", "h", "b"), ("h", "b", "b", "h")}
    assert firsts == {"b", "h"}


def order_of(seed: int) -> list[str]:
    order = []
    sides = [lambda name=name: order.append(name) or 1.0 for name in "bh"]
    last(*sides, 1.0, random.Random(seed), clock=lambda: 0.0)
    return order


def test_an_undecided_measurement_ends_with_its_budget():
    wild = itertools.cycle([1.0, 3.0, 2.0, 0.5, 4.0])
    sides = lambda: next(wild), lambda: next(wild)
    seconds = itertools.count(0.0, 0.5)  # half a second for two pairs
    pairs = last(*sides, 20.0, random.Random(0), clock=lambda: next(seconds))
    assert len(pairs.base) == len(pairs.head) == 2 * 41
    assert len(last(*sides, 20.0, random.Random(0), clock=lambda: 0.0).base) == MOST


def test_an_alarm_is_not_raised_before_the_budget_is_spent():
    seconds = itertools.count(0.0, 0.5)
    assert len(last(lambda: 1.0, lambda: 2.0, 20.0, random.Random(0), clock=lambda: next(seconds)).base) == 2 * 41
    assert len(last(lambda: 1.0, lambda: 1.0, 20.0, random.Random(0), clock=lambda: next(seconds)).base) == PAIRS


def test_a_program_that_takes_for_ever_is_not_waited_for():
    clock = itertools.count(0.0, 150.0)
    pairs = last(lambda: 1.0, lambda: 1.0, 20.0, random.Random(0), clock=lambda: next(clock))
    assert len(pairs.base) < PAIRS and pairs.ratio.verdict == UNMEASURED
