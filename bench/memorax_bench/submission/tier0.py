"""Tier 0: everything that follows from the records themselves, computed anew. Nothing is executed."""

from collections.abc import Iterable, Iterator, Sequence

from memorax_bench.errors import UsageProblems
from memorax_bench.records.record import SuiteRef
from memorax_bench.submission.checks import CHECKS, Subject
from memorax_bench.submission.checks.between import between
from memorax_bench.submission.findings import Finding, finding
from memorax_bench.submission.reading import Found, Submission
from memorax_bench.suite.load import ResolvedSuite, load_suite, shipped_suites


def tier0(submission: Submission, given: Sequence[ResolvedSuite] = ()) -> tuple[Finding, ...]:
    """What is refused, each value named; empty where nothing is. `given` are suites that do not ship with this
    library, or with overrides of their frozen part."""
    known = known_suites((item.record.suite for item in submission.found), given)
    found = [*submission.findings]
    for item in submission.found:
        found += _of_record(item, known[item.record.suite])
    # What several say together is asked of records that are right each for itself.
    return tuple(found) or tuple(between(submission.found))


def known_suites(
    named: Iterable[SuiteRef], given: Sequence[ResolvedSuite] = ()
) -> dict[SuiteRef, ResolvedSuite | None]:
    """The suite behind each reference: that of the same frozen part where it is known, else that of the same name."""
    return {reference: _known(reference, given) for reference in dict.fromkeys(named)}


def _known(reference: SuiteRef, given: Sequence[ResolvedSuite]) -> ResolvedSuite | None:
    same: list[ResolvedSuite] = []
    for suites in (lambda: given, lambda: _shipped(reference.name)):
        same += [suite for suite in suites() if suite.name == reference.name]
        exact = [suite for suite in same if suite.benchmark_hash == reference.benchmark_hash]
        if exact:
            return exact[0]
    return same[0] if same else None


def _shipped(name: str) -> tuple[ResolvedSuite, ...]:
    """The suite of that name that ships; none where it cannot be read in this place."""
    try:
        return (load_suite(name),) if name in shipped_suites() else ()
    except UsageProblems:
        return ()


def _of_record(item: Found, suite: ResolvedSuite | None) -> Iterator[Finding]:
    subject = Subject(item.record, item.rows, suite)
    for check in CHECKS:
        try:
            yield from [finding(item.place, leaf, why) for leaf, why in check(subject)]
        except Exception as error:  # what was sent must not end this: what cannot be checked is refused
            yield finding(item.place, "", f"cannot be checked: {type(error).__name__}: {error}")
