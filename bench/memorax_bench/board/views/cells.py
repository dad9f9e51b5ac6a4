"""Cells that several pages have."""

import math

from memorax_bench import stats
from memorax_bench.board import charts, links, words
from memorax_bench.board.grids import Cell
from memorax_bench.board.rankings import Entry, Ranking
from memorax_bench.report.render import FAILED_MARK, MISSING
from memorax_bench.report.sections.ranking import FEW_MARK
from memorax_bench.report.tables import TableCell
from memorax_bench.stats import FEW_SEEDS


def missing(look: str = "") -> Cell:
    """Nothing was measured."""
    return Cell(MISSING, look=look)


def entry_cell(page: str, ranking: Ranking, entry: Entry) -> Cell:
    """The name of a row, with a link to its page, and why it has no rank."""
    several = len({other.name[0] for other in ranking.entries}) > 1
    text = "/".join(entry.name) if several else entry.name[1]
    href = links.relative(page, links.entry(ranking, entry.name))
    tags = (entry.row.role,) if entry.row.role else ()
    return Cell(text, text, href=href, tags=tags, header=True)


def estimate_cell(estimate: stats.Estimate | None, look: str = "", failed: int = 0) -> Cell:
    """A score with its interval."""
    if estimate is None:
        return missing(look)
    text = words.value(estimate.value) + FAILED_MARK * (failed > 0)
    return Cell(text, estimate.value, words.brackets(estimate), look=look)


def bar_cell(estimate: stats.Estimate | None, domain: charts.Interval) -> Cell:
    """The same with a picture of it."""
    if estimate is None:
        return missing()
    return Cell(
        words.value(estimate.value),
        estimate.value,
        words.brackets(estimate),
        charts.bar(estimate, domain),
        look="score",
    )


def difference_cell(difference: stats.Difference, domain: charts.Interval) -> Cell:
    """A difference with its interval and a picture; one whose interval leaves out 0 stands out."""
    return Cell(
        words.signed(difference.value),
        difference.value,
        words.brackets(difference, words.signed),
        charts.bar(difference, domain, (0.0,)),
        look=f"score {'shown' if is_shown(difference) else 'open'}",
    )


def is_shown(difference: stats.Difference) -> bool:
    """Whether the interval of a difference leaves out 0."""
    return math.isfinite(difference.low) and (difference.low > 0 or difference.high < 0)


def family_cell(cell: TableCell) -> Cell:
    """A score as the report's table has it, missing or not applicable."""
    if cell.estimate is None:
        return Cell("n/a", look="muted") if cell.state == "n/a" else missing()
    return estimate_cell(cell.estimate, failed=cell.failed)


def seeds_cell(low: int, high: int) -> Cell:
    """How many seeds, marked where they are few."""
    return Cell(words.span(low, high) + FEW_MARK * (low < FEW_SEEDS), low)


def gates_cell(entry: Entry) -> Cell:
    """How many gates were passed."""
    gates = entry.row.gates
    passed = sum(gates.values())
    return Cell(f"{passed}/{len(gates)}", passed - len(gates), look="" if entry.sound else "bad")


def commit_text(commit: str | None, dirty: str | None) -> str:
    """`01234567`, with what differed from it."""
    return f"{commit[:8] if commit else 'unknown'}{' + local changes' if dirty else ''}"


def commits_of(entry: Entry) -> str:
    """The commits behind an entry."""
    return ", ".join(sorted({commit_text(r.code.commit, r.code.dirty_sha256) for r in entry.records}))
