"""Seconds of a call in steady state, for a look before and after a change: bench/speed/README.md says how."""

import pytest

from perf.measured import program

SMOKE = ("gradient/gru", "step/gru", "play/popgym::RepeatPreviousEasy", "buffer/uniform")
FULL = (
    *(f"{pass_}/{torso}" for torso in ("lru", "mamba2", "attention", "mlp") for pass_ in ("gradient", "step")),
    *("play/popgym::HigherLowerEasy", "play/popgym::BattleshipEasy", "play/gymnax::CartPole-v1"),
    *("train/ppo", "train/r2d2", "train/dqn", "evaluate/ppo"),
    *("buffer/prioritised", "lox/silent", "lox/spooled"),
)
ROUNDS, STEP_ROUNDS = 20, 500


@pytest.mark.parametrize("name", [*SMOKE, *(pytest.param(name, marks=pytest.mark.slow) for name in FULL)])
def test_speed(benchmark, name):
    benchmark.group = name.partition("/")[0]
    rounds = STEP_ROUNDS if benchmark.group == "step" else ROUNDS
    benchmark.pedantic(program(name), rounds=rounds, iterations=1, warmup_rounds=2)
