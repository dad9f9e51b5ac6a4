"""The suite `sanity`, run as a user would: every algorithm solves what it has to, in minutes a cell.

Thresholds are of the task's own units and below what was measured: 1.0 on the memory tasks, 500 steps of CartPole,
1000 on the position-only inverted pendulum, -142 on Pendulum; a memoryless agent earns -0.5 and 0 on the memory tasks.
"""

import pytest

from fixtures.runs import records
from memorax_bench.suite.load import load_suite
from memorax_bench.verbs.run import run_suite

SOLVED = {
    **{("memory-chain", name, torso): 0.95 for name in ("ppo", "pqn", "r2d2") for torso in ("gru", "mamba2")},
    **{("repeat-previous-easy", name, torso): 0.9 for name in ("ppo", "pqn", "r2d2") for torso in ("gru", "mamba2")},
    ("cart-pole", "dqn", "gru"): 400.0,
    ("cart-pole", "pqn", "gru"): 400.0,
    ("pendulum", "sac", "gru"): -250.0,
    ("inverted-pendulum-positions", "sac", "gru"): 900.0,
}


@pytest.mark.usefixtures("optimised")
@pytest.mark.slow
@pytest.mark.parametrize("cell", SOLVED, ids="-".join)
def test_sanity(tmp_path, cell):
    task, algorithm, torso = cell
    arguments = [f"tasks={task}", f"algorithms={algorithm}", f"torsos={torso}"]
    assert run_suite(load_suite("sanity", arguments), ["suite=sanity", *arguments], tmp_path) == 0
    (stored,) = records(tmp_path)
    assert min(stored.record.results.best) > SOLVED[cell]
    assert stored.record.gates["replay_equals_rollout"].passed
