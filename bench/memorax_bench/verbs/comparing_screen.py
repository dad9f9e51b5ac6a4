"""What `compare` shows, and the same as Markdown for a pull request."""

import math
from collections.abc import Iterable, Sequence

from memorax_bench import errors
from memorax_bench.comparing.differences import REGRESSION, SAME, UNSHOWN, Compared, Comparison
from memorax_bench.comparing.speeds import Speed
from memorax_bench.report.markdown import pipes
from memorax_bench.report.render import MISSING, aligned, number

_LEFT = ("entry", "task", "verdict")
_MOST = 40  # cells that a terminal is to show
_MEANING = {
    errors.EXIT_OK: "no regression",
    errors.EXIT_REGRESSION: "regression",
    errors.EXIT_NOTHING_MEASURED: "nothing to compare",
}


def text(names: tuple[str, str], found: Sequence[Comparison], lost: Iterable[str], margin: float) -> str:
    """Everything, for a terminal."""
    parts = [f"A: {names[0]}   B: {names[1]}"]
    for one in found:
        parts.append(f"{one.label}  {caption(one)}\n {rule(one, margin)}")
        if one.cells:
            parts += [aligned(*_entries(one, margin)), *_cells_text(one, margin)]
        parts += [f" {note}" for note in _notes(one)]
    return "\n".join([*parts, *(f"not compared: {why}" for why in lost)])


def markdown(names: tuple[str, str], found: Sequence[Comparison], lost: Iterable[str], margin: float, said: str) -> str:
    """The same, for a comment on a pull request; `said` is the summary."""
    parts = [f"### {_escaped(names[0])} → {_escaped(names[1])}", f"**{_escaped(said)}**"]
    for one in found:
        parts += [f"#### {one.label}", _escaped(f"{caption(one)}; {rule(one, margin)}")]
        if one.cells:
            parts += [pipes(*_entries(one, margin), names=_LEFT)]
            parts += [_folded("By task", pipes(*_cells(one, margin), names=_LEFT))]
        notes = [f"- {_escaped(note)}" for note in _notes(one)]
        parts += [_folded("Notes", "\n".join(notes))] if notes else []
    parts += [f"- not compared: {_escaped(why)}" for why in lost]
    return "\n\n".join(parts) + "\n"


def caption(one: Comparison) -> str:
    """What the numbers are."""
    interval = one.suite.scoring.interval
    return f"normalised score at the last evaluation, B - A [{interval.level * 100:g}% {interval.method}]"


def rule(one: Comparison, margin: float) -> str:
    """When a difference counts."""
    among = f"{count(len(one.entries), 'entry')}, and over {count(len(one.cells), 'cell')}"
    return f"p by Holm over {among}; a regression: p < {one.alpha:.2g}, and B - A below -{margin:g}"


def summary(found: Sequence[Comparison], regressions: Sequence[str], code: int) -> str:
    """`no regression: 5 entries, 10 cells compared`."""
    cells, entries = (sum(len(getattr(one, name)) for one in found) for name in ("cells", "entries"))
    what = ", ".join(regressions) or f"{count(entries, 'entry')}, {count(cells, 'cell')} compared"
    return f"{_MEANING[code]}: {what}" + (f" (exit {code})" if code else "")


def count(number: int, what: str) -> str:
    """`1 entry`, `2 entries`."""
    return f"{number} {what if number == 1 else what.replace('entry', 'entrie') + 's'}"


def _cells_text(one: Comparison, margin: float) -> list[str]:
    """The cells; of many only those of which there is something to say."""
    head, body = _cells(one, margin)
    if len(body) <= _MOST:
        return [aligned(head, body)]
    told = [row for row in body if row[-1] not in (UNSHOWN, SAME)]
    rest = f" {len(body) - len(told)} cells more: {UNSHOWN}, or {SAME}"
    return [aligned(head, told), rest] if told else [rest]


def _entries(one: Comparison, margin: float) -> tuple[list[str], list[list[str]]]:
    head = ["entry", "tasks", "n", "A", "B", "B - A", "p", "speed", "verdict"]
    body = []
    for row in one.entries:
        name, tasks = f"{row.algorithm}/{row.torso}", f"{row.tasks[0]}/{row.tasks[1]}"
        if row.compared is None:
            body.append([name, tasks, *[MISSING] * 5, _speed(row.speed), "no ranked task in both"])
            continue
        scores = [number(row.compared.a), number(row.compared.b)]
        body.append([name, tasks, *_n(row.compared), *scores, *_difference(row.compared), _speed(row.speed)])
        body[-1].append(_verdict(row.compared, margin, one))
    return head, body


def _cells(one: Comparison, margin: float) -> tuple[list[str], list[list[str]]]:
    head = ["task", "entry", "n", "return A", "return B", "B - A", "p", "speed", "verdict"]
    body = []
    for row in one.cells:
        returns = [number(value) for value in row.returns]
        name = f"{row.task}{'*' * row.compared.raw}", f"{row.algorithm}/{row.torso}"
        body.append([*name, *_n(row.compared), *returns, *_difference(row.compared), _speed(row.speed)])
        body[-1].append(_verdict(row.compared, margin, one))
    return head, body


def _n(compared: Compared) -> list[str]:
    a, b = compared.seeds
    return [str(a) if a == b else f"{a}, {b}"]


def _difference(compared: Compared) -> list[str]:
    found = compared.difference
    if compared.same:
        return ["-", "-"]
    interval = f" [{number(found.low)},{number(found.high)}]" if math.isfinite(found.low) else ""
    p = compared.p
    return [f"{number(found.value)}{interval}", "-" if math.isnan(p) else f"{p:.3f}" if p >= 0.001 else "<.001"]


def _speed(speed: Speed) -> str:
    """Marked where it is no comparison."""
    return f"{speed.ratio:.2f}x{'?' * bool(speed.unlike)}"


def _verdict(compared: Compared, margin: float, one: Comparison) -> str:
    verdict = compared.verdict(margin, one.alpha)
    return verdict.upper() if verdict == REGRESSION else verdict


def _notes(one: Comparison) -> list[str]:
    """What the tables cannot say, one sentence each."""
    unlike: dict[str, list[str]] = {}
    for row in one.entries:
        for why in row.speed.unlike:
            unlike.setdefault(why, []).append(f"{row.algorithm}/{row.torso}")
    notes = [f"*{row.task}: no ceiling, so that raw returns are compared, and decide nothing" for row in _raw(one)]
    notes += [f"? speeds are no comparison of the code: {why} ({', '.join(who)})" for why, who in unlike.items()]
    notes += [f"not compared: {why}" for why in one.refused]
    for side, cells in zip("AB", one.only, strict=True):
        notes += [f"only in {side}: {', '.join(cells)}"] if cells else []
    return [*notes, *one.notes]


def _raw(one: Comparison) -> list:
    return list({row.task: row for row in one.cells if row.compared.raw}.values())


def _folded(title: str, inside: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{inside}\n\n</details>"


def _escaped(words: str) -> str:
    """Text that is no Markdown and no HTML."""
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), ("*", "\\*"), ("|", "\\|"), ("`", "\\`")):
        words = words.replace(sign, written)
    return words
