"""The comparison table as data: a resolved suite and its records in, frozen rows and columns out. `render` shows it."""

import functools
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from memorax_bench import stats
from memorax_bench.records.comparability import check_comparable
from memorax_bench.records.pooling import Key, Pool, pool_grid
from memorax_bench.records.record import Failure, Record
from memorax_bench.records.store import Scan, StoredFailure, StoredRecord
from memorax_bench.report.ranking import (
    Controls,
    Scores,
    better_controls,
    interval_settings,
    memory_adds,
    ranked_tasks,
    row_gain,
    why_row_unranked,
    why_task_unranked,
    without_need,
)
from memorax_bench.suite.grid import NotApplicable
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.schema import Suite

ALL_SEEING = "it is shown what the task hides"


@dataclass(frozen=True)
class Column:
    """The ranked tasks of one family, or one task that is not ranked (`why_unranked`).

    `normalised` is False for a task without a ceiling, of which the raw return is shown.
    """

    title: str
    tasks: tuple[str, ...]
    why_unranked: str | None
    normalised: bool


@dataclass(frozen=True)
class TableCell:
    """A score of a row: measured, missing (asked for, at least one task of the column not run) or not applicable."""

    state: Literal["measured", "missing", "n/a"]
    estimate: stats.Estimate | None = None
    failed: int = 0


@dataclass(frozen=True)
class Row:
    """One (algorithm, torso). None stands for what is not known or, for `gain`, not defined.

    `primary` is the family-weighted mean over the ranked tasks, known where all of them are; `n` the least and most
    seeds of a task; `solved` counts ranked families; `steps_per_s` is the median over the records; `gates` maps a
    gate's name to whether it passed in all of them; `why_unranked` is empty for a ranked row; `track` says how the
    settings were found.
    """

    algorithm: str
    torso: str
    role: str | None
    track: str
    cells: tuple[TableCell, ...]
    primary: stats.Estimate | None
    gain: float | None
    solved: int
    n: tuple[int, int]
    steps_per_s: float | None
    torso_parameters: tuple[int, ...]
    state_bytes: tuple[int, ...]
    gates: Mapping[str, bool]
    devices: tuple[str, ...]
    why_unranked: tuple[str, ...]

    @property
    def control(self) -> bool:
        """Whether it has no memory, and shows what can be done without."""
        return self.role == "control"


@dataclass(frozen=True)
class Table:
    """Rows sorted by `primary`, incomplete ones after them, those that failed a gate last: with these nothing is
    compared. `pools` holds the runs behind each cell of the grid, `scores` and `estimates` those of the cells that have
    runs (normalised where the task has a ceiling), `failures` the last failure of a cell.

    `families` is the number of ranked families, `seeds` those asked for. `no_need` are ranked tasks whose better
    control leaves no room for memory; `memory_adds` is the most that a row adds to the better control, by task;
    `left_out` says which records under this label belong to no cell of the table.
    """

    suite: Suite
    label: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    families: int
    pools: Mapping[Key, Pool]
    scores: Scores
    estimates: Mapping[Key, stats.Estimate]
    failures: Mapping[Key, Failure]
    seeds: tuple[int, ...]
    not_applicable: tuple[NotApplicable, ...]
    no_need: tuple[str, ...]
    memory_adds: Mapping[str, float]
    left_out: tuple[str, ...]

    @property
    def draft(self) -> bool:
        """Whether the suite is a draft, in which nothing is ranked."""
        return self.suite.version == 0

    @functools.cached_property
    def records(self) -> tuple[Record, ...]:
        """Every record that entered, each once."""
        return tuple({record.run_id: record for pool in self.pools.values() for record in pool.records}.values())

    @functools.cached_property
    def pools_by_row(self) -> Mapping[tuple[str, str], Mapping[str, Pool]]:
        """(algorithm, torso) -> task -> Pool, in the suite's order of tasks."""
        return by_row(self.pools)


def build_table(resolved: ResolvedSuite, scan: Scan) -> Table:
    """The table of the suite's chosen cells. Records of another frozen part, or of no chosen cell, do not enter.

    Raises NotComparable where those that do differ in what makes them comparable.
    """
    same = [stored for stored in scan.records if stored.record.suite.benchmark_hash == resolved.benchmark_hash]
    pools = pool_grid(resolved.cells, same, resolved.seeds)
    check_comparable(record for pool in pools.values() for record in pool.records)
    scores = {key: cell_scores(pool) for key, pool in pools.items() if pool.runs}
    estimates = dict(
        zip(scores, stats.mean_intervals(scores.values(), **interval_settings(resolved.suite)), strict=True)
    )
    sound = {key: values for key, values in scores.items() if all(_gates(pools[key].records).values())}
    columns = _columns(resolved)
    controls = better_controls(resolved, {key: estimates[key] for key in sound})
    rows = [_row(resolved, name, columns, mine, scores, controls) for name, mine in by_row(pools).items()]
    rows.sort(key=lambda row: (not all(row.gates.values()), np.inf if row.primary is None else -row.primary.value))
    suite = resolved.suite
    return Table(
        suite=suite,
        label=resolved.label,
        columns=columns,
        rows=tuple(rows),
        families=len({suite.tasks[task].family for task in ranked_tasks(suite)}),
        pools=pools,
        scores=scores,
        estimates=estimates,
        failures=_failures(resolved, scan),
        seeds=resolved.seeds,
        not_applicable=resolved.not_applicable,
        no_need=without_need(suite, controls),
        memory_adds=memory_adds(resolved, sound, controls),
        left_out=_left_out(resolved, scan, same, set(pools)),
    )


def by_row(pools: Mapping[Key, Pool]) -> dict[tuple[str, str], dict[str, Pool]]:
    """(algorithm, torso) -> task -> Pool."""
    rows: dict[tuple[str, str], dict[str, Pool]] = {}
    for (task, algorithm, torso), pool in pools.items():
        rows.setdefault((algorithm, torso), {})[task] = pool
    return rows


def _left_out(resolved: ResolvedSuite, scan: Scan, same: Sequence[StoredRecord], shown: set[Key]) -> tuple[str, ...]:
    notes = []
    others = {stored.record.suite.benchmark_hash for stored in scan.records} - {resolved.benchmark_hash}
    if others:
        hashes = f"suite.benchmark_hash {', '.join(sorted(other[:8] for other in others))}"
        count = len(scan.records) - len(same)
        notes.append(f"{count} records have another frozen part ({hashes}) and do not enter")
    cells = (stored.record.cell for stored in same)
    keys = {(cell.task, cell.algorithm, cell.torso) for cell in cells} - shown
    if keys:
        names = ", ".join(sorted({f"{algorithm}/{torso}" for _, algorithm, torso in keys}))
        notes.append(f"records of cells that were not chosen do not enter: {names}")
    return tuple(notes)


def _failures(resolved: ResolvedSuite, scan: Scan) -> dict[Key, Failure]:
    newest = {stored.failure.config_hash: stored.failure for stored in sorted(scan.failures, key=_when)}
    return {cell.labels: newest[cell.config_hash] for cell in resolved.cells if cell.config_hash in newest}


def _when(stored: StoredFailure) -> str:
    return stored.failure.created_utc


def _columns(resolved: ResolvedSuite) -> tuple[Column, ...]:
    """Ranked families first, then the other tasks, each in the suite's order; only what was chosen."""
    suite = resolved.suite
    chosen = {cell.task_label for cell in resolved.cells} | {pair.task_label for pair in resolved.not_applicable}
    families: dict[str, list[str]] = {}
    others = []
    for label, task in suite.tasks.items():
        if label in chosen:
            why = why_task_unranked(suite, label, task)
            families.setdefault(task.family, []).append(label) if why is None else others.append((label, task, why))
    columns = [Column(family, tuple(tasks), None, True) for family, tasks in families.items()]
    names = [*families, *(task.family for _, task, _ in others)]
    for label, task, why in others:
        title = task.family if names.count(task.family) == 1 else label
        columns.append(Column(title, (label,), why, task.ceiling is not None))
    return tuple(columns)


def cell_scores(pool: Pool) -> np.ndarray:
    """One score per seed: normalised, or raw where the task has no ceiling."""
    task = pool.cell.task
    raw = stats.failed_as(pool.scores, task.hard_min)
    return raw if task.ceiling is None else stats.normalise(raw, task.floor, task.ceiling)


def _row(
    resolved: ResolvedSuite,
    name: tuple[str, str],
    columns: Sequence[Column],
    mine: Mapping[str, Pool],
    scores: Scores,
    controls: Controls,
) -> Row:
    suite, settings = resolved.suite, interval_settings(resolved.suite)
    samples = {task: scores[pool.cell.labels] for task, pool in mine.items() if pool.runs}
    cells = tuple(_cell(column, mine, samples, settings) for column in columns)
    ranked = ranked_tasks(suite)
    complete = bool(ranked) and all(task in samples for task in ranked)
    role = next((pool.cell.role for pool in mine.values()), None)
    records = tuple(record for pool in mine.values() for record in pool.records)
    counts = [len(values) for values in samples.values()] or [0]
    measured = {c.title: cell.estimate for c, cell in zip(columns, cells, strict=True) if c.why_unranked is None}
    return Row(
        algorithm=name[0],
        torso=name[1],
        role=role,
        track=next((pool.cell.track for pool in mine.values()), suite.entries.track),
        cells=cells,
        primary=_family_mean(suite, {task: samples[task] for task in ranked}) if complete else None,
        gain=None if role is not None else row_gain(suite, name[0], samples, controls),
        solved=len(stats.solved({title: found for title, found in measured.items() if found is not None})),
        n=(min(counts), max(counts)),
        steps_per_s=statistics.median(r.volatile.steps_per_s for r in records) if records else None,
        torso_parameters=tuple(sorted({record.cost.torso_parameters for record in records})),
        state_bytes=tuple(sorted({record.cost.state_bytes for record in records})),
        gates=_gates(records),
        devices=tuple(sorted({record.numerics.device_kind for record in records})),
        why_unranked=(*why_row_unranked(suite, name[0], mine, ranked), *([ALL_SEEING] if role == "oracle" else [])),
    )


def _cell(column: Column, mine: Mapping[str, Pool], samples: Mapping[str, np.ndarray], settings: dict) -> TableCell:
    if not any(task in mine for task in column.tasks):
        return TableCell("n/a")
    if any(task not in samples for task in column.tasks):
        return TableCell("missing")
    scores = {task: samples[task] for task in column.tasks}
    failed = sum(len(mine[task].failed) for task in column.tasks)
    return TableCell("measured", stats.family_mean(scores, dict.fromkeys(scores, ""), **settings), failed)


def _family_mean(suite: Suite, samples: Mapping[str, np.ndarray]) -> stats.Estimate:
    families = {task: suite.tasks[task].family for task in samples}
    return stats.family_mean(samples, families, **interval_settings(suite))


def _gates(records: Iterable[Record]) -> dict[str, bool]:
    passed: dict[str, bool] = {}
    for record in records:
        for name, gate in record.gates.items():
            passed[name] = passed.get(name, True) and gate.passed
    return dict(sorted(passed.items()))
