"""Does a task need memory? What is earned without memory, with everything shown, and by the best memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from memorax_bench import stats
from memorax_bench.report.frame import Frame
from memorax_bench.report.render import MISSING, UNDEFINED, estimate_text, number, numbers
from memorax_bench.report.sections.section import Section
from memorax_bench.report.tables import Table

CAPTION = "without memory, with everything shown, and with the best memory; normalised scores"
HEADER = ("control", "score", "oracle", "best torso", "score", "gain", "needs memory")
WORDS = (
    "The better control has no memory; the oracle has none either, and is shown what the task hides. Needs memory: yes "
    f"where the oracle's interval lies above the control's by {number(stats.NEED_FOR_MEMORY)}, no where no values in "
    "the two intervals lie that far apart, else unclear. Gain: (best torso - control) / (oracle - control), where "
    "memory is needed. Normalised scores; the best torso is the best of several, which flatters it."
)


@dataclass(frozen=True)
class Named:
    """An entry's estimate."""

    torso: str
    estimate: stats.Estimate


@dataclass(frozen=True)
class Need:
    """One task under one algorithm; None where nothing was run."""

    task: str
    family: str
    algorithm: str
    control: Named | None
    oracle: Named | None
    best: Named | None

    @property
    def verdict(self) -> str | None:
        """Whether memory is needed: `yes`, `no`, `unclear`; None where control or oracle is missing.

        An oracle that a memory beats has not learnt its task and shows nothing.
        """
        if self.control is None or self.oracle is None:
            return None
        control, oracle = self.control.estimate, self.oracle.estimate
        if stats.needs_memory(control.high, oracle.low):
            return "yes"
        room = stats.needs_memory(control.low, oracle.high)
        known = control.low <= control.high and oracle.low <= oracle.high  # not so without an interval
        return "no" if known and not room and not self.oracle_beaten else "unclear"

    @property
    def oracle_beaten(self) -> bool:
        """Whether the best torso's whole interval lies above the oracle's."""
        if self.oracle is None or self.best is None:
            return False
        return self.best.estimate.low > self.oracle.estimate.high

    @property
    def gain(self) -> float | None:
        """The share of what memory can add that the best torso reached; None where no need is shown."""
        if self.verdict != "yes" or self.best is None:
            return None
        control = self.control.estimate.value
        return (self.best.estimate.value - control) / (self.oracle.estimate.value - control)


def necessity_section(table: Table, frame: Frame) -> Section | None:
    """The section, None where the suite's chosen entries have no oracle or no oracle was run."""
    found = needs(table)
    if not any(need.oracle for need in found):
        return None
    several = len({need.algorithm for need in found}) > 1
    return Section(
        name="necessity",
        title="Memory necessity",
        caption=CAPTION,
        words=WORDS,
        header=("task", *(["algorithm"] * several), *HEADER),
        body=tuple(_line(need, several) for need in found),
        rows=[_csv(need) for need in found],
        save=partial(_save, table, frame, found),
        spoken=True,
        remarks=tuple(_remarks(found)),
    )


def needs(table: Table) -> tuple[Need, ...]:
    """In the suite's order, of the chosen tasks with a ceiling."""
    measured: dict[tuple[str, str, str | None], list[Named]] = {}
    for row in table.rows:
        for task in table.pools_by_row[row.algorithm, row.torso]:
            found = table.estimates.get((task, row.algorithm, row.torso))
            if found is not None:
                measured.setdefault((task, row.algorithm, row.role), []).append(Named(row.torso, found))

    def best(task: str, algorithm: str, role: str | None) -> Named | None:
        return max(measured.get((task, algorithm, role), ()), key=lambda named: named.estimate.value, default=None)

    chosen = dict.fromkeys((task, algorithm) for task, algorithm, _ in table.pools)
    return tuple(
        Need(task, table.suite.tasks[task].family, algorithm, *(best(task, algorithm, r) for r in ROLES))
        for task, algorithm in chosen
        if table.suite.tasks[task].ceiling is not None
    )


ROLES = ("control", "oracle", None)


def _remarks(found: Sequence[Need]):
    for need in found:
        if need.verdict == "no":
            yield f"{need.task} does not need memory: {need.control.torso} comes as far as the oracle"
        if need.oracle_beaten:
            yield f"{need.task}: {need.best.torso} earns more than the oracle, which has not learnt the task"


def _line(need: Need, several: bool) -> tuple[str, ...]:
    text = lambda named: MISSING if named is None else estimate_text(named.estimate)  # noqa: E731
    name = lambda named: MISSING if named is None else named.torso  # noqa: E731
    gain = UNDEFINED if need.gain is None else number(need.gain)
    entries = (name(need.control), text(need.control), text(need.oracle), name(need.best), text(need.best))
    return (need.task, *([need.algorithm] * several), *entries, gain, need.verdict or MISSING)


def _csv(need: Need) -> dict[str, object]:
    line: dict[str, object] = {"task": need.task, "family": need.family, "algorithm": need.algorithm}
    for role, named in (("control", need.control), ("oracle", need.oracle), ("best", need.best)):
        line |= {f"{role}_torso": named.torso if named else None}
        line |= numbers(role, named.estimate if named else None)
        line |= {f"{role}_n": named.estimate.n if named else 0}
    return line | {"gain": need.gain, "needs_memory": need.verdict}


def _save(table: Table, frame: Frame, found: tuple[Need, ...], stem: Path):
    from memorax_bench.report.figures import necessity  # matplotlib

    return necessity.save_necessity(table, frame, found, stem)
