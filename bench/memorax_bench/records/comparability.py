"""Whether numbers may stand beside one another: the key of a record, and the field in which two of them differ.

Two records of a task are comparable where `suite.benchmark_hash` and the whole of `comparable` are equal: the task, its
version, the package it comes from, the protocol. Of the tasks that this project writes itself the package's version is
left out: what changes one of them raises its `task_version`, and a release of the library parts no records. What an
agent is shown (`comparable.protocol.inputs`) is the entry's own choice and not the benchmark's, so it parts no records;
but only those rank that see what the protocol offers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from memorax_bench.errors import NotComparable
from memorax_bench.records.record import Record, dump

INPUTS = "comparable.protocol.inputs"
OWN_PACKAGE = "memorax-bench"


@dataclass(frozen=True)
class Difference:
    """A field, by its dotted name, and the value that either side has; None where it lacks the field."""

    field: str
    first: Any
    second: Any

    def __str__(self) -> str:
        return f"{self.field} is {shown(self.first)} and {shown(self.second)}"


def key_of(record: Record) -> dict[str, Any]:
    """What must be equal for two records of one task to be compared, by dotted name."""
    data = dump(record)
    if data["comparable"]["task_package"].startswith(f"{OWN_PACKAGE} "):
        data["comparable"]["task_package"] = OWN_PACKAGE
    return dotted({"suite": {"benchmark_hash": data["suite"]["benchmark_hash"]}, "comparable": data["comparable"]})


def dotted(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, `{"a": {"b": 1}}` as `{"a.b": 1}`; lists are values."""
    flat: dict[str, Any] = {}
    for name, value in data.items():
        where = f"{prefix}{name}"
        flat |= dotted(value, f"{where}.") if isinstance(value, Mapping) and value else {where: value}
    return flat


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Difference, ...]:
    """The fields in which two flat mappings (`key_of`, `dotted`) differ, in the order of the first."""
    names = dict.fromkeys((*first, *second))
    found = (Difference(name, first.get(name), second.get(name)) for name in names)
    return tuple(one for one in found if one.first != one.second)


def check_comparable(records: Iterable[Record]) -> None:
    """Raises NotComparable, naming fields, values and runs, where two records of one task may not be compared."""
    first: dict[str, Record] = {}
    problems = []
    for record in records:
        known = first.setdefault(record.cell.task, record)
        if (known.suite.benchmark_hash, known.comparable) == (record.suite.benchmark_hash, record.comparable):
            continue  # as nearly always: which field differs takes twenty times as long to say
        for found in differences(key_of(known), key_of(record)):
            if found.field != INPUTS:
                problems.append(_problem(found, known, record))
    if problems:
        raise NotComparable(tuple(dict.fromkeys(problems)))


def shown(value: Any) -> str:
    """A value of a key in words: hashes by their first digits, lists by their entries, nothing as `absent`."""
    if value is None:
        return "absent"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "nothing"
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return text[:8] if len(text) == 64 else text


def _problem(found: Difference, first: Record, second: Record) -> str:
    runs = (f"{record.cell.algorithm}/{record.cell.torso} (run {record.run_id})" for record in (first, second))
    return f"{first.cell.task}: {found}, in {' and '.join(runs)}"
