"""Cells of the algorithms that learn from streams: built with plain steps, run without a gate on replay."""

import pytest

from fixtures import runs
from memorax_bench.cell.build import build, learning_rate
from memorax_bench.cell.runner import run_chunk, trace
from memorax_bench.identity import seed_key_words
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.load import load_suite


def cell(name, share="true", **settings):
    """A cell of the smoke suite, with this algorithm in place of its own."""
    overrides = ["tasks=higher-lower", "torsos=gru", *runs.SHORT, f"network.share_torso={share}"]
    (plain,) = load_suite("smoke", overrides).cells
    return {**plain.config, "algorithm": {"type": name, "settings": {"num_steps": 64, **settings}}}


@pytest.mark.parametrize("share", ["true", "false"])
@pytest.mark.parametrize("name", ["stream_ac", "qrc"])
def test_a_cell_builds(name, share):
    experiment = build(cell(name, share, learning_rate=0.5, td_lambda=0.7))
    assert learning_rate(cell(name, share, learning_rate=0.5)) == 0.5
    assert experiment.agent.config.td_lambda == 0.7
    assert experiment.agent.config.gamma == 0.99


def test_without_a_learning_rate_stream_ac_takes_the_papers_steps():
    assert learning_rate(cell("stream_ac")) == 1.0
    assert learning_rate(cell("qrc")) == 3e-4
    assert "max_grad_norm" not in load_catalogue().algorithm_fields("stream_ac")


@pytest.mark.parametrize(("name", "rate"), [("stream_ac", 1.0), ("qrc", 1e-2)])
def test_a_cell_runs(name, rate):
    config = cell(name, learning_rate=rate)
    executables = trace(config, 2).compile()
    words = lambda role, seed: seed_key_words("b" * 64, "higher-lower", role, seed)  # noqa: E731
    result = run_chunk(executables, config, words, (0, 1), 2, lambda progress: None)
    assert result.steps_done == config["protocol"]["total_env_steps"]
    assert all(result.results["finite"])
    assert set(result.gates) and "replay_equals_rollout" not in result.gates
    assert all(gate["pass"] for gate in result.gates.values())
