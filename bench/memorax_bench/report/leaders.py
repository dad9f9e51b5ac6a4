"""The first of a ranking, narrow enough for a terminal: no column for each task, no row for everybody."""

from collections import Counter
from collections.abc import Sequence

from memorax_bench.report.render import UNDEFINED, aligned, caption, estimate_text, magnitude, number
from memorax_bench.report.sections.ranking import p_best_text, rank_text
from memorax_bench.report.sections.section import entry_columns
from memorax_bench.report.standings import Standing, baseline_of
from memorax_bench.report.tables import Table

MEASURES = ("rank", "mean", "P(best)", "gain", "solved", "steps/s", "torso params", "state B", "")


def leaders_text(table: Table, found: Sequence[Standing], top: int) -> str:
    """The caption, then of each algorithm the `top` first rows, and below them its baseline and its controls."""
    if not found:
        return f"{table.label}: no row has every ranked task yet"
    first, *rest = MEASURES
    header = [first, *entry_columns(table), *rest]
    seen = Counter[str]()  # algorithm -> rows so far, best first
    chosen = []
    for one in found:
        seen[one.row.algorithm] += 1
        if seen[one.row.algorithm] <= top or one.row.role or _is_baseline(table, one):
            chosen.append(one)
    body = aligned(header, [_line(table, one) for one in chosen])
    untold = f"\n and {len(found) - len(chosen)} more" if len(found) > len(chosen) else ""
    return f"{table.label}  {caption(table)}\n{body}{untold}"


def _is_baseline(table: Table, standing: Standing) -> bool:
    return standing.row.torso == baseline_of(table)


def _line(table: Table, standing: Standing) -> list[str]:
    row = standing.row
    return [
        rank_text(standing.rank),
        *entry_columns(table, row),
        estimate_text(standing.mean),
        p_best_text(standing.rank),
        UNDEFINED if row.gain is None else number(row.gain),
        f"{row.solved}/{table.families}",
        magnitude(row.steps_per_s or 0.0),
        magnitude(max(row.torso_parameters)),
        f"{max(row.state_bytes):,}",
        row.role or "baseline" * _is_baseline(table, standing),
    ]
