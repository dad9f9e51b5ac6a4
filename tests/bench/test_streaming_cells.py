"""Cells of the algorithms that learn from streams: built with plain steps, run without a gate on replay."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fixtures import runs
from memorax.algorithms.obgd import obgd
from memorax_bench.build import OptimizerConfig, build, build_optimizer
from memorax_bench.identity import seed_key_words
from memorax_bench.runner import run_chunk, trace
from memorax_bench.suite import load_suite


def cell(name, share="true", **settings):
    """A cell of the smoke suite, with this algorithm in place of its own."""
    overrides = ["tasks=higher-lower", "torsos=gru", *runs.SHORT, f"network.share_torso={share}"]
    (plain,) = load_suite("smoke", overrides).cells
    return {**plain.config, "algorithm": {"type": name, "settings": {"num_steps": 64, **settings}}}


@pytest.mark.parametrize("share", ["true", "false"])
@pytest.mark.parametrize("name", ["stream_ac", "qrc"])
def test_a_cell_builds(name, share):
    experiment = build(cell(name, share, learning_rate=0.5, td_lambda=0.7))
    assert experiment.learning_rate == 0.5
    assert experiment.agent.config.td_lambda == 0.7
    assert experiment.agent.config.gamma == 0.99


@pytest.mark.parametrize(("name", "rate"), [("stream_ac", 1.0), ("qrc", 1e-2)])
def test_a_cell_runs(name, rate, monkeypatch):
    runs.compile_quickly(monkeypatch.setattr)
    config = cell(name, learning_rate=rate)
    programs = trace(config, 2)
    words = lambda role, seed: seed_key_words("b" * 64, "higher-lower", role, seed)  # noqa: E731
    result = run_chunk(programs, config["protocol"], words, (0, 1), 2, lambda progress: None)
    assert result.steps_done == config["protocol"]["total_env_steps"]
    assert all(result.results["finite"])
    assert set(result.gates) and "replay_equals_rollout" not in result.gates
    assert all(gate["pass"] for gate in result.gates.values())


def test_a_clip_of_one_half_leaves_the_papers_steps_as_they_are():
    """With a step size of 1 and kappa of 2 or more the bound is the tighter one."""
    rng = np.random.default_rng(0)
    clipped = with_learning_rate_one(build_optimizer(OptimizerConfig(max_grad_norm=0.5), "sgd"))
    for kappa in (2.0, 3.0):
        for scale in (0.01, 1.0, 100.0):
            error, trace = rng.normal() * 3, {"w": jnp.array(rng.normal(size=7) * scale, jnp.float32)}
            gradient = jax.tree.map(lambda leaf, error=error: -error * leaf, trace)
            steps = [step(obgd(optimizer, kappa), gradient, error) for optimizer in (clipped, optax.sgd(1.0))]
            np.testing.assert_allclose(steps[0], steps[1], rtol=1e-5)


def step(optimizer, gradient, error):
    state = optimizer.init(gradient)
    return optimizer.update(gradient, state, gradient, td_error=jnp.full(1, error))[0]["w"]


def with_learning_rate_one(optimizer):
    return optax.GradientTransformation(
        lambda params: optax.tree.set(optimizer.init(params), learning_rate=jnp.float32(1)), optimizer.update
    )
