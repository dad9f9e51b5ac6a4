"""The cells of a track: those of the suite, as they were run, and those that only records have, which others added."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from memorax_bench.errors import NotComparable
from memorax_bench.records.comparability import Difference, differences, dotted
from memorax_bench.records.record import Record
from memorax_bench.report.recorded import as_recorded
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite

_FREE = "protocol.inputs"  # what an agent is shown is its own choice, which keeps it from ranking
Labels = tuple[str, str, str]  # task, algorithm, torso


def with_recorded(
    resolved: ResolvedSuite, records: Iterable[Record], track: str, outsiders: bool = True
) -> ResolvedSuite:
    """The suite with the cells of a track, of which `records` are.

    - On the suite's own track its cells, each as it was run: a setting that has another default by now orphans no
      record.
    - A cell for every task of every other entry that has a record: entries of another track, and `outsiders`, which are
      algorithms and torsos that the suite does not have.

    Raises NotComparable where a record says that it is of this suite and was made of another task or by another
    protocol.
    """
    tasks = dict.fromkeys(cell.task_label for cell in resolved.cells)
    found = {cell.labels: cell for cell in as_recorded(resolved, records).cells if cell.task_label in tasks}
    problems = [one for cell in found.values() for one in _problems(_reference(resolved, cell.labels), cell)]
    if problems:
        raise NotComparable(problems)
    own = resolved.cells if track == resolved.suite.entries.track else ()
    names = {labels[1:] for labels in found} - {cell.labels[1:] for cell in own}
    names = {name for name in names if _is_shown(resolved, name, outsiders)}
    empty = (_empty(resolved, (task, *name), track) for name in sorted(names) for task in tasks)
    return dataclasses.replace(resolved, cells=tuple(found.get(cell.labels, cell) for cell in (*own, *empty)))


def changes(resolved: ResolvedSuite, cell: Cell) -> tuple[Difference, ...]:
    """In what a cell is configured otherwise than the suite says; nothing for an entry that the suite does not have."""
    known = {own.labels: own for own in resolved.cells}.get(cell.labels)
    return () if known is None else differences(dotted(cell.config), dotted(known.config))


def type_of(config: Mapping[str, Any], part: str) -> Any:
    """`config[part]["type"]`: a name of the registry, or `module:Class`; None where it has none."""
    section = config.get(part)
    return section.get("type") if isinstance(section, Mapping) else None


def _is_shown(resolved: ResolvedSuite, name: tuple[str, str], outsiders: bool) -> bool:
    """Whether to show an entry that has no cell of the suite on this track."""
    entries = resolved.suite.entries
    if name[0] not in entries.algorithms or name[1] not in entries.torsos:
        return outsiders
    return name in {cell.labels[1:] for cell in resolved.cells}


def _reference(resolved: ResolvedSuite, labels: Labels) -> Cell:
    """The suite's cell that an entry's has to be like: its own, or that of any who is shown no more than others."""
    known = {cell.labels: cell for cell in resolved.cells}
    usual = (cell for cell in resolved.cells if cell.task_label == labels[0] and cell.role != "oracle")
    return known.get(labels) or next(usual)


def _empty(resolved: ResolvedSuite, labels: Labels, track: str) -> Cell:
    """A cell without a record, so that a task that an entry lacks is seen to be missing."""
    reference = _reference(resolved, labels)
    role = reference.role if reference.labels == labels else None
    nothing = {"protocol": reference.config["protocol"]}  # the configuration of no record
    return Cell(*labels, role, reference.task, nothing, track)


def _problems(reference: Cell, cell: Cell) -> list[str]:
    mine, suites = (_judged(one.config) for one in (cell, reference))
    entry = f"{cell.algorithm_label}/{cell.torso_label} (configuration {cell.config_hash[:8]})"
    where = f"in {entry} and the suite"
    found = [f"{cell.task_label}: {one}, {where}" for one in differences(mine, suites) if one.field != _FREE]
    for part in ("algorithm", "torso"):
        if not isinstance(type_of(cell.config, part), str):
            found.append(f"{cell.task_label}: {part}.type is absent, in {entry}")
    return found


def _judged(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a configuration that the benchmark decides, flat."""
    return dotted({part: config.get(part) for part in ("task", "protocol")})
