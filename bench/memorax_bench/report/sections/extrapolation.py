"""How far beyond its training does a torso reach? The score of the trained agent where the task asks for more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from memorax_bench import stats
from memorax_bench.records.pooling import Pool
from memorax_bench.report.frame import Frame
from memorax_bench.report.ranking import interval_settings
from memorax_bench.report.render import MISSING, estimate_text, numbers
from memorax_bench.report.sections.section import Section, entry_columns
from memorax_bench.report.tables import Row, Table

TRAINED = "as trained"
CAPTION = "normalised score of the final agents where they were trained and where they were not"
WORDS = (
    "The final agents are tested once in variants of their task, in which nothing is learnt: normalised scores, mean "
    "over the tasks of the family that have the variant, with the bounds of the variant."
)


@dataclass(frozen=True)
class Tested:
    """The agents of one cell: normalised scores of the seeds, and their mean's estimate, by where they were tested,
    `TRAINED` first. Empty where the cell was not run."""

    task: str
    family: str
    row: Row
    scores: Mapping[str, np.ndarray]
    estimates: Mapping[str, stats.Estimate]


def extrapolation_section(table: Table, frame: Frame) -> Section | None:
    """The section, None where the suite's chosen tasks do not extrapolate or none of them was run."""
    found = tested(table)
    if not any(one.scores for one in found):
        return None
    labels = labels_of(table)
    groups: dict[tuple[str, str, str], list[Tested]] = {}
    for one in found:
        groups.setdefault((one.family, one.row.algorithm, one.row.torso), []).append(one)
    families = list(dict.fromkeys(one.family for one in found))
    ordered = sorted(groups.values(), key=lambda group: families.index(group[0].family))
    return Section(
        name="extrapolation",
        title="Extrapolation",
        caption=CAPTION,
        words=WORDS,
        header=("family", *entry_columns(table), *labels, ""),
        body=tuple(
            (
                group[0].family,
                *entry_columns(table, group[0].row),
                *(_cell(table, group, label) for label in labels),
                group[0].row.role or "",
            )
            for group in ordered
        ),
        rows=[_csv(one, label) for one in found for label in one.estimates],
        save=partial(_save, table, frame, found),
        spoken=True,
    )


def labels_of(table: Table) -> tuple[str, ...]:
    """`TRAINED` and every variant's label, in the suite's order."""
    chosen = {task for task, *_ in table.pools}
    tasks = [task for label, task in table.suite.tasks.items() if label in chosen]
    return tuple(dict.fromkeys([TRAINED, *(name for task in tasks for name in task.extrapolate or {})]))


def tested(table: Table) -> tuple[Tested, ...]:
    """In the order of the table's rows, then of the suite's tasks."""
    settings = interval_settings(table.suite)
    found = []
    for row in table.rows:
        for task, pool in table.pools_by_row[row.algorithm, row.torso].items():
            if pool.cell.task.extrapolate and pool.cell.role != "oracle":
                scores = _scores(table, pool)
                estimates = {label: stats.mean_interval(values, **settings) for label, values in scores.items()}
                found.append(Tested(task, pool.cell.task.family, row, scores, estimates))
    return tuple(found)


def _scores(table: Table, pool: Pool) -> dict[str, np.ndarray]:
    """Of the runs of a cell; a seed that diverged counts as the hard minimum, there as here."""
    if not pool.runs:
        return {}
    scores, task = {TRAINED: table.scores[pool.cell.labels]}, pool.cell.task
    for label in task.extrapolate:
        there = task.bounded(label)
        raw = [run.record.results.extrapolation[label][run.record.seeds.index(run.seed)] for run in pool.runs]
        scores[label] = stats.normalise(stats.failed_as(raw, there.hard_min), there.floor, there.ceiling)
    return scores


def _cell(table: Table, group: Sequence[Tested], label: str) -> str:
    """Over the tasks that have the variant; a dash where one of them was not run, nothing where none has it."""
    asked = [one for one in group if label == TRAINED or label in table.suite.tasks[one.task].extrapolate]
    if not asked:
        return ""
    if any(label not in one.scores for one in asked):
        return MISSING
    return estimate_text(
        stats.estimate({one.task: one.scores[label] for one in asked}, **interval_settings(table.suite))
    )


def _csv(one: Tested, label: str) -> dict[str, object]:
    line: dict[str, object] = {"task": one.task, "family": one.family, "algorithm": one.row.algorithm}
    line |= {"torso": one.row.torso, "role": one.row.role or "", "tested": label, "n": one.estimates[label].n}
    return line | numbers("score", one.estimates[label])


def _save(table: Table, frame: Frame, found: tuple[Tested, ...], stem: Path):
    from memorax_bench.report.figures import extrapolation  # matplotlib

    return extrapolation.save_extrapolation(table, frame, found, labels_of(table), stem)
