"""The numbers that the figures draw, and the rows of the CSV beside each figure: the two are the same."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memorax_bench import stats
from memorax_bench.records.curves import decode_curves
from memorax_bench.records.pooling import Pool, cell_name
from memorax_bench.records.store import StoredRecord
from memorax_bench.report.ranking import interval_settings
from memorax_bench.report.tables import Table, cell_scores
from memorax_bench.suite.schema import Task


class UnreadableCurves(Exception):
    """The curves beside a record are missing, damaged or do not fit together; the message says which."""


@dataclass(frozen=True)
class Line:
    """The learning curves of a cell: raw mean return by environment step and seed, their mean and its interval.

    `returns[seeds, points]` is finite: where a seed had diverged it counts as the task's hard minimum, and
    `diverged` is True, so that the last point is the score of the table.
    """

    task: str
    algorithm: str
    torso: str
    control: bool
    seeds: tuple[int, ...]
    env_steps: np.ndarray
    returns: np.ndarray
    diverged: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Dots:
    """The final scores of a cell by seed, normalised where the task has a ceiling, else raw; their mean's estimate."""

    task: str
    algorithm: str
    torso: str
    control: bool
    seeds: tuple[int, ...]
    scores: np.ndarray
    diverged: tuple[bool, ...]
    estimate: stats.Estimate


@dataclass(frozen=True)
class FigureData:
    """Everything drawn: tasks in the suite's order, lines and dots in the order of the table's rows.

    `problems` names the cells whose curves cannot be read, and why.
    """

    label: str
    tasks: Mapping[str, Task]
    ranked: frozenset[str]
    algorithms: tuple[str, ...]
    torsos: tuple[str, ...]
    level: float
    lines: tuple[Line, ...]
    dots: tuple[Dots, ...]
    problems: tuple[str, ...]


def figure_data(table: Table) -> FigureData:
    """Reads the curves of the table's pools and computes means and intervals."""
    shown = {task for column in table.columns for task in column.tasks}
    tasks = {label: task for label, task in table.suite.tasks.items() if label in shown}
    settings = interval_settings(table.suite)
    lines, dots, problems = [], [], []
    for row in table.rows:
        for task in tasks:
            pool = table.pools.get((task, row.algorithm, row.torso))
            if pool is None or not pool.runs:
                continue
            dots.append(_dots(pool, settings))
            try:
                lines.append(_line(pool, settings))
            except UnreadableCurves as error:
                problems.append(f"{cell_name(pool.cell)}: no curve drawn: {error}")
    return FigureData(
        label=table.label,
        tasks=tasks,
        ranked=frozenset(task for column in table.columns if column.why_unranked is None for task in column.tasks),
        algorithms=tuple(dict.fromkeys(row.algorithm for row in table.rows)),
        torsos=tuple(dict.fromkeys(row.torso for row in table.rows)),
        level=table.suite.scoring.interval.level,
        lines=tuple(lines),
        dots=tuple(dots),
        problems=tuple(problems),
    )


def curve_rows(data: FigureData) -> list[dict[str, object]]:
    """curves.csv: one row per cell and environment step; a column per seed, diverged seeds as they count."""
    seeds = sorted({seed for line in data.lines for seed in line.seeds})
    rows = []
    for line in data.lines:
        for point, env_step in enumerate(line.env_steps):
            own = dict(zip(line.seeds, line.returns[:, point], strict=True))
            row: dict[str, object] = {"task": line.task, "algorithm": line.algorithm, "torso": line.torso}
            row |= {"env_step": int(env_step), "n": len(line.seeds), "diverged": int(line.diverged[:, point].sum())}
            row |= {"mean": line.mean[point], "low": line.low[point], "high": line.high[point]}
            rows.append(row | {f"seed_{seed}": own.get(seed) for seed in seeds})
    return rows


def score_rows(table: Table, data: FigureData) -> list[dict[str, object]]:
    """scores.csv: one row per seed, with the run it comes from; mean and interval are those of its cell."""
    rows = []
    for dots in data.dots:
        pool = table.pools[dots.task, dots.algorithm, dots.torso]
        for run, score in zip(pool.runs, dots.scores, strict=True):
            record = run.record
            row: dict[str, object] = {"task": dots.task, "family": pool.cell.task.family}
            row |= {"algorithm": dots.algorithm, "torso": dots.torso, "role": pool.cell.role or ""}
            row |= {"seed": run.seed, "final_return": run.score, "score": score, "n": dots.estimate.n}
            row |= {"mean": dots.estimate.value, "low": dots.estimate.low, "high": dots.estimate.high}
            row |= {"run_id": record.run_id, "code_hash": record.code.code_hash, "commit": record.code.commit}
            rows.append(row | {"device": record.numerics.device_kind, "steps_done": record.steps_done})
    return rows


def _dots(pool: Pool, settings: dict) -> Dots:
    scores = cell_scores(pool)
    diverged = tuple(run.score is None for run in pool.runs)
    seeds = tuple(run.seed for run in pool.runs)
    task, algorithm, torso = pool.cell.labels
    control = pool.cell.role == "control"
    return Dots(task, algorithm, torso, control, seeds, scores, diverged, stats.mean_interval(scores, **settings))


def _line(pool: Pool, settings: dict) -> Line:
    """Raises UnreadableCurves."""
    curves = {stored.record.run_id: _read(stored) for stored in pool.stored}
    steps = {tuple(curves[run.record.run_id].get(run.seed, {})) for run in pool.runs}
    if len(steps) != 1 or not (grid := steps.pop()):
        raise UnreadableCurves("its seeds were not evaluated at the same steps")
    raw = np.array([[curves[run.record.run_id][run.seed][step] for step in grid] for run in pool.runs])
    diverged = ~np.isfinite(raw)
    diverged[[run.score is None for run in pool.runs], -1] = True
    returns = np.where(diverged, pool.cell.task.hard_min, raw)
    low, high = stats.mean_band(returns, **settings)
    seeds = tuple(run.seed for run in pool.runs)
    task, algorithm, torso = pool.cell.labels
    return Line(
        task=task,
        algorithm=algorithm,
        torso=torso,
        control=pool.cell.role == "control",
        seeds=seeds,
        env_steps=np.array(grid),
        returns=returns,
        diverged=diverged,
        mean=returns.mean(axis=0),
        low=low,
        high=high,
    )


def _read(stored: StoredRecord) -> dict[int, dict[int, float]]:
    """seed -> environment step -> mean return, steps ascending."""
    described = stored.record.results.curves
    try:
        data = stored.path.with_name(described.file).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: not the name of a file in this folder
        raise UnreadableCurves(f"{described.file} of run {stored.record.run_id} cannot be read") from error
    if hashlib.sha256(data).hexdigest() != described.sha256:
        raise UnreadableCurves(f"{described.file} of run {stored.record.run_id} is not the one it was published with")
    found: dict[int, dict[int, float]] = {}
    for row in sorted(decode_curves(data), key=lambda row: row["env_step"]):
        found.setdefault(int(row["seed"]), {})[int(row["env_step"])] = row["mean"]
    return found
