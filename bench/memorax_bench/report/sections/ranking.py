"""Who is ahead: the mean that ranks, and beside it what it could hide: other aggregates, ranks, differences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from memorax_bench import stats
from memorax_bench.report.frame import Frame
from memorax_bench.report.render import MISSING, estimate_text, number, numbers
from memorax_bench.report.sections.section import Section, entry_columns
from memorax_bench.report.standings import Standing, baseline_of, significant
from memorax_bench.report.tables import Table

SIGNIFICANT = "*"
WORDS = (
    "Over the ranked tasks, a family of tasks having one vote. mean: what ranks, with its bootstrap interval; t: the "
    "same with Student's interval, which covers what it says with few seeds where the bootstrap's is too narrow. IQM: "
    "interquartile mean; gap: optimality gap, what is missing up to 1 where no task makes up for another. rank: of the "
    "ranked rows of an algorithm, with the interval of its rank over resamples of all of them; P(best): in how many of "
    "them it is the first."
)
BASELINE = (
    "to {baseline}: the difference of the means, with its interval; p: two-sided{adjusted}; "
    f"{SIGNIFICANT}: below {{alpha:g}}."
)
FEW = f"‡: fewer than {stats.FEW_SEEDS} seeds; bootstrap intervals of so few are narrower than they say."
FEW_MARK = "‡"


@dataclass(frozen=True)
class Aggregates:
    """What the figure draws of one row: the statistics, in the order of `STATISTICS`, and whether it is ranked."""

    name: str
    torso: str
    ranked: bool
    estimates: tuple[stats.Estimate, ...]


STATISTICS = ("Mean \u2191", "IQM \u2191", "Median \u2191", "Optimality gap \u2193")  # where better is


def ranking_section(table: Table, frame: Frame, found: Sequence[Standing]) -> Section | None:
    """The section, None where no row has a score in every ranked task."""
    if not found:
        return None
    return Section(
        name="ranking",
        title="Ranking",
        caption="over the ranked tasks, families weighing the same",
        words=_words(table, found),
        header=_header(table, found),
        body=tuple(_line(table, found, standing) for standing in found),
        rows=[standing_row(table, standing) for standing in found],
        save=partial(_save, frame, _drawn(frame, found)),
    )


def standing_row(table: Table, standing: Standing) -> dict[str, object]:
    """Everything that is known of a standing, for a CSV."""
    row, rank, difference = standing.row, standing.rank, standing.difference
    line: dict[str, object] = {"algorithm": row.algorithm, "torso": row.torso, "role": row.role or ""}
    line |= {"n": standing.mean.n, "rank": rank.rank if rank else None}
    line |= {"rank_low": rank.low if rank else None, "rank_high": rank.high if rank else None}
    line |= {"p_best": rank.p_best if rank else None, **numbers("mean", standing.mean)}
    line |= {"t_low": standing.t.low, "t_high": standing.t.high, **numbers("iqm", standing.iqm)}
    line |= {**numbers("median", standing.median), **numbers("optimality_gap", standing.gap)}
    line |= {"baseline": baseline_of(table) or "", **numbers("difference", difference)}
    line |= {"p": difference.p if difference else None, "p_adjusted": standing.p}
    return line | numbers("p_better", standing.improvement)


def p_text(p: float | None) -> str:
    """`.03`, `<.001`; a dash where it is not known."""
    if p is None or math.isnan(p):
        return MISSING
    if p < 0.001:
        return "<.001"
    return number(p) if p >= 0.0995 else f"{p:.3f}".removeprefix("0")


def difference_text(table: Table, standing: Standing) -> str:
    """`-.04 [-.07,-.01]*`; empty for the baseline itself."""
    if standing.difference is None:
        return "" if standing.row.torso == baseline_of(table) else MISSING
    return estimate_text(standing.difference) + SIGNIFICANT * significant(table, standing)


def _words(table: Table, found: Sequence[Standing]) -> str:
    ranking, words = table.suite.rankings.torsos, [WORDS]
    if any(standing.difference for standing in found) and ranking is not None:
        adjusted = ", adjusted by Holm for all rows of the algorithm" if ranking.correction == "holm" else ""
        alpha = round(1 - table.suite.scoring.interval.level, 9)
        words.append(BASELINE.format(baseline=ranking.baseline, adjusted=adjusted, alpha=alpha))
    return " ".join([*words, *([FEW] if any(standing.mean.n < stats.FEW_SEEDS for standing in found) else [])])


def _header(table: Table, found: Sequence[Standing]) -> tuple[str, ...]:
    header = ["rank", "P(best)"] * any(standing.rank for standing in found)
    header += [*entry_columns(table), "n", "mean", "t", "IQM", "median", "gap"]
    compared = any(standing.difference for standing in found)
    return (*header, *([f"to {baseline_of(table)}", "p", f"P(> {baseline_of(table)})"] if compared else []))


def _line(table: Table, found: Sequence[Standing], standing: Standing) -> tuple[str, ...]:
    cells = [rank_text(standing.rank), p_best_text(standing.rank)] * any(other.rank for other in found)
    cells += [*entry_columns(table, standing.row), f"{standing.mean.n}{FEW_MARK * (standing.mean.n < stats.FEW_SEEDS)}"]
    cells += [estimate_text(standing.mean), interval_only(standing.t)]
    cells += [estimate_text(one) for one in (standing.iqm, standing.median, standing.gap)]
    if any(other.difference for other in found):
        better = standing.improvement
        cells += [difference_text(table, standing), p_text(standing.p) if standing.difference else ""]
        cells.append(estimate_text(better) if better else "")
    return tuple(cells)


def rank_text(rank: stats.Rank | None) -> str:
    """`2 [1,4]`."""
    if rank is None:
        return MISSING
    return f"{rank.rank}" if math.isnan(rank.low) else f"{rank.rank} [{rank.low:.0f},{rank.high:.0f}]"


def p_best_text(rank: stats.Rank | None) -> str:
    """Two decimals."""
    return MISSING if rank is None or math.isnan(rank.p_best) else number(rank.p_best)


def interval_only(estimate: stats.Estimate) -> str:
    """`[.97,.99]`, of a value that stands beside it."""
    return MISSING if math.isnan(estimate.low) else f"[{number(estimate.low)},{number(estimate.high)}]"


def _drawn(frame: Frame, found: Sequence[Standing]) -> tuple[Aggregates, ...]:
    shown = frame.rows([standing.row for standing in found])
    return tuple(
        Aggregates(
            frame.name(standing.row.algorithm, standing.row.torso),
            standing.row.torso,
            standing.rank is not None,
            (standing.mean, standing.iqm, standing.median, standing.gap),
        )
        for standing in found
        if standing.row in shown
    )


def _save(frame: Frame, drawn: tuple[Aggregates, ...], stem: Path):
    from memorax_bench.report.figures import aggregates  # matplotlib

    return aggregates.save_aggregates(frame, drawn, STATISTICS, stem)
