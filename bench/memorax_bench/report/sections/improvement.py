"""Is it better than the baseline? How often a run is, and by how much the mean is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from memorax_bench import stats
from memorax_bench.report.frame import Frame
from memorax_bench.report.sections.ranking import standing_row
from memorax_bench.report.sections.section import Section
from memorax_bench.report.standings import Standing, baseline_of, significant
from memorax_bench.report.tables import Table

WORDS = (
    "Left, the probability that a run is better than one of {baseline} in the same task, ties counting half: how often "
    "it is better, not by how much. Right, the difference of the family-weighted means. Filled where the difference is "
    "significant{adjusted}; an interval that excludes the line is no such claim, as many are looked at."
)


@dataclass(frozen=True)
class Improvement:
    """What the figure draws of one row: `better` is a probability, `difference` one of normalised scores."""

    name: str
    torso: str
    better: stats.Estimate
    difference: stats.Difference
    significant: bool


def improvement_section(table: Table, frame: Frame, found: Sequence[Standing]) -> Section | None:
    """The section, None where the suite names no baseline or nothing can be compared with it."""
    compared = [standing for standing in found if standing.difference is not None]
    if not compared:
        return None
    ranking = table.suite.rankings.torsos
    adjusted = " after Holm's correction" if ranking is not None and ranking.correction == "holm" else ""
    return Section(
        name="improvement",
        title=f"Against {baseline_of(table)}",
        caption=f"how often a run is better than one of {baseline_of(table)}, and by how much the mean is",
        words=WORDS.format(baseline=baseline_of(table), adjusted=adjusted),
        rows=[_csv(table, standing) for standing in compared],
        save=partial(_save, frame, baseline_of(table), _drawn(table, frame, compared)),
    )


def _drawn(table: Table, frame: Frame, compared: Sequence[Standing]) -> tuple[Improvement, ...]:
    shown = frame.rows([standing.row for standing in compared])
    return tuple(
        Improvement(
            frame.name(standing.row.algorithm, standing.row.torso),
            standing.row.torso,
            standing.improvement,
            standing.difference,
            significant(table, standing),
        )
        for standing in compared
        if standing.row in shown
    )


def _csv(table: Table, standing: Standing) -> dict[str, object]:
    row = standing_row(table, standing)
    kept = ("algorithm", "torso", "n", "baseline", "difference", "difference_low", "difference_high", "p", "p_adjusted")
    line = {name: row[name] for name in (*kept, "p_better", "p_better_low", "p_better_high")}
    return line | {"significant": significant(table, standing)}


def _save(frame: Frame, baseline: str, drawn: tuple[Improvement, ...], stem: Path):
    from memorax_bench.report.figures import improvement  # matplotlib

    return improvement.save_improvement(frame, baseline, drawn, stem)
