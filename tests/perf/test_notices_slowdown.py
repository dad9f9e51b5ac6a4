"""A benchmark that cannot see a slowdown is worth nothing: here are some, planted."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from perf.measured import gru_gradient, ppo_update
from speed.train import PPOWithGRU

FLAGGED = 1.5  # a ratio of times or counts that must not go unnoticed


class Slow(PPOWithGRU):
    settings: ClassVar = {"update_epochs": 16}  # four times the default: about three times the work


@pytest.fixture(scope="module")
def plain() -> PPOWithGRU:
    benchmark = PPOWithGRU()
    benchmark.setup()
    return benchmark


@pytest.fixture(scope="module")
def slow() -> PPOWithGRU:
    benchmark = Slow()
    benchmark.setup()
    return benchmark


def slowdown(before: Callable[[], Any], after: Callable[[], Any], pairs: int) -> float:
    """Ratio of the best times of alternating calls: other work on the machine only adds time, and falls on both."""
    best = [float("inf"), float("inf")]
    for _ in range(pairs):
        for side, call in enumerate((before, after)):
            begin = time.perf_counter()
            call()
            best[side] = min(best[side], time.perf_counter() - begin)
    return best[1] / best[0]


def test_the_counters_notice_more_work(plain, slow):
    assert slow.track_flops() / plain.track_flops() >= FLAGGED


def test_the_counters_are_equal_for_equal_programs(plain):
    again = PPOWithGRU()
    again.trace()
    assert again.track_flops() == plain.track_flops()
    assert again.track_program_size() == plain.track_program_size()


def test_training_compiles_once(plain):
    assert plain.track_compilations() == 1


def test_the_asv_benchmark_notices_time(plain, slow):
    assert slowdown(plain.time_train_8192_steps, slow.time_train_8192_steps, pairs=5) >= FLAGGED


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(gru_gradient, lambda: gru_gradient(passes=3), id="gru"),
        pytest.param(ppo_update, lambda: ppo_update(update_epochs=16), id="ppo"),
    ],
)
def test_the_pytest_benchmarks_notice_time(before, after):
    assert slowdown(before(), after(), pairs=10) >= FLAGGED
