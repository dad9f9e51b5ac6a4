"""A board of every kind of entry, from records that no training made: ranked, few seeds, a gate failed, a task missing,
a seed diverged, another device, an algorithm of its own, and one sent by somebody who wishes us ill.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from memorax_bench.board.build import build_board
from memorax_bench.board.rankings import Ranking, build_rankings
from memorax_bench.identity import config_hash
from memorax_bench.records.curves import FILE
from memorax_bench.records.record import Record, encode, seal
from memorax_bench.records.store import RECORD, Scan, Store
from memorax_bench.suite.load import ResolvedSuite, load_suite
from speed.made_up import GATES, make_record
from tests.bench.synthetic import find_cell

SUITE = """
schema: 1
name: board
version: 1
description: "Made up, to be looked at."
protocol: {total_env_steps: 1_048_576, eval_every: 131_072, eval_episodes: 8, eval_policy: sample,
           inputs: [observation, previous_action, start], discount: 0.99, precision: float32, min_seeds: 3}
tasks:
  repeat-previous: {id: "popgym::RepeatPreviousEasy", task_version: 1, family: RepeatPrevious,
    hard_min: -1, hard_max: 1, floor: -0.5, ceiling: 1.0, kind: exact, source: "by hand"}
  autoencode-easy: {id: "popgym::AutoencodeEasy", task_version: 1, family: Autoencode,
    hard_min: -1, hard_max: 1, floor: -0.5, ceiling: 1.0, kind: exact, source: "by hand"}
  autoencode-hard: {id: "popgym::AutoencodeHard", task_version: 1, family: Autoencode,
    hard_min: -1, hard_max: 1, floor: -0.5, ceiling: 1.0, kind: oracle, source: "by hand"}
  higher-lower: {id: "popgym::HigherLowerEasy", task_version: 1, family: HigherLower, rank: false,
    total_env_steps: 262_144, hard_min: -1, hard_max: 1, floor: 0.0}
scoring: {interval: {method: bootstrap, level: 0.95, reps: 200, seed: 0}}
rankings: {torsos: {algorithms: [ppo, a2c], tasks: [repeat-previous, autoencode-easy, autoencode-hard],
           baseline: gru, correction: holm}}
entries:
  seeds: 5
  algorithms: {ppo: {num_envs: 16, num_steps: 128}, a2c: {num_envs: 16, num_steps: 128}}
  torsos:
    mlp: {features: 64, role: control, inputs: [observation]}
    mlp-prev: {type: mlp, features: 64, role: control}
    gru: {features: 64}
    lru: {features: 64}
    mamba2: {features: 64}
    s5: {features: 64}
    lstm: {features: 64}
"""
TASKS = ("repeat-previous", "autoencode-easy", "autoencode-hard", "higher-lower")
SCORES = {"mlp": -0.5, "mlp-prev": -0.4, "gru": 0.9, "lru": 0.7, "mamba2": 0.3, "s5": 0.69, "lstm": 0.5, "mine": 0.95}
FEWER = {"autoencode-hard": 0.2, "higher-lower": 0.3}  # what a task takes off
HOSTILE = "</td><script>alert('x')</script><img src=x onerror=alert(1)> \u202egnp.exe \u200b \"two\" 'one' {{ 7 * 7 }}"


def finals(task: str, torso: str, seeds: int) -> list[float]:
    """Raw returns a hundredth apart."""
    return [SCORES[torso] - FEWER.get(task, 0.0) + 0.01 * seed - 0.02 for seed in range(seeds)]


def put(results: Path, label: str, record: Record, curves: bytes) -> None:
    """A record and its curves where `run` would put them, whoever it is of."""
    cell = record.cell
    parts = (label, cell.task, cell.algorithm, cell.torso, cell.config_hash[:8], record.run_id)
    folder = results.joinpath(*parts)
    folder.mkdir(parents=True)
    (folder / RECORD).write_bytes(encode(record))
    (folder / FILE).write_bytes(curves)


def add(
    results: Path,
    suite: ResolvedSuite,
    algorithm: str,
    torso: str,
    tasks: Sequence[str] = TASKS,
    seeds: int = 5,
    diverged: bool = False,
    **settings,
) -> None:
    """Records of an entry; of one that `diverged`, the first seed of the first task did."""
    for task in tasks:
        scores: list[float | None] = [*finals(task, torso, seeds)]
        if diverged and task == tasks[0]:
            scores[0] = None
        put(results, suite.label, *make_record(suite, find_cell(suite, task, torso, algorithm), scores, **settings))


def altered(record: Record, **sections: dict) -> Record:
    """The record with other values in some of its sections, sealed anew."""
    data = record.model_dump(mode="json", by_alias=True)
    data.pop("result_hash")
    for name, values in sections.items():
        data[name] |= values
    data["cell"]["config_hash"] = config_hash(data["cell"]["config"])
    return seal(data)


def resolve_board(folder: Path, arguments: Sequence[str] = ()) -> ResolvedSuite:
    """The suite, from a file made in `folder`."""
    file = folder / "board.yaml"
    file.write_text(SUITE, encoding="utf-8")
    return load_suite(str(file), arguments)


def add_mine(results: Path, folder: Path, **versions: str) -> None:
    """What somebody sent: a torso that the suite does not have, with words where we expect others."""
    wider = resolve_board(folder, ["+torsos.mine={type: gru, features: 32}"])
    for task in TASKS:
        cell = find_cell(wider, task, "mine")
        record, curves = make_record(wider, cell, finals(task, "mine", 5), device_kind=f"H200 {HOSTILE}")
        config = {**record.cell.config, "torso": {**record.cell.config["torso"], "type": f"evil:{HOSTILE}"}}
        changes = {
            "cell": {"config": config},
            "gates": {HOSTILE: {"pass": True, "max_rel": 1e-7}},
            "versions": {HOSTILE: HOSTILE, "long": "x" * 5000},
            "code": {"commit": HOSTILE},
            "volatile": {"machine_label": HOSTILE, "argv": [HOSTILE]},
        }
        put(results, wider.label, altered(record, **changes), curves)


@pytest.fixture(scope="session")
def board_results(tmp_path_factory) -> Path:
    """A folder with `board.yaml` and `results`."""
    folder = tmp_path_factory.mktemp("board")
    suite, results = resolve_board(folder), folder / "results"
    for torso in ("mlp", "mlp-prev", "gru", "lru", "mamba2"):
        add(results, suite, "ppo", torso, cost={"flops_per_env_step": {"value": 4e5, "by": "jaxpr@1"}})
    add(results, suite, "ppo", "s5", diverged=True)
    add(results, suite, "ppo", "lstm", seeds=3)
    add(results, suite, "a2c", "gru", seeds=10, device_kind="NVIDIA H200")
    add(results, suite, "a2c", "lru", gates={**dict.fromkeys(GATES, True), "step_equals_sequence": False})
    add(results, suite, "a2c", "mamba2", tasks=TASKS[1:])
    add_mine(results, folder)
    return folder


@pytest.fixture(scope="session")
def board_scan(board_results) -> tuple[ResolvedSuite, Scan]:
    suite = resolve_board(board_results)
    return suite, Store(board_results / "results").scan(suite.label)


@pytest.fixture(scope="session")
def ranking(board_scan) -> Ranking:
    """The one ranking of these records."""
    (found,) = build_rankings(*board_scan, ("suite=board.yaml",))
    return found


@pytest.fixture(scope="session")
def site(board_results, tmp_path_factory) -> Path:
    """The site of these records, without pictures."""
    out = tmp_path_factory.mktemp("site") / "site"
    arguments = [f"suite={board_results / 'board.yaml'}"]
    build_board(arguments, board_results / "results", out, pictures=False, say=lambda line: None)
    return out
