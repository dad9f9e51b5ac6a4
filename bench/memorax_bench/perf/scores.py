"""Tier 3: does every learner still learn? Final scores of this code against stored ones, seed by seed kept.

`bench/expected_scores.json` is generated from records (`memorax-bench perf scores --write`) and reviewed. The times and
counters of a learner that learns nothing are as good as ever.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from memorax_bench import stats
from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.records.pooling import Pool, pool_grid
from memorax_bench.records.store import StoredRecord
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.schema import Closed, Task

FILE = Path("bench") / "expected_scores.json"  # of a checkout
MARGIN = 0.1  # normalised; a drop is one where its lower bound lies above this
LEVEL = 0.99  # of the bound, on its one side: there are dozens of cells
SEEDS = 3  # of either, at least
BROKEN, KEPT, UNMEASURED = "broken", "still learns", "not measured"


class StoredScores(Closed):
    """Raw final returns by seed (null: diverged), the code they are of, and with what they were made."""

    seeds: tuple[int, ...]
    final: tuple[float | None, ...]
    commit: str | None
    device_kind: str
    versions: dict[str, str]


class StoredSuite(Closed):
    """The scores of a suite's cells, by `task/algorithm/torso`; of that frozen part only."""

    benchmark_hash: str
    cells: dict[str, StoredScores]


@dataclass(frozen=True)
class Scored:
    """A cell: mean normalised scores, stored and of this code, and by how much it dropped at least; or why that is not
    known."""

    cell: str
    stored: float | None = None
    found: float | None = None
    drop: float | None = None
    least_drop: float | None = None
    seeds: tuple[int, int] = (0, 0)
    verdict: str = UNMEASURED
    why: str = ""


def key(cell: Cell) -> str:
    """`memory-chain/ppo/gru`."""
    return "/".join(cell.labels)


def read_scores(file: Path) -> dict[str, StoredSuite]:
    """Suite label -> what is stored of it; empty where there is no file."""
    if not file.exists():
        return {}
    return TypeAdapter(dict[str, StoredSuite]).validate_json(file.read_bytes())


def encode_scores(stored: Mapping[str, StoredSuite]) -> str:
    """The text of the file: sorted, one line a cell."""
    return "{\n" + ",\n".join(f" {json.dumps(label)}: {_suite(stored[label])}" for label in sorted(stored)) + "\n}\n"


def _suite(suite: StoredSuite) -> str:
    lines = (f"   {json.dumps(cell)}: {json.dumps(suite.cells[cell].model_dump())}" for cell in sorted(suite.cells))
    return f'{{"benchmark_hash": "{suite.benchmark_hash}", "cells": {{\n' + ",\n".join(lines) + "\n }}"


def stored_cells(resolved: ResolvedSuite, stored: StoredSuite) -> tuple[Cell, ...]:
    """Those of the cells chosen that have stored scores."""
    return tuple(cell for cell in resolved.cells if key(cell) in stored.cells)


def renew(resolved: ResolvedSuite, records: Sequence[StoredRecord], stored: StoredSuite | None) -> StoredSuite:
    """What is stored, with the complete cells among those chosen in place of theirs.

    Raises UsageProblems where no cell is complete, and for records of uncommitted code: nobody could make them again.
    """
    pools = pool_grid(resolved.cells, records, resolved.seeds)
    whole = {key(cell): pools[cell.labels] for cell in resolved.cells if _complete(pools[cell.labels], resolved.seeds)}
    if not whole:
        message = f"no chosen cell of {resolved.label} has records of all its {len(resolved.seeds)} seeds"
        fix = f"memorax-bench run with the same arguments, and at least {SEEDS} seeds"
        raise UsageProblems([Problem(message, fix=fix)])
    dirty = [name for name, pool in whole.items() if any(record.code.dirty_sha256 for record in pool.records)]
    if dirty:
        message = f"made with uncommitted changes: {', '.join(dirty)}"
        raise UsageProblems([Problem(message, fix="commit, and run them again")])
    same = stored is not None and stored.benchmark_hash == resolved.benchmark_hash
    kept = dict(stored.cells) if same else {}
    fresh = {name: _stored(pool) for name, pool in whole.items()}
    return StoredSuite(benchmark_hash=resolved.benchmark_hash, cells=kept | fresh)


def compare(
    resolved: ResolvedSuite, records: Iterable[StoredRecord], codes: Mapping[tuple, str], stored: StoredSuite
) -> list[Scored]:
    """One row for each chosen cell that has stored scores; of `records`, those of this code count (`codes`: labels ->
    code_hash)."""
    rows, records = [], tuple(records)
    for cell in stored_cells(resolved, stored):
        own = [record for record in records if codes[cell.labels] in record.code_hashes]
        pool = pool_grid([cell], own, stored.cells[key(cell)].seeds)[cell.labels]
        rows.append(compare_cell(key(cell), cell.task, stored.cells[key(cell)].final, pool.scores))
    return rows


def compare_cell(name: str, task: Task, stored: Sequence[float | None], found: Sequence[float | None]) -> Scored:
    """Raw final returns of a cell, stored and found, of any number of seeds.

    Broken: the lower bound of the drop lies above the margin (Welch's t: with three seeds a permutation test cannot
    reach its level, and the percentiles of a bootstrap are too narrow), or seeds diverge and stored ones did not. A
    score below the floor counts as the floor, where nothing is left to lose. A task without ceiling has what was stored
    for one.
    """
    seeds = len(stored), len(found)
    if not found:
        return Scored(name, seeds=seeds, why="no record of this code")
    if min(seeds) < SEEDS:
        return Scored(name, seeds=seeds, why=f"{min(seeds)} of at least {SEEDS} seeds")
    before, after = stats.failed_as(stored, task.hard_min), stats.failed_as(found, task.hard_min)
    ceiling = float(before.mean()) if task.ceiling is None else task.ceiling
    try:
        before, after = (stats.normalise(scores, task.floor, ceiling).clip(min=0) for scores in (before, after))
    except ValueError as error:
        return Scored(name, seeds=seeds, why=str(error))
    drop = float(before.mean() - after.mean())
    parts = [float(np.var(scores, ddof=1)) / len(scores) for scores in (before, after)]
    least = drop - stats.t_half_width(parts, [len(before), len(after)], LEVEL)
    diverged = None in found and None not in stored
    why = f"{sum(score is None for score in found)} of {len(found)} seeds diverged" if diverged else ""
    verdict = BROKEN if diverged or least > MARGIN else KEPT
    return Scored(name, float(before.mean()), float(after.mean()), drop, least, seeds, verdict, why)


def _complete(pool: Pool, seeds: Sequence[int]) -> bool:
    return len(pool.runs) >= SEEDS and set(seeds) <= {run.seed for run in pool.runs}


def _stored(pool: Pool) -> StoredScores:
    newest = max(pool.records, key=lambda record: record.volatile.created_utc)
    return StoredScores(
        seeds=tuple(run.seed for run in pool.runs),
        final=pool.scores,
        commit=newest.code.commit,
        device_kind=newest.numerics.device_kind,
        versions={"jaxlib": newest.numerics.jaxlib, **newest.versions},
    )
