"""Learning curves: a panel for each task, every seed behind the mean of its cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from memorax_bench import stats
from memorax_bench.records.pooling import Key
from memorax_bench.report.frame import Frame
from memorax_bench.report.learning import Learning, on_grid
from memorax_bench.report.ranking import interval_settings
from memorax_bench.report.sections.panels import Panel, task_panels
from memorax_bench.report.sections.section import Section
from memorax_bench.report.tables import Table

WORDS = (
    "Return by environment steps: mean over seeds, its pointwise interval, and thin the single seeds; crosses where a "
    "seed diverged, from where on it counts as the hard minimum. Dotted: floor and ceiling of the task."
)
MEANS = "Normalised scores by environment steps, mean over the tasks of a family, with a pointwise interval."


@dataclass(frozen=True)
class Line:
    """The curve of a row in a panel, with the returns of its seeds where the panel shows one task, `[0, points]` else.

    The interval is NaN for rows that do not stand out.
    """

    panel: Panel
    torso: str
    seeds: tuple[int, ...]
    env_steps: np.ndarray
    returns: np.ndarray
    diverged: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: int


def curves_section(table: Table, frame: Frame, learning: Mapping[Key, Learning]) -> Section:
    """The section."""
    panels, remarks = task_panels(table, frame)
    lines = lines_of(table, frame, panels, learning)
    return Section(
        name="curves",
        title="Learning curves",
        caption="return by environment steps",
        words=WORDS if all(panel.single for panel in panels) else MEANS,
        rows=curve_rows(lines),
        save=partial(_save, table, frame, panels, lines),
        remarks=remarks,
    )


def lines_of(table: Table, frame: Frame, panels: Sequence[Panel], learning: Mapping[Key, Learning]) -> tuple[Line, ...]:
    """By panel, then in the order of the table's rows; only rows with a curve for every task of the panel."""
    settings, found = interval_settings(table.suite), []
    for panel in panels:
        for row in table.rows:
            cells = [learning.get((task, panel.algorithm, row.torso)) for task in panel.tasks]
            if row.algorithm == panel.algorithm and all(cells):
                found.append(_line(panel, row.torso, row.torso in frame.prominent, cells, settings))
    return tuple(found)


def curve_rows(lines: Sequence[Line]) -> list[dict[str, object]]:
    """curves.csv: one row per line and environment step; a column per seed, diverged seeds as they count."""
    seeds = sorted({seed for line in lines for seed in line.seeds})
    rows = []
    for line in lines:
        for point, env_step in enumerate(line.env_steps):
            own = dict(zip(line.seeds, line.returns[:, point], strict=True))
            row: dict[str, object] = {"task": line.panel.title, "algorithm": line.panel.algorithm, "torso": line.torso}
            row |= {"env_step": int(env_step), "n": line.n, "diverged": int(line.diverged[:, point].sum())}
            row |= {"mean": line.mean[point], "low": line.low[point], "high": line.high[point]}
            rows.append(row | {f"seed_{seed}": own.get(seed) for seed in seeds})
    return rows


def _line(panel: Panel, torso: str, banded: bool, cells: Sequence[Learning], settings: dict) -> Line:
    grid = np.unique(np.concatenate([cell.env_steps for cell in cells]))
    if panel.single:
        curves = {panel.title: cells[0].returns}
    else:
        curves = {
            task: on_grid(cell.scores, cell.env_steps, grid) for task, cell in zip(panel.tasks, cells, strict=True)
        }
    found = stats.family_mean_curve(curves, dict.fromkeys(curves, ""), banded=banded, **settings)
    none = np.empty((0, len(grid)))
    return Line(
        panel=panel,
        torso=torso,
        seeds=cells[0].seeds if panel.single else (),
        env_steps=grid,
        returns=cells[0].returns if panel.single else none,
        diverged=cells[0].diverged if panel.single else none.astype(bool),
        mean=found.value,
        low=found.low,
        high=found.high,
        n=min(len(cell.seeds) for cell in cells),
    )


def _save(table: Table, frame: Frame, panels: tuple[Panel, ...], lines: tuple[Line, ...], stem: Path):
    from memorax_bench.report.figures import curves  # matplotlib

    return curves.save_curves(table, frame, panels, lines, stem)
