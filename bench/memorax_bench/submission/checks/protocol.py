"""The frozen part: task, protocol and budget of a record are those of its suite, leaf by leaf."""

from collections.abc import Mapping
from typing import Any

from memorax_bench.records.comparability import differences, dotted, shown
from memorax_bench.submission.checks.subject import Subject, section, whole
from memorax_bench.submission.findings import Said
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.schema import INPUTS

_OWN = ("inputs",)  # what of the protocol an entry chooses: a part of what it may see


def protocol(subject: Subject) -> Said:
    """`cell.config` against the suite, `comparable` against `cell.config`, steps against the budget."""
    record, config = subject.record, subject.config
    if subject.suite is not None:
        yield from _task(subject, subject.suite)
        yield from _protocol(subject, subject.suite)
    task, own = section(config, "task"), section(config, "protocol")
    comparable = record.comparable
    for name, said, due in (
        ("task_id", comparable.task_id, task.get("id")),
        ("task_version", comparable.task_version, task.get("task_version")),
    ):
        if said != due:
            yield f"comparable.{name}", f"{said}; the configuration says {shown(due)}"
    yield from _unlike("comparable.protocol", own, comparable.protocol, "the configuration")
    yield from _package(subject)
    total = whole(own.get("total_env_steps"))
    if total is not None and record.steps_done != total:
        yield "steps_done", f"{record.steps_done:,}; the budget is {total:,}"


def _task(subject: Subject, suite: ResolvedSuite) -> Said:
    """The task is the suite's; what an oracle is shown is for entries that the suite calls oracles."""
    cell = subject.record.cell
    if cell.task not in suite.suite.tasks:
        yield "cell.task", f"'{cell.task}' is no task of {suite.label}"
        return
    roles = {other.torso_label: other.role for other in suite.cells}
    oracle = roles.get(cell.torso) == "oracle"
    due = next(
        (
            other.config["task"]
            for other in suite.cells
            if other.task_label == cell.task and (other.role == "oracle") == oracle
        ),
        None,
    )
    if due is None:
        yield "cell.task", f"no entry of {suite.label} plays '{cell.task}' to compare with"
        return
    yield from _unlike("cell.config.task", due, section(subject.config, "task"), suite.label)


def _protocol(subject: Subject, suite: ResolvedSuite) -> Said:
    task = subject.task
    due = suite.suite.protocol.model_dump(mode="json", exclude={"min_seeds"})
    due["total_env_steps"] = (task and task.total_env_steps) or due["total_env_steps"]
    found = section(subject.config, "protocol")
    without = [{key: value for key, value in one.items() if key not in _OWN} for one in (due, found)]
    yield from _unlike("cell.config.protocol", *without, suite.label)
    allowed, inputs = due["inputs"], found.get("inputs")
    torso = section(subject.config, "torso").get("inputs")
    if inputs != torso:
        yield "cell.config.torso.inputs", f"{shown(torso)}; the protocol of the record says {shown(inputs)}"
    ordered = [name for name in INPUTS if isinstance(inputs, list) and name in inputs]
    if inputs != ordered or "observation" not in ordered or not set(ordered) <= set(allowed):
        yield (
            "cell.config.protocol.inputs",
            f"{shown(inputs)}; an entry may see {shown(allowed)}, the observation at least",
        )


def _package(subject: Subject) -> Said:
    """The package that the task comes from, in the version that the record lists."""
    record = subject.record
    known = load_catalogue().tasks.get(record.comparable.task_id)
    name, _, version = record.comparable.task_package.partition(" ")
    if known is not None and name != known.package:
        yield "comparable.task_package", f"{name}; {record.comparable.task_id} comes from {known.package}"
    elif record.versions.get(name, version) != version or not version:
        yield "comparable.task_package", f"{version or 'no version'}; the record lists {record.versions.get(name)}"


def _unlike(where: str, due: Mapping[str, Any], found: Mapping[str, Any], whose: str) -> Said:
    """The leaves in which two mappings differ; a truth value is no number."""
    for one in differences(_typed(dotted(due)), _typed(dotted(found))):
        second, first = (None if value is None else value[1] for value in (one.second, one.first))
        yield f"{where}.{one.field}", f"{shown(second)}; by {whose} it is {shown(first)}"


def _typed(flat: Mapping[str, Any]) -> dict[str, Any]:
    return {name: (isinstance(value, bool), value) for name, value in flat.items()}
