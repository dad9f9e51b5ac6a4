"""Final scores: every seed, a panel for each task."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from memorax_bench import stats
from memorax_bench.report.frame import Frame
from memorax_bench.report.ranking import interval_settings
from memorax_bench.report.sections.panels import Panel, task_panels
from memorax_bench.report.sections.section import Section
from memorax_bench.report.tables import Table

WORDS = "The last evaluation of every seed, their mean and its interval; crosses: seeds that diverged."
MEANS = "The mean over the tasks of a family with its interval, and the mean of each task."


@dataclass(frozen=True)
class Dots:
    """A row in a panel: the final scores of its seeds, or, of several tasks, the mean of each; the mean's estimate.

    Normalised where the tasks have a ceiling, else raw. `diverged`: of the seeds.
    """

    panel: Panel
    torso: str
    scores: np.ndarray
    diverged: np.ndarray
    estimate: stats.Estimate


def scores_section(table: Table, frame: Frame) -> Section:
    """The section."""
    panels, remarks = task_panels(table, frame)
    dots = dots_of(table, panels)
    return Section(
        name="scores",
        title="Final scores",
        caption="the last evaluation of every seed",
        words=WORDS if all(panel.single for panel in panels) else MEANS,
        rows=score_rows(table),
        save=partial(_save, table, frame, panels, dots),
        remarks=remarks,
    )


def dots_of(table: Table, panels: Sequence[Panel]) -> tuple[Dots, ...]:
    """By panel, then in the order of the table's rows; only rows with a score in every task of the panel."""
    found = []
    for panel in panels:
        for row in table.rows:
            keys = [(task, panel.algorithm, row.torso) for task in panel.tasks]
            if row.algorithm == panel.algorithm and all(key in table.scores for key in keys):
                found.append(_dots(table, panel, row.torso, keys))
    return tuple(found)


def score_rows(table: Table) -> list[dict[str, object]]:
    """scores.csv: one row per seed, with the run it comes from; mean and interval are those of its cell."""
    rows = []
    for row in table.rows:
        for task, pool in table.pools_by_row[row.algorithm, row.torso].items():
            key = (task, row.algorithm, row.torso)
            if key not in table.scores:
                continue
            estimate = table.estimates[key]
            for run, score in zip(pool.runs, table.scores[key], strict=True):
                record = run.record
                line: dict[str, object] = {"task": task, "family": pool.cell.task.family}
                line |= {"algorithm": row.algorithm, "torso": row.torso, "role": row.role or ""}
                line |= {"seed": run.seed, "final_return": run.score, "score": score, "n": estimate.n}
                line |= {"mean": estimate.value, "low": estimate.low, "high": estimate.high}
                line |= {"run_id": record.run_id, "code_hash": record.code.code_hash, "commit": record.code.commit}
                rows.append(line | {"device": record.numerics.device_kind, "steps_done": record.steps_done})
    return rows


def _dots(table: Table, panel: Panel, torso: str, keys: Sequence[tuple[str, str, str]]) -> Dots:
    if panel.single:
        diverged = np.array([run.score is None for run in table.pools[keys[0]].runs])
        return Dots(panel, torso, table.scores[keys[0]], diverged, table.estimates[keys[0]])
    mine = {key[0]: table.scores[key] for key in keys}
    estimate = stats.family_mean(mine, dict.fromkeys(mine, ""), **interval_settings(table.suite))
    means = np.array([scores.mean() for scores in mine.values()])
    return Dots(panel, torso, means, np.zeros(len(means), bool), estimate)


def _save(table: Table, frame: Frame, panels: tuple[Panel, ...], dots: tuple[Dots, ...], stem: Path):
    from memorax_bench.report.figures import scores  # matplotlib

    return scores.save_scores(table, frame, panels, dots, stem)
