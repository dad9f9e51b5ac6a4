"""How far back does a torso remember? The return against the length of what has to be remembered."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from memorax_bench import stats
from memorax_bench.report.frame import Frame
from memorax_bench.report.render import MISSING, estimate_text, number, numbers
from memorax_bench.report.sections.section import Section, entry_columns
from memorax_bench.report.tables import Row, Table

WORDS = (
    "The horizon is the longest length, in steps between what has to be remembered and the action that needs it, such "
    "that it and every shorter length of the table has its whole interval at {threshold} or above; a length after one "
    "that falls below never counts. >=: nothing longer was tested, or is known; <: not even the shortest counts. "
    "Normalised scores by length. Where a control has a horizon, so much of the task needs no memory."
)


@dataclass(frozen=True)
class Curve:
    """The normalised mean of one row by length in one family; None where a length was chosen and not run."""

    family: str
    row: Row
    scores: Mapping[int, stats.Estimate | None]
    horizon: stats.MemoryHorizon


def horizon_section(table: Table, frame: Frame) -> Section | None:
    """The section, None where the suite's chosen tasks have no lengths or none of them was run."""
    found = curves(table)
    if not any(score for curve in found for score in curve.scores.values()):
        return None
    lengths = sorted({length for curve in found for length in curve.scores})
    return Section(
        name="horizon",
        title="Memory horizon",
        caption=f"steps; there and at every shorter length the interval is at {number(threshold(table))} or above",
        words=WORDS.format(threshold=number(threshold(table))),
        header=("family", *entry_columns(table), "horizon", *map(str, lengths), ""),
        body=tuple(
            (
                curve.family,
                *entry_columns(table, curve.row),
                horizon_text(curve),
                *(_cell(curve, length) for length in lengths),
                curve.row.role or "",
            )
            for curve in found
        ),
        rows=[_csv(curve, length, table) for curve in found for length in curve.scores],
        save=partial(_save, frame, found, threshold(table)),
        spoken=True,
    )


def threshold(table: Table) -> float:
    """The score from which a length counts as remembered: the suite's, else the default."""
    written = table.suite.scoring.horizon_at
    return stats.HORIZON_AT if written is None else written


def curves(table: Table) -> tuple[Curve, ...]:
    """By family, in the suite's order, then in the order of the table's rows."""
    families = dict.fromkeys(task.family for task in table.suite.tasks.values() if task.horizon is not None)
    found = []
    for family in families:
        for row in table.rows:
            scores: dict[int, stats.Estimate | None] = {}
            for label, pool in table.pools_by_row[row.algorithm, row.torso].items():
                task = pool.cell.task
                if task.family == family and task.horizon is not None:
                    scores[task.horizon] = table.estimates.get((label, row.algorithm, row.torso))
            if scores:
                reached = stats.memory_horizon(scores, threshold(table))
                found.append(Curve(family, row, dict(sorted(scores.items())), reached))
    return tuple(found)


def horizon_text(curve: Curve) -> str:
    """`8`; `>=32` where nothing longer was tested, `>=4 (8 not known)`, `<2`, a dash where nothing is known."""
    length, ended = curve.horizon.length, curve.horizon.ended
    if ended is None:
        return f">={length}"
    if not curve.horizon.known:
        return f">={length} ({ended} not known)" if length else MISSING
    return str(length) if length else f"<{ended}"


def _cell(curve: Curve, length: int) -> str:
    if length not in curve.scores:
        return ""
    score = curve.scores[length]
    return MISSING if score is None else estimate_text(score)


def _csv(curve: Curve, length: int, table: Table) -> dict[str, object]:
    score, row = curve.scores[length], curve.row
    line: dict[str, object] = {"family": curve.family, "algorithm": row.algorithm, "torso": row.torso}
    line |= {"role": row.role or "", "length": length, "n": score.n if score else 0}
    line |= numbers("score", score)
    line |= {"threshold": threshold(table), "horizon": curve.horizon.length}
    return line | {"horizon_is": "at least" if _open(curve) else "exact"}


def _open(curve: Curve) -> bool:
    return curve.horizon.ended is None or not curve.horizon.known


def _save(frame: Frame, found: tuple[Curve, ...], reached: float, stem: Path):
    from memorax_bench.report.figures import horizon  # matplotlib

    return horizon.save_horizon(frame, found, reached, stem)
