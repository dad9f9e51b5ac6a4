"""The learning curves behind a table: returns of every seed at every evaluation, on the axes they are compared on."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memorax_bench import stats
from memorax_bench.records.curves import decode_means
from memorax_bench.records.pooling import Key, Pool, cell_name
from memorax_bench.records.store import StoredRecord
from memorax_bench.report.tables import Table
from memorax_bench.suite.schema import Task


class UnreadableCurves(Exception):
    """The curves beside a record are missing, damaged or do not fit together; the message says which."""


@dataclass(frozen=True)
class Learning:
    """The learning curves of a cell: `returns[seeds, points]`, mean returns at `env_steps[points]`.

    They are finite: where a seed had diverged it counts as the task's hard minimum, and `diverged` is True, so that the
    last point is the score of the table. `speeds[seeds]` are the environment steps a second that its device made, of
    all seeds that were trained together: a seed's share of the time to a step is the step over the speed.
    """

    task: Task
    seeds: tuple[int, ...]
    env_steps: np.ndarray
    returns: np.ndarray
    diverged: np.ndarray
    speeds: np.ndarray
    device: str

    @property
    def scores(self) -> np.ndarray:
        """`[seeds, points]`, normalised; raw where the task has no ceiling."""
        if self.task.ceiling is None:
            return self.returns
        return stats.normalise(self.returns, self.task.floor, self.task.ceiling)

    @property
    def seconds(self) -> np.ndarray:
        """`[seeds, points]`: device seconds of training until then, of one seed."""
        return self.env_steps / self.speeds[:, None]


def on_grid(scores: np.ndarray, at: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Each run `scores[n, points]`, seen `at[n, points]` or `[points]`, at every point of `grid[g]`: `[n, g]`.

    Straight between its evaluations, as a curve is drawn; before the first it is the first, after the last the last.
    """
    at = np.broadcast_to(at, scores.shape)
    return np.stack([np.interp(grid, when, run) for when, run in zip(at, scores, strict=True)])


def read_learning(table: Table) -> tuple[Mapping[Key, Learning], tuple[str, ...]]:
    """The curves of the table's pools that can be read, and of the others which cannot, and why."""
    found: dict[Key, Learning] = {}
    problems = []
    for key, pool in table.pools.items():
        if pool.runs:
            try:
                found[key] = _learning(pool)
            except UnreadableCurves as error:
                problems.append(f"{cell_name(pool.cell)}: no curve drawn: {error}")
    return found, tuple(problems)


def _learning(pool: Pool) -> Learning:
    """Raises UnreadableCurves."""
    curves = {stored.record.run_id: _read(stored) for stored in pool.stored}
    mine = [curves[run.record.run_id].get(run.seed, {}) for run in pool.runs]
    if len(grids := {tuple(curve) for curve in mine}) != 1 or not (grid := grids.pop()):
        raise UnreadableCurves("its seeds were not evaluated at the same steps")
    raw = np.array([list(curve.values()) for curve in mine])
    diverged = ~np.isfinite(raw)
    diverged[[run.score is None for run in pool.runs], -1] = True
    return Learning(
        task=pool.cell.task,
        seeds=tuple(run.seed for run in pool.runs),
        env_steps=np.array(grid),
        returns=np.where(diverged, pool.cell.task.hard_min, raw),
        diverged=diverged,
        speeds=np.array([run.record.volatile.steps_per_s for run in pool.runs]),
        device=pool.device_kind or "",
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
    try:
        return decode_means(data)
    except ValueError as error:
        raise UnreadableCurves(f"{described.file} of run {stored.record.run_id}: {error}") from error
