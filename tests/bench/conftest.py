"""The command line in a folder of its own; a small suite, and records for its cells, without training anything."""

import json
import signal
import sys
from pathlib import Path

import pytest

from memorax_bench import cli
from memorax_bench.identity import run_id
from memorax_bench.records.record import Record, seal
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.load import load_suite

QUICK = """\
schema: 1
name: tiny
version: 1
description: "Does memory help?"
protocol: {total_env_steps: 65_536, eval_every: 16_384, eval_episodes: 4, eval_policy: sample,
           inputs: [observation, previous_action, start], discount: 0.99, precision: float32, min_seeds: 3}
tasks:
  repeat: {id: "popgym::RepeatPreviousEasy", task_version: 1, family: RepeatPrevious,
           hard_min: -1, hard_max: 1, floor: -0.5, ceiling: 1.0, kind: exact}
  higher: {id: "popgym::HigherLowerEasy", task_version: 1, family: HigherLower, rank: false,
           total_env_steps: 32_768, hard_min: -1, hard_max: 1, floor: 0.0, ceiling: 0.527, kind: measured}
scoring: {final: last, primary: family_mean, interval: {method: bootstrap, level: 0.95, reps: 1_000, seed: 0}}
rankings: {torsos: {algorithms: [ppo], tasks: [repeat], baseline: gru, correction: holm}}
entries:
  seeds: 3
  network: {encoder: [64], embed: 64, share_torso: true}
  algorithms: {ppo: {num_envs: 16, num_steps: 128, learning_rate: 1e-3}}
  torsos:
    mlp: {features: 64, role: control, inputs: [observation]}
    mlp-prev: {type: mlp, features: 64, role: control}
    gru: {features: 64}
    lru: {features: 64}
  overrides: [{when: {torso: lru}, set: {algorithm.learning_rate: 3e-4}}]
"""
GOLDEN = Path(__file__).parent / "golden" / "record.json"


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """`memorax-bench ...` in a folder of its own -> (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def call(*arguments):
        monkeypatch.setattr(sys, "path", [*sys.path])
        monkeypatch.setattr(sys, "argv", ["memorax-bench", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def write_suite(tmp_path):
    """Writes the small suite, with pieces of its text replaced, and returns its path."""

    def write(*replacements: tuple[str, str], text: str = QUICK, name: str = "tiny.yaml") -> str:
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def tiny(write_suite):
    """The small suite, resolved."""
    return load_suite(write_suite())


@pytest.fixture
def discrete_only():
    """The catalogue, with a PPO that knows discrete actions only."""
    catalogue = load_catalogue()
    ppo = catalogue.algorithms["ppo"].model_copy(update={"actions": ("discrete",)})
    return catalogue.model_copy(update={"algorithms": {**catalogue.algorithms, "ppo": ppo}})


@pytest.fixture
def make_record():
    """A record of some seeds of a cell."""

    def make(suite, cell, seeds=(0, 1, 2), code="c" * 64, batch=None, device="cpu", created="2026-11-01") -> Record:
        data = json.loads(GOLDEN.read_text())
        batch = batch or len(seeds)
        data["run_id"] = run_id(
            cell.config_hash,
            code,
            device,
            batch,
            seeds,
            benchmark_hash=suite.benchmark_hash,
            task_label=cell.task_label,
            track=cell.track,
        )
        data["suite"] = {"name": suite.name, "version": suite.version, "benchmark_hash": suite.benchmark_hash}
        task, algorithm, torso = cell.labels
        data["cell"] |= {"task": task, "algorithm": algorithm, "torso": torso}
        data["cell"] |= {"config": cell.config, "config_hash": cell.config_hash}
        data["cell"] |= {"track": cell.track, "tuning": cell.tuning}
        data["code"]["code_hash"] = code
        data |= {"seeds": list(seeds), "seed_batch": batch, "steps_done": cell.config["protocol"]["total_env_steps"]}
        for name, value in (("final", 0.5), ("auc", 0.4), ("best", 0.6), ("finite", True), ("final_returns", [0.5])):
            data["results"][name] = [value] * len(seeds)
        data["numerics"]["device_kind"] = device
        data["volatile"]["created_utc"] = created
        return seal(data)

    return make
