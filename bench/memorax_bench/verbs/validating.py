"""The verb `validate`: suites by their schema and the catalogue, records by their schema and their own hashes."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from memorax_bench.records.store import Store, StoredRecord, duplicate_seeds
from memorax_bench.suite.load import ResolvedSuite, load_suite, shipped_suites
from memorax_bench.suite.schema import Task


def validate_suites(asked: Sequence[ResolvedSuite] | None, results: Path) -> tuple[list[str], str]:
    """(problems of records, one line of what was checked). A suite that is wrong raises UsageProblems."""
    suites = asked if asked is not None else [load_suite(name) for name in shipped_suites()]
    problems: list[str] = []
    count = 0
    for suite in suites:
        scan = Store(results).scan(suite.label, own=False)
        count += len(scan.records)
        problems += [f"{bad.path}: {bad.reason}" for bad in (*scan.invalid, *scan.misplaced)]
        problems += duplicate_seeds(scan.records)
        problems += [f"{stored.path}: {problem}" for stored in scan.records for problem in _against(suite, stored)]
    names = ", ".join(suite.label for suite in suites)
    plural = lambda number, word: f"{number} {word}{'' if number == 1 else 's'}"  # noqa: E731
    return problems, f"{names}: valid; {plural(count, 'record')} checked, {plural(len(problems), 'problem')}"


def _against(suite: ResolvedSuite, stored: StoredRecord) -> list[str]:
    """What a valid record still may have wrong: its curves, its bounds."""
    record, problems = stored.record, []
    try:
        found = sha256(stored.path.with_name(record.results.curves.file).read_bytes()).hexdigest()
    except OSError as error:
        problems.append(f"its curves cannot be read: {error.strerror}")
    else:
        if found != record.results.curves.sha256:
            problems.append(f"{record.results.curves.file} is not the file that the record describes")
    task = suite.suite.tasks.get(record.cell.task)
    if task is not None:
        returns = [value for episodes in record.results.final_returns for value in episodes]
        problems += _outside(task, returns)
        for label, means in (record.results.extrapolation or {}).items():
            if label in (task.extrapolate or {}):
                problems += [f"extrapolation {label}: {text}" for text in _outside(task.bounded(label), means)]
    return problems


def _outside(task: Task, returns: Sequence[float | None]) -> list[str]:
    outside = [r for r in returns if r is not None and not task.hard_min - 1e-4 <= r <= task.hard_max + 1e-4]
    if not outside:
        return []
    limits = f"[{task.hard_min:g}, {task.hard_max:g}]"
    return [f"{len(outside)} returns outside {limits}, such as {outside[0]:g}: the task or its bounds are wrong"]
