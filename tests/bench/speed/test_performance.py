"""The comparison with other libraries: the work that is timed is the work that is claimed, and the page says it all."""

import jax
import pytest

from memorax_bench.cell.cost import count_flops, parameter_count
from speed import performance_page, quiet, scaling, scaling_page
from speed.performance import PARTS
from speed.workloads import WORKLOADS, forward_flops


@pytest.mark.parametrize(("name", "width"), [("W1", 256), ("W2", 64)])
def test_the_work_is_that_of_the_stated_epochs_over_whole_sequences(name, width):
    """Forward once in acting; in each of 4 epochs forward and twice that backward, but for the gradient by the
    observation; and the values after the last step."""
    agent = WORKLOADS[name].make("gru", False)
    state = jax.eval_shape(agent.init, jax.random.key(0))
    length = agent.config.num_steps
    steps = agent.config.num_envs * length
    traced = jax.jit(lambda key, state: agent.train(key, state, steps)).trace(jax.random.key(0), state)
    forward = forward_flops(width, observation=4, actions=4)
    expected = forward * (1 + 4 * 3 + 1 / length) - 4 * 2 * 4 * width
    assert count_flops(traced.jaxpr) / steps == expected


def test_sizes_are_those_of_the_peers():
    for name, size in (("W1", 396_805), ("W2", 25_477), ("W5", 9_155)):
        agent = WORKLOADS[name].make("gru", False)
        assert parameter_count(jax.eval_shape(agent.init, jax.random.key(0)).params) == size


def test_turns_that_others_disturb_do_not_count_where_there_are_enough(monkeypatch):
    clock = {"now": 0.0, "busy": 0.0, "own": 0.0}
    others = iter([0.0, 0.5, 0.0, 0.0, 0.9, 0.01])

    def call() -> None:
        clock["now"] += 1.0
        clock["own"] += 1.0
        clock["busy"] += 1.0 + next(others)

    monkeypatch.setattr(quiet.time, "perf_counter", lambda: clock["now"])
    monkeypatch.setattr(quiet.time, "process_time", lambda: clock["own"])
    monkeypatch.setattr(quiet, "_busy", lambda: clock["busy"])
    found = quiet.turns(call, 3)
    assert found.others == pytest.approx([0.0, 0.0, 0.01])
    assert found.cores == pytest.approx([1.0, 1.0, 1.0])


def test_growing_ends_before_it_takes_too_long():
    sizes = scaling.GRIDS["environments"]
    rows = scaling.grow("gru", sizes, lambda torso, size: {"seconds": size.steps / 100})
    assert [row["environments"] for row in rows] == [1, 4, 16]  # 64 would take 82 s
    assert scaling.grow("gru", sizes, lambda torso, size: None) == []


def test_growth_is_the_slope_over_the_upper_half():
    rows = [{"width": n, "seconds": max(8, n * n)} for n in (1, 2, 4, 8, 16)]
    assert scaling_page.growth(rows, "width", "seconds") == pytest.approx(2)
    assert scaling_page.growth(rows[:2], "width", "seconds") is None


MEASURED = {
    "what": "PPO", "steps_per_s": [900.0, 1000.0, 1100.0], "others": [0.01], "cores": [1.5], "trace_s": 1.0,
    "compile_s": 2.0, "flops_per_step": 1e7, "parameters": 396_805, "temporary_bytes": 2**20, "peak_rss": 2**30,
    "matmul": {"large": 100.0, "64 rows": 80.0, "32 rows": 60.0, "8 rows": 50.0}, "circumstances": "Measured.",
}  # fmt: skip


SLOW = [400, 500, 600]
SQUARED = [
    {"seeds": n, "seconds": n, "steps_per_s": 5.0, "temporary_bytes": n * n * 2**20, "compile_s": 1.0}
    for n in (1, 4, 16)
]
CHOSEN = {"environments": 16, "length": 128, "steps_per_s": 100.0}
WAYS = {"gru:by_hand": [{**CHOSEN, "steps_per_s": 90.0}], "gru:autodiff": [{**CHOSEN, "steps_per_s": 120.0}]}


def test_the_page_compares_like_with_like_and_says_where_a_bar_is_not_met():
    def row(torso, torsos):
        return {**MEASURED, "torso": torso, "torsos": torsos}

    found = {
        "W1": {"speed.workloads W1": row("gru", 1), "speed.workloads W1 --separate": row("gru", 2)},
        "W5": {"speed.workloads W5": row(None, None), "speed.peer_rejax W5": {**MEASURED, "steps_per_s": [500.0]}},
        "plain": {
            "speed.workloads W1 --torso gru:autodiff": {**row("gru:autodiff", 1), "steps_per_s": [400, 500, 600]}
        },
        "torsos": {"speed.workloads W4 --torso lru --turns 2": row("lru", 1)},
        "learning": {"speed.learning gru": {"torso": "gru", "steps": 10, "scores": [0.5, 0.7]}},
        "scaling": {"speed.scaling seeds": {"gru": SQUARED}, "speed.scaling choice": {"gru": [CHOSEN], **WAYS}},
    }
    lines = performance_page.page(found).splitlines()
    assert any(
        line.startswith(
            "| W1 | gru | 1 | purejaxrl | 9,077 | 1,000 [900-1,100] | 0.11 | 23.0% | 10.0% | 0.44 | 1.8 NOT met"
        )
        for line in lines
    )
    assert "| W1 | 500 [400-600] | 1,000 [900-1,100] | 2.00 | 1,024 | 1,024 |" in lines
    assert any(line.startswith("| W1 | gru | 2 | memorax (memory-rl) | 4,057 | ") for line in lines)
    assert any(line.startswith("| W5 | rejax | 500 [500-500] | 1,000 [900-1,100] | 2.00 | 1.05 met") for line in lines)
    assert any("| 10.00 | 100 | 80 | 60 | 50 | 10 | 10% | 1.5 |" in line for line in lines)
    assert "### Against seeds trained together" in lines
    assert "| `gru` | temporary MiB | 1.00 | 16.0 | 256 |" in lines
    assert "| `gru` | 1.00 | 2.00 |" in lines  # time in proportion, memory squared
    assert "| `gru` | 16 | 128 | by_hand 90.0, autodiff 120 | 100 | WRONG |" in lines
    assert not [line for line in lines if "{" in line]


def test_every_workload_is_a_part_of_the_page():
    asked = {command[1] for commands in PARTS.values() for command in commands if command[0] == "speed.workloads"}
    assert asked == set(WORKLOADS)
