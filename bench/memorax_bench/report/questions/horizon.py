"""How far back does a torso remember? The return against the length of what has to be remembered."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from memorax_bench import stats
from memorax_bench.report.questions.section import Section, entry_columns, pools_of
from memorax_bench.report.ranking import interval_settings
from memorax_bench.report.render import MISSING, estimate_text, number, numbers
from memorax_bench.report.tables import Row, Table, cell_scores

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


def horizon_section(table: Table) -> Section | None:
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
        save=partial(_save, table, found),
    )


def threshold(table: Table) -> float:
    """The score from which a length counts as remembered: the suite's, else the default."""
    written = table.suite.scoring.horizon_at
    return stats.HORIZON_AT if written is None else written


def curves(table: Table) -> tuple[Curve, ...]:
    """By family, in the suite's order, then in the order of the table's rows."""
    settings = interval_settings(table.suite)
    families = dict.fromkeys(task.family for task in table.suite.tasks.values() if task.horizon is not None)
    found = []
    for family in families:
        for row, pools in pools_of(table):
            scores: dict[int, stats.Estimate | None] = {}
            for pool in pools.values():
                task = pool.cell.task
                if task.family == family and task.horizon is not None:
                    scores[task.horizon] = stats.mean_interval(cell_scores(pool), **settings) if pool.runs else None
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


def _save(table: Table, found: tuple[Curve, ...], stem):
    from memorax_bench.report.questions import plots  # matplotlib

    return plots.save_horizon(table, found, threshold(table), stem)
