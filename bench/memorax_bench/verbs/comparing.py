"""The verb `compare`: two versions of results, suite by suite."""

from pathlib import Path

from memorax_bench import errors
from memorax_bench.comparing.differences import Comparison, compare_suite
from memorax_bench.comparing.sides import Side, read_side
from memorax_bench.errors import UsageProblems
from memorax_bench.suite.load import ResolvedSuite, load_suite, shipped_suites
from memorax_bench.verbs import comparing_screen as screens


def compare_results(
    a: str, b: str, given: ResolvedSuite | None, chosen: bool, results: Path, margin: float, markdown: Path | None
) -> int:
    """Shows how B differs from A and returns the exit code. `given`: only this suite, and of it, where `chosen`, only
    its cells."""
    with read_side(a, results) as first, read_side(b, results) as second:
        found, lost = _compared(first, second, given, chosen)
    regressions = [name for comparison in found for name in comparison.regressions(margin)]
    measured = any(comparison.cells for comparison in found)
    code = errors.EXIT_REGRESSION if regressions else errors.EXIT_OK if measured else errors.EXIT_NOTHING_MEASURED
    names, said = (first.name, second.name), screens.summary(found, regressions, code)
    if markdown is not None:
        markdown.write_text(screens.markdown(names, found, lost, margin, said), encoding="utf-8")
    print(f"{screens.text(names, found, lost, margin)}\n{said}")
    return code


def _compared(a: Side, b: Side, given: ResolvedSuite | None, chosen: bool) -> tuple[list[Comparison], list[str]]:
    """The comparisons, and of the suites that are not compared, why."""
    found: list[Comparison] = []
    lost = [f"no record in {name}, {side.name}" for name, side in (("A", a), ("B", b)) if not side.scans]
    if lost:
        return found, lost
    cells = frozenset(cell.labels for cell in given.cells) if given is not None and chosen else None
    for label in sorted({*a.scans, *b.scans} if given is None else {given.label}):
        missing = [name for name, side in (("A", a), ("B", b)) if label not in side.scans]
        suite = given or _suite_of(label)
        if missing:
            lost.append(f"{label}: no record in {' and '.join(missing)}")
        elif suite is None:
            lost.append(f"{label}: no suite of this name is known here: give its file, suite=FILE")
        else:
            found.append(compare_suite(suite, *(side.scans[label] for side in (a, b)), cells))
    return found, lost


def _suite_of(label: str) -> ResolvedSuite | None:
    """The shipped suite whose results have that label."""
    name = label.partition("@")[0]
    try:
        suite = load_suite(name) if name in shipped_suites() else None
    except UsageProblems:
        return None
    return suite if suite is not None and suite.label == label else None
