"""Identities: a record is what its hashes say, and says of itself whether it may rank."""

from memorax_bench.identity import run_id
from memorax_bench.records.rankable import why_not_rankable
from memorax_bench.records.record import Record
from memorax_bench.submission.checks.subject import Subject
from memorax_bench.submission.findings import Said
from memorax_bench.suite.load import ResolvedSuite

_WIDEST = 4096  # widths that are tried to find out whether the width was altered


def identities(subject: Subject) -> Said:
    """The suite is the one that is known by its name, `run_id` that of its parts, the reasons against ranking all."""
    record, suite = subject.record, subject.suite
    yield from _suite(record, suite)
    if record.run_id != _run_id(record, record.seed_batch):
        width = next((width for width in range(1, _WIDEST) if _run_id(record, width) == record.run_id), None)
        if width is not None:
            yield "seed_batch", f"{record.seed_batch}; the run_id is that of {width}"
        else:
            yield "run_id", "not that of its configuration, track, code, device kind, seeds, seed_batch, suite and task"
    if suite is not None:
        failed = [name for name, gate in record.gates.items() if not gate.passed]
        due = why_not_rankable(suite.version == 0, suite.frozen_changed, record.code.dirty_sha256 is not None, failed)
        if record.not_rankable_because != due:
            yield "not_rankable_because", f"{list(record.not_rankable_because)}; by the record it is {list(due)}"


def _suite(record: Record, suite: ResolvedSuite | None) -> Said:
    said = record.suite
    if suite is None:
        fix = "give the file that it was run with: suite=FILE, with the same overrides"
        yield "suite.name", f"no suite '{said.name}' is known here; {fix}"
        return
    if said.version != suite.version:
        yield "suite.version", f"{said.version}; {suite.name} is version {suite.version} here"
    if said.benchmark_hash != suite.benchmark_hash:
        known = f"{suite.label} has {suite.benchmark_hash[:8]}"
        fix = "another version, or overrides of the frozen part: give them as suite=NAME KEY=VALUE"
        yield "suite.benchmark_hash", f"{said.benchmark_hash[:8]}; {known}: {fix}"


def _run_id(record: Record, width: int) -> str:
    cell = record.cell
    return run_id(
        cell.config_hash,
        record.code.code_hash,
        record.numerics.device_kind,
        width,
        record.seeds,
        benchmark_hash=record.suite.benchmark_hash,
        task_label=cell.task,
        track=cell.track,
    )
