"""How much depends on the learning rate? On the track lr4 every entry was tried at four of them."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from memorax_bench.report.frame import Frame
from memorax_bench.report.render import number
from memorax_bench.report.sections.section import Section
from memorax_bench.report.tables import Table
from memorax_bench.suite.choices import rate_text
from memorax_bench.suite.schema import Tuned, Tuning
from memorax_bench.suite.tracks import TIE, entry_name

WORDS = (
    "The score of every entry at every learning rate that was tried: the normalised area under the learning curve, "
    "{reading}. The best was chosen, before the suite was run and from nothing else; of those less than {tie:g} apart "
    "the one that the algorithm has anyway, else the smallest. Spread: the best less the worst, which is what a bad "
    "choice costs. Edge: the one chosen is the first or the last, so that one beyond it may be better."
)
EDGE = "edge"


def sensitivity_section(table: Table, frame: Frame) -> Section | None:
    """The section, None where the suite's entries are not on the track lr4 or none of those shown was tuned."""
    entries = table.suite.entries
    if entries.track != "lr4" or entries.tuning is None:
        return None
    names = [entry_name(row.algorithm, row.torso) for row in table.rows]
    tuned = {name: entries.tuned[name] for name in names if name in entries.tuned}
    if not tuned:
        return None
    header, body = sensitivity_grid(tuned)
    return Section(
        name="sensitivity",
        title="Sensitivity to the learning rate",
        caption=f"normalised area under the learning curve, {reading(entries.tuning)}",
        words=WORDS.format(reading=reading(entries.tuning), tie=TIE),
        header=tuple(header),
        body=tuple(map(tuple, body)),
        rows=sensitivity_rows(tuned),
        save=partial(_save, frame, tuned, entries.tuning),
        spoken=True,
    )


def reading(tuning: Tuning) -> str:
    """What a score is the mean of: `the mean over the tasks of tuning@1 and 2 seeds`."""
    return f"the mean over the tasks of {tuning.suite} and {len(tuning.seeds)} seeds"


def sensitivity_grid(tuned: Mapping[str, Tuned]) -> tuple[list[str], list[list[str]]]:
    """Header and cells: an entry a line, a learning rate a column."""
    rates = list(next(iter(tuned.values())).scores)
    header = ["entry", *map(rate_text, rates), "chosen", "spread", ""]
    body = []
    for name, one in tuned.items():
        scores = [number(one.scores[rate]) for rate in rates]
        body.append([name, *scores, rate_text(one.learning_rate), number(spread(one)), EDGE if at_edge(one) else ""])
    return header, body


def sensitivity_rows(tuned: Mapping[str, Tuned]) -> list[dict[str, object]]:
    """For the CSV: a score a line."""
    rows = []
    for name, one in tuned.items():
        algorithm, _, torso = name.partition("/")
        for rate, score in one.scores.items():
            line = {"algorithm": algorithm, "torso": torso, "learning_rate": rate, "score": score}
            rows.append({**line, "chosen": rate == one.learning_rate})
    return rows


def spread(one: Tuned) -> float:
    """What lies between the best and the worst learning rate."""
    return max(one.scores.values()) - min(one.scores.values())


def at_edge(one: Tuned) -> bool:
    """Whether no learning rate was tried on one side of the best."""
    return one.learning_rate in (min(one.scores), max(one.scores))


def _save(frame: Frame, tuned: Mapping[str, Tuned], tuning: Tuning, stem: Path):
    from memorax_bench.report.figures import sensitivity  # matplotlib

    return sensitivity.save_sensitivity(frame, tuned, reading(tuning), stem)
