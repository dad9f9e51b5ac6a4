"""A benchmark that cannot see a slowdown is worth nothing: here are some, planted."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from perf.measured import gru_gradient, ppo_update
from speed.algorithms import compilations_of_three_calls
from speed.steady import Program

FLAGGED = 1.5  # a ratio of times or counts that must not go unnoticed
MORE_EPOCHS = 16  # four times the default: about three times the work


def slowdown(before: Callable[[], Any], after: Callable[[], Any], pairs: int) -> float:
    """Ratio of the best times of alternating calls: other work on the machine only adds time, and falls on both."""
    best = [float("inf"), float("inf")]
    for _ in range(pairs):
        for side, call in enumerate((before, after)):
            begin = time.perf_counter()
            call()
            best[side] = min(best[side], time.perf_counter() - begin)
    return best[1] / best[0]


def test_time_is_noticed_in_a_gradient():
    assert slowdown(gru_gradient(), gru_gradient(passes=3), pairs=10) >= FLAGGED


def test_time_is_noticed_in_training():
    assert slowdown(ppo_update(), ppo_update(update_epochs=MORE_EPOCHS), pairs=10) >= FLAGGED


def test_work_is_noticed_by_the_counter():
    assert ppo_update(update_epochs=MORE_EPOCHS).flops_per_step / ppo_update().flops_per_step >= FLAGGED


def test_memory_is_noticed_by_the_counter():
    assert gru_gradient(passes=3).temporary_bytes / gru_gradient().temporary_bytes >= FLAGGED


def test_counts_are_equal_for_equal_programs():
    again = ppo_update.__wrapped__()
    assert (again.flops_per_step, again.lines) == (ppo_update().flops_per_step, ppo_update().lines)


def test_training_compiles_once():
    assert compilations_of_three_calls(ppo_update()) == 1


def test_another_compilation_is_counted():
    changes_type = Program(jax.jit(lambda key, state: state + 0.5), (jax.random.key(0), jnp.int32(0)), 1)
    assert compilations_of_three_calls(changes_type) == 2
