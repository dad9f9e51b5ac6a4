"""Steady-state times, for a look before and after a change:

pytest tests/perf --benchmark-save=before          # then change something
pytest tests/perf --benchmark-compare --benchmark-compare-fail=min:20%
"""

from perf.measured import gru_gradient, ppo_update


def test_gru_forward_and_backward(benchmark):
    benchmark.pedantic(gru_gradient(), rounds=20, iterations=1, warmup_rounds=2)


def test_ppo_update(benchmark):
    benchmark.pedantic(ppo_update(), rounds=20, iterations=1, warmup_rounds=2)
