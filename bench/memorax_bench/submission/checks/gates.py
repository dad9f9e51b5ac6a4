"""Gates: all that the harness measures, none other, and none passed with an error that is too large."""

from memorax_bench.records.gates import REPLAY, TOLERANCES
from memorax_bench.submission.checks.subject import Subject, section
from memorax_bench.submission.findings import Said
from memorax_bench.suite.catalogue import load_catalogue


def gates(subject: Subject) -> Said:
    """What is not measured is not passed."""
    given = subject.record.gates
    spec = load_catalogue().algorithms.get(str(section(subject.config, "algorithm").get("type")))
    optional = {REPLAY} if spec is None else set()  # a user's own algorithm may replay or not
    due = set(TOLERANCES) - ({REPLAY} if spec is not None and not spec.replays else set())
    for name in sorted((due - optional) - given.keys()):
        yield f"gates.{name}", "missing"
    for name in sorted(given.keys() - due):
        yield f"gates.{name}", "no gate of such an algorithm"
    for name in sorted(given.keys() & due):
        gate, allowed = given[name], TOLERANCES[name]
        if gate.max_rel is not None and gate.max_rel < 0:
            yield f"gates.{name}.max_rel", f"{gate.max_rel}: an error is not negative"
        elif gate.passed != (gate.max_rel is not None and gate.max_rel <= allowed):
            leaf = "pass" if gate.max_rel is None or gate.passed else "max_rel"
            verdict = "passed" if gate.passed else "not passed"
            yield f"gates.{name}.{leaf}", f"{verdict} with an error of {gate.max_rel}; allowed are {allowed:g}"
