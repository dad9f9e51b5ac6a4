"""A small suite, and records of its cells that no training made, in the real store."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from memorax_bench.records import curves as curve_file
from memorax_bench.records.record import Record, encode
from memorax_bench.records.store import Scan, Store, cell_path_parts
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite, load_suite
from speed.made_up import make_record

SUITE = """
schema: 1
name: tiny
version: 1
description: "One task that needs memory, one that does not."
protocol: {total_env_steps: 1_048_576, eval_every: 131_072, eval_episodes: 8, eval_policy: sample,
           inputs: [observation, previous_action, start], discount: 0.99, precision: float32, min_seeds: 3}
tasks:
  repeat-previous: {id: "popgym::RepeatPreviousEasy", task_version: 1, family: RepeatPrevious,
    hard_min: -1, hard_max: 1, floor: -0.5, ceiling: 1.0, kind: exact, source: "by hand"}
  higher-lower: {id: "popgym::HigherLowerEasy", task_version: 1, family: HigherLower, rank: false,
    total_env_steps: 262_144, hard_min: -1, hard_max: 1, floor: 0.0, ceiling: 0.5, kind: measured, source: "by hand"}
scoring: {final: last, primary: family_mean, interval: {method: bootstrap, level: 0.95, reps: 2_000, seed: 0}}
entries:
  seeds: 3
  algorithms: {ppo: {num_envs: 16, num_steps: 128}}
  torsos:
    mlp: {features: 64, role: control, inputs: [observation]}
    mlp-prev: {type: mlp, features: 64, role: control}
    gru: {features: 64}
    lru: {features: 64}
    mamba2: {features: 64}
"""
FINALS = {  # (task, torso) -> raw final returns of three seeds
    ("repeat-previous", "mlp"): (-0.5, -0.51, -0.48),
    ("repeat-previous", "mlp-prev"): (-0.44, -0.47, -0.41),
    ("repeat-previous", "gru"): (0.97, 0.98, 0.96),
    ("repeat-previous", "lru"): (1.0, 1.0, 1.0),
    ("repeat-previous", "mamba2"): (0.9, 0.31, 0.74),
    ("higher-lower", "mlp"): (0.46, 0.47, 0.465),
    ("higher-lower", "mlp-prev"): (0.46, 0.465, 0.47),
    ("higher-lower", "gru"): (0.475, 0.475, 0.48),
    ("higher-lower", "lru"): (0.47, 0.475, 0.48),
    ("higher-lower", "mamba2"): (0.45, 0.46, 0.47),
}


def resolve(folder: Path, overrides: Sequence[str] = (), text: str = SUITE) -> ResolvedSuite:
    """The suite of `text`, resolved as the command line would, from a file made in `folder`."""
    file = Path(folder) / "tiny.yaml"
    file.write_text(text, encoding="utf-8")
    return load_suite(str(file), overrides)


def find_cell(resolved: ResolvedSuite, task: str, torso: str, algorithm: str = "ppo") -> Cell:
    """The cell with these labels."""
    return next(cell for cell in resolved.cells if cell.labels == (task, algorithm, torso))


def publish(results_dir: Path, resolved: ResolvedSuite, record: Record, curves: bytes) -> None:
    """Puts a record and its curves where `run` would."""
    cell = find_cell(resolved, record.cell.task, record.cell.torso, record.cell.algorithm)
    files = {"record.json": encode(record), curve_file.FILE: curves}
    Store(results_dir).publish(cell_path_parts(resolved.label, cell), record.run_id, files)


def fill(
    results_dir: Path,
    resolved: ResolvedSuite,
    finals: Mapping[tuple[str, str], Sequence[float | None]] = FINALS,
    **settings,
) -> Scan:
    """Publishes one record per entry of `finals` and scans; `settings` are those of `make_record`."""
    for (task, torso), values in finals.items():
        publish(results_dir, resolved, *make_record(resolved, find_cell(resolved, task, torso), values, **settings))
    return Store(results_dir).scan(resolved.label)
