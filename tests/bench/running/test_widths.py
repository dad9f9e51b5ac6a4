"""How many seeds are trained together where nobody has said so."""

import os

import pytest

from fixtures import runs
from memorax_bench.cell.speed import seconds_of_training
from memorax_bench.records.store import Store
from memorax_bench.running.plan import code_hashes, plan
from memorax_bench.running.widths import Widths, best_width, candidates, shape_of
from memorax_bench.suite.load import load_suite


def test_candidates():
    assert candidates(1) == (1,)
    assert candidates(2) == (1, 2)
    assert candidates(5) == (1, 2, 4, 5)
    assert candidates(8) == (1, 2, 4, 8)
    assert candidates(1000) == (1, 2, 4, 8, 16, 32, 64)


def test_the_best_width_is_done_first():
    flat = {1: 1.0, 2: 1.0, 4: 1.0, 5: 1.1}  # an accelerator that is hardly used
    assert best_width(flat, 5) == 5
    linear = {1: 1.0, 2: 2.0, 4: 4.0, 5: 5.0}  # a processor that is busy with one
    assert best_width(linear, 5) == 1
    assert best_width({1: 1.0, 2: 1.5, 4: 3.5, 8: 8.0}, 8) == 2
    assert best_width({1: 1.0, 2: 1.2, 4: None, 8: None}, 8) == 2  # no memory for more
    assert best_width({1: None}, 1) is None


def config(*overrides):
    return load_suite("smoke", ["tasks=higher-lower", "torsos=mlp", *overrides]).cells[0].config


def test_shapes():
    """The budget and the learning rate cost nothing; all else may."""
    same = ("protocol.total_env_steps=1048576", "protocol.eval_every=4096", "algorithms.ppo.learning_rate=1e-5")
    assert {shape_of(config(override)) for override in same} == {shape_of(config())}
    for override in ("algorithms.ppo.num_envs=16", "torsos.mlp.features=99", "protocol.eval_episodes=1"):
        assert shape_of(config(override)) != shape_of(config())


def test_what_was_measured_is_kept_for_each_kind_of_device(tmp_path):
    widths = Widths(tmp_path, "cpu")
    assert widths.get(config()) is None
    assert widths.note(config(), {1: 1.0, 2: 1.1}, 2) == 2
    assert widths.note(config("torsos.mlp.features=99"), {1: None}, 1) is None
    assert Widths(tmp_path, "cpu").get(config("algorithms.ppo.learning_rate=1e-5")) == 2
    assert Widths(tmp_path, "cpu").get(config("torsos.mlp.features=99")) is None
    assert Widths(tmp_path, "an accelerator").get(config()) is None
    (file,) = (tmp_path / ".work" / "widths").glob("*.json")
    file.write_text("{")
    assert Widths(tmp_path, "cpu").get(config()) is None


def test_the_plan_uses_what_was_measured(tmp_path):
    suite = load_suite("smoke", ["tasks=higher-lower", "torsos=mlp", "seeds=6"])
    codes, scan = code_hashes(suite), Store(tmp_path).scan(suite.label)
    widths = Widths(tmp_path, "cpu")

    def width(*arguments):
        (action,) = plan(suite, scan, codes, "cpu", *arguments, widths=widths).actions
        return action.seed_batch, len(action.runs), action.width_is_open

    assert width() == (6, 1, True)
    widths.note(suite.cells[0].config, {1: 1.0, 2: 1.1, 4: 3.0}, 6)
    assert width() == (2, 3, True)
    assert width(4) == (4, 2, False)  # the user has the last word


def test_seeds_are_spread_over_devices_that_would_be_idle(tmp_path):
    def widths_and_runs(seeds, workers, *arguments, width=None):
        suite = load_suite("smoke", ["torsos=mlp", f"seeds={seeds}", *arguments])
        made = plan(suite, Store(tmp_path).scan(suite.label), code_hashes(suite), "cpu", width, workers=workers)
        return [(action.seed_batch, len(action.runs)) for action in made.actions]

    one = "tasks=higher-lower"
    assert widths_and_runs(8, 1, one) == [(8, 1)]
    assert widths_and_runs(8, 2, one) == [(4, 2)]
    assert widths_and_runs(8, 4, one) == [(2, 4)]
    assert widths_and_runs(8, 100, one) == [(1, 8)]
    assert widths_and_runs(8, 2) == [(8, 1), (8, 1)]  # a cell for each
    assert widths_and_runs(8, 4) == [(4, 2), (4, 2)]
    assert widths_and_runs(8, 4, one, width=8) == [(8, 1)]  # the user has the last word


def test_forced_devices_share_the_seeds_of_a_cell(tmp_path):
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=2"
    arguments = ("run", "suite=smoke", "tasks=higher-lower", "torsos=mlp", "seeds=2", *runs.SHORT)
    done = runs.command(*arguments, cwd=tmp_path, XLA_FLAGS=flags)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" done  higher-lower     ppo/mlp") == 2
    found = [stored.record for stored in runs.records(tmp_path / "results")]
    assert sorted((record.seeds, record.seed_batch) for record in found) == [((0,), 1), ((1,), 1)]


@pytest.mark.parametrize("algorithm", ["ppo", pytest.param("dqn", marks=pytest.mark.slow)])
def test_a_short_piece_of_training_is_timed(algorithm):
    found = (
        config()
        if algorithm == "ppo"
        else {**config(), "algorithm": {"type": "dqn", "settings": {"num_envs": 8, "learning_starts": 512}}}
    )
    one, many = (seconds_of_training(found, width) for width in (1, 32))
    assert 0 < one < many


def test_a_run_measures_where_it_is_asked_to(tmp_path):
    """And the records that it makes fix the width from then on."""
    arguments = ("tasks=higher-lower", "torsos=mlp", "seeds=2", *runs.SHORT)
    assert runs.run(tmp_path, *arguments, seed_batch="measure") == 0
    found = Widths(tmp_path, "cpu").get(load_suite("smoke", arguments).cells[0].config)
    assert found in (1, 2)
    assert {stored.record.seed_batch for stored in runs.records(tmp_path)} == {found}
