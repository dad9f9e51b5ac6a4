"""Every task and every row at a glance: where a torso is good, where nothing was run, where seeds diverged."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from memorax_bench import stats
from memorax_bench.report.frame import Frame
from memorax_bench.report.render import FAILED_MARK, numbers
from memorax_bench.report.sections.section import Section
from memorax_bench.report.tables import Row, Table

WORDS = (
    "The mean normalised score of each task, colours from the floor (0) to the ceiling (1) and no further. Crossed "
    f"out: not run; empty: not applicable; {FAILED_MARK}: seeds diverged and count as the hard minimum; a small "
    "number: seeds, where they are not as many as in most cells. *: the task is not ranked."
)


@dataclass(frozen=True)
class Shade:
    """One cell: `state` as in the table; `failed` of `n` seeds diverged."""

    state: str
    score: stats.Estimate | None = None
    failed: int = 0
    n: int = 0


@dataclass(frozen=True)
class Map:
    """The cells `shades[rows][tasks]` of one algorithm; tasks of a family stand together, ranked ones first."""

    algorithm: str
    rows: tuple[Row, ...]
    tasks: tuple[str, ...]
    families: tuple[str, ...]
    unranked: frozenset[str]
    shades: tuple[tuple[Shade, ...], ...]


def heatmap_section(table: Table, frame: Frame) -> Section | None:
    """The section, None where no task has a ceiling."""
    maps = maps_of(table, frame)
    if not maps:
        return None
    return Section(
        name="heatmap",
        title="Tasks",
        caption="mean normalised score of each row in each task",
        words=WORDS,
        rows=[row for one in maps for row in _csv(one)],
        save=partial(_save, frame, maps, _usual(maps)),
    )


def maps_of(table: Table, frame: Frame) -> tuple[Map, ...]:
    """One an algorithm, rows in the order of the table."""
    columns = [column for column in table.columns if column.normalised]
    tasks = tuple(task for column in columns for task in column.tasks)
    unranked = frozenset(task for column in columns if column.why_unranked is not None for task in column.tasks)
    if not tasks:
        return ()
    return tuple(
        Map(
            algorithm=algorithm,
            rows=(rows := tuple(row for row in table.rows if row.algorithm == algorithm)),
            tasks=tasks,
            families=tuple(table.suite.tasks[task].family for task in tasks),
            unranked=unranked,
            shades=tuple(tuple(_shade(table, row, task) for task in tasks) for row in rows),
        )
        for algorithm in frame.algorithms
    )


def _shade(table: Table, row: Row, task: str) -> Shade:
    key = (task, row.algorithm, row.torso)
    if key not in table.pools:
        return Shade("n/a")
    if key not in table.estimates:
        return Shade("missing")
    pool = table.pools[key]
    return Shade("measured", table.estimates[key], len(pool.failed), len(pool.runs))


def _usual(maps: Sequence[Map]) -> int:
    """The number of seeds of most cells."""
    counts = [shade.n for one in maps for row in one.shades for shade in row if shade.n]
    return int(np.bincount(counts).argmax()) if counts else 0


def _csv(one: Map) -> list[dict[str, object]]:
    rows = []
    for row, shades in zip(one.rows, one.shades, strict=True):
        for task, family, shade in zip(one.tasks, one.families, shades, strict=True):
            line: dict[str, object] = {"task": task, "family": family, "algorithm": row.algorithm, "torso": row.torso}
            line |= {"ranked": task not in one.unranked, "state": shade.state, "n": shade.n, "failed": shade.failed}
            rows.append(line | numbers("score", shade.score))
    return rows


def _save(frame: Frame, maps: tuple[Map, ...], usual: int, stem: Path):
    from memorax_bench.report.figures import heatmap  # matplotlib

    return heatmap.save_heatmap(frame, maps, usual, stem)
