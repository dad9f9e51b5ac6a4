"""What `board submit` and `board verify` show."""

from collections import Counter
from collections.abc import Iterable, Sequence

from memorax_bench.alignment import columns
from memorax_bench.records.pooling import seed_ranges
from memorax_bench.submission.contents import Held
from memorax_bench.submission.findings import Finding
from memorax_bench.submission.reading import Submission
from memorax_bench.submission.tier1 import FAILED, OTHER, REFUSED, SAME, WITHIN, Verdict
from memorax_bench.submission.tier2 import Standing
from memorax_bench.submission.words import printable

_SHOWN = 20  # findings of one record; the others are counted


def count(number: int, what: str) -> str:
    """`1 record`, `2 records`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def contents_text(held: Iterable[Held]) -> str:
    """A line for each entry."""
    rows = [("entry", "tasks", "seeds", "device", "ranks")]
    for one in held:
        there, needed = one.tasks
        ranks = f"no: {'; '.join(one.lacks)}" if one.lacks else "yes"
        name = f"{one.algorithm}/{one.torso}"
        rows.append((name, f"{there}/{needed}", one.seeds or "-", " + ".join(one.devices), ranks))
    return _indented(columns(rows))


def findings_text(submission: Submission, findings: Sequence[Finding]) -> str:
    """What is refused, record by record."""
    places: dict[str, list[Finding]] = {}
    for found in findings:
        places.setdefault(found.place, []).append(found)
    lines = []
    for place, own in places.items():
        lines += [f" {place or submission.name}", *(f"   {found}" for found in own[:_SHOWN])]
        lines += [f"   and {len(own) - _SHOWN} more"] * (len(own) > _SHOWN)
    return "\n".join(lines)


def traced_text(traced: Sequence[Verdict]) -> str:
    """How many records have the programs and costs of their configuration, and which do not."""
    counted = Counter(verdict.word for verdict in traced)
    parts = [
        f"{counted[SAME]} with the programs and costs of this code" if counted[SAME] else "",
        f"{counted[WITHIN]} with its costs, the programs of another jaxlib or device" if counted[WITHIN] else "",
        f"{counted[REFUSED]} refused" if counted[REFUSED] else "",
    ]
    lines = [f" tier 1: {count(len(traced), 'record')} traced: {', '.join(filter(None, parts)) or 'none compared'}"]
    lines += [f"   {v.item.place}: {printable(v.said)}" for v in traced if v.word in (OTHER, FAILED)]
    return "\n".join(lines)


def judged_text(judged: Sequence[Verdict], cells: int, seed: int) -> str:
    """What became of the cells that were run again."""
    rows = [("cell", "seeds", "run again")]
    for verdict in judged:
        record, said = verdict.item.record, printable(verdict.said)
        word = "" if verdict.word == OTHER else verdict.word
        name = f"{record.cell.task} {record.cell.algorithm}/{record.cell.torso}"
        rows.append((name, seed_ranges(record.seeds), ": ".join(filter(None, (word, said)))))
    head = f" tier 1: {len(judged)} of {count(cells, 'cell')} run again, drawn by --seed {seed}"
    return f"{head}\n{_indented(columns(rows))}"


def standings_text(found: Sequence[Standing], seeds: Sequence[int]) -> str:
    """Submitted and fresh scores of each entry."""
    rows = [("entry", "tasks", "submitted", "fresh", "p", "")]
    for one in found:
        verdict = "worse: refused" if one.refused else "stands"
        numbers = (f"{one.submitted:.3f}", f"{one.fresh:.3f}", f"{one.p:.2g}")
        rows.append((one.entry, ", ".join(one.tasks), *numbers, verdict))
    head = f" tier 2: fresh seeds {', '.join(map(str, seeds))}; scores from 0 to 1, the bounds of returns"
    return f"{head}\n{_indented(columns(rows))}"


def refused_values(findings: Iterable[Finding]) -> str:
    """How many values they are about."""
    return count(len({(found.place, found.leaf) for found in findings}), "value")


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines())
