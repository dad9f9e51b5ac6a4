"""The examples run, tiny, and find what they are there to show: finite numbers of the right shape."""

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_has_a_main_that_is_tested():
    source = Path(__file__).read_text(encoding="utf-8")
    for file in EXAMPLES.glob("*.py"):
        assert f'example("{file.stem}").main(' in source, file.name


def test_tour(capsys):
    found = example("tour").main(num_envs=4, num_steps=64, total_steps=512, num_episodes=4, features=8)
    assert found["before"].shape == found["after"].shape == (4,)
    assert np.isfinite(found["before"]).all() and np.isfinite(found["after"]).all()
    assert found["logs"]["step"].tolist() == [512, 768]  # behind 256 steps of warm-up
    assert found["logs"]["replay/error"].max() < 1e-5
    assert "mean return of 4 episodes" in capsys.readouterr().out


def test_ppo_mamba2_popgym(tmp_path):
    figure = tmp_path / "curves.png"
    curves = example("ppo_mamba2_popgym").main(
        num_envs=4, num_steps=64, total_steps=512, num_seeds=2, features=16, figure=figure
    )
    assert curves.keys() == {"Mamba-2", "no memory"}
    for steps, returns in curves.values():
        assert steps.tolist() == [256, 512] and np.isfinite(returns).all()
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_r2d2_gru_prioritised():
    rows = example("r2d2_gru_prioritised").main(
        memory_length=4, num_envs=4, chunks=2, steps_a_chunk=128, learning_starts=128, batch_size=4, features=8
    )
    assert [row["updates"] for row in rows] == [4, 8]
    assert all(math.isfinite(value) for row in rows for value in row.values())


@pytest.mark.slow
def test_sac_position_brax():
    rows = example("sac_position_brax").main(
        num_envs=4, chunks=2, steps_a_chunk=256, learning_starts=128, batch_size=4, features=8
    )
    assert [row["updates"] for row in rows] == [32, 64]
    assert all(math.isfinite(value) for row in rows for value in row.values())


def test_custom_torso(capsys):
    measured = example("custom_torso").main(features=8, peaks=4, inputs=4)
    assert measured.keys() == {"sequential", "associative"}
    assert all(value < 1e-5 for laws in measured.values() for value in laws.values())
    assert "every law holds" in capsys.readouterr().out


def test_seeds_dashboard(tmp_path, capsys):
    file = tmp_path / "rows.csv"
    returns = example("seeds_dashboard").main(
        num_seeds=2, num_envs=2, num_steps=8, chunks=2, updates_a_chunk=2, num_episodes=3, features=8, file=file
    )
    assert returns.shape == (2, 3) and np.isfinite(returns).all()
    assert len(file.read_text().splitlines()) == 1 + 2 * 2 * 2  # seeds, chunks, updates
    assert "seed 1:" in capsys.readouterr().out
