"""What `perf` shows: a table of each tier that has something to say, and one line that says how it ended."""

import math
from collections.abc import Iterable, Sequence

from memorax_bench import errors
from memorax_bench.alignment import columns
from memorax_bench.perf import expected, pairs
from memorax_bench.perf.expected import Difference
from memorax_bench.perf.gate import Counted, Outcome
from memorax_bench.perf.pairs import LEVEL, Ratio
from memorax_bench.perf.scores import Scored
from memorax_bench.perf.timing import Timed

_MEANING = {
    errors.EXIT_OK: "no regression",
    errors.EXIT_REGRESSION: "regression",
    errors.EXIT_NOTHING_MEASURED: "not measurable",
}


def text(outcome: Outcome) -> str:
    """Everything there is to show, ending with the summary."""
    parts = [_counted(outcome.counted)] if outcome.counted else []
    parts += [_timed(outcome.timed)] if outcome.timed else []
    parts += [_scored(outcome.scored)] if outcome.scored else []
    return "\n\n".join([*parts, *outcome.lost, summary(outcome)])


def summary(outcome: Outcome) -> str:
    """`no regression: 95 programs counted, 9 timed (exit 0)`."""
    code = outcome.exit_code
    named = outcome.regressions or outcome.unmeasured
    what = ", ".join(name.partition("\n")[0] for name in named) if named else _seen(outcome)
    also = f"; not measurable: {len(outcome.unmeasured)}" if outcome.regressions and outcome.unmeasured else ""
    return f"{_MEANING[code]}: {what}{also} (exit {code})"


def _seen(outcome: Outcome) -> str:
    counted = f"{_number(outcome.counted.programs, 'program')} counted" if outcome.counted else ""
    timed = f"{_number(len(outcome.timed), 'program')} timed in turns" if outcome.timed else ""
    scored = f"{_number(len(outcome.scored), 'learner')} compared" if outcome.scored else ""
    return ", ".join(filter(None, (counted, timed, scored)))


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


# --- tier 1 ---


def _counted(counted: Counted) -> str:
    said = counted.why or f"{'not ' if counted.differences else ''}as {expected.FILE} says"
    parts = [f"{_number(counted.programs, 'program')} counted, jaxlib {counted.jaxlib}: {said}"]
    if counted.differences:
        parts.append(columns(_difference_rows(counted.differences)))
    if any(difference.verdict != expected.MORE for difference in counted.differences):
        parts.append(f"renew {expected.FILE} and review it: {expected.WRITE}")
    if counted.revised:
        parts.append(f"{expected.FILE} itself says otherwise than at base:")
        parts.append(columns(_difference_rows(counted.revised)))
    return "\n".join(parts)


def _difference_rows(found: Iterable[Difference]) -> list[tuple[str, ...]]:
    rows = [
        (
            d.program,
            d.counter.replace("_", " "),
            _count(d.expected),
            _count(d.found),
            f"{d.found / d.expected:.2f}x" if d.expected and d.found is not None else "-",
            d.verdict,
        )
        for d in found
    ]
    return [("program", "counter", "expected", "found", "change", "verdict"), *rows]


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.6g}" if value != int(value) else f"{int(value):,}"


# --- tier 2 ---


def _timed(rows: Sequence[Timed]) -> str:
    head = ("program", "base ms", "head ms", f"ratio [{LEVEL:.0%}]", "pairs", "verdict")
    return columns([head, *(_timed_row(row) for row in rows)])


def _timed_row(row: Timed) -> tuple[str, ...]:
    why = f": {row.why.partition('\n')[0]}" if row.why else ""
    if row.ratio is None:
        return row.program, "-", "-", "-", "0", row.verdict + why
    ratio = row.ratio
    return (
        row.program,
        _milliseconds(row.base),
        _milliseconds(row.head),
        ratio_text(ratio),
        str(ratio.pairs),
        _verdict(ratio) + why,
    )


def ratio_text(ratio: Ratio) -> str:
    """`1.31 [1.28, 1.35]`."""
    return f"{ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def _verdict(ratio: Ratio) -> str:
    """With the width where it is the interval that decides nothing."""
    width = f" of a slowdown, {ratio.high - ratio.low:.0%} wide" if ratio.verdict == pairs.UNCLEAR else ""
    return ratio.verdict + width


def _milliseconds(seconds: float) -> str:
    value = 1000 * seconds
    return f"{value:,.0f}" if value >= 100 else f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


# --- tier 3 ---


def _scored(rows: Sequence[Scored]) -> str:
    head = ("learner", "stored", "now", "drop", f"at least [{LEVEL:.0%}]", "seeds", "verdict")
    return columns([head, *(_scored_row(row) for row in rows)])


def _scored_row(row: Scored) -> tuple[str, ...]:
    numbers = (row.stored, row.found, row.drop, row.least_drop)
    why = f": {row.why}" if row.why else ""
    seeds = f"{row.seeds[0]}, {row.seeds[1]}"
    return row.cell, *("-" if value is None else f"{value:.2f}" for value in numbers), seeds, row.verdict + why


# --- for machines ---


def document(outcome: Outcome, base: str | None = None, head: str | None = None) -> dict:
    """The same as plain data, for `--json`: what has no number is null."""
    counted, timed = outcome.counted, outcome.timed
    return {
        "base": base,
        "head": head,
        "exit_code": outcome.exit_code,
        "regressions": outcome.regressions,
        "unmeasured": outcome.unmeasured,
        "lost": outcome.lost,
        "counted": counted and {"jaxlib": counted.jaxlib, "programs": counted.programs, "why": counted.why},
        "differences": [{**vars(d), "verdict": d.verdict} for d in (counted.differences if counted else ())],
        "timed": timed and [_plain(row) for row in timed],
        "scored": outcome.scored and [vars(row) for row in outcome.scored],
    }


def _plain(row: Timed) -> dict:
    ratio = row.ratio and {k: v if math.isfinite(v) else None for k, v in vars(row.ratio).items()}
    return {**vars(row), "ratio": ratio, "verdict": row.verdict}
