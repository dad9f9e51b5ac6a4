"""What a check looks at."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memorax_bench.records.record import Record
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.schema import Task

ROUNDING = 1e-6  # relative: float32 numbers that were added in another order


@dataclass(frozen=True)
class Subject:
    """A record, the rows of its curves, and the suite that it says it belongs to (None: not known here)."""

    record: Record
    rows: tuple[Mapping[str, float], ...]
    suite: ResolvedSuite | None

    @property
    def config(self) -> Mapping[str, Any]:
        """The resolved cell, as the record has it: any JSON."""
        return self.record.cell.config

    @property
    def task(self) -> Task | None:
        """The suite's task of that label."""
        return None if self.suite is None else self.suite.suite.tasks.get(self.record.cell.task)


def section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A mapping of a configuration; empty where there is something else, which `configuration` refuses."""
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}


def whole(value: Any, least: int = 1) -> int | None:
    """`value` where it is a whole number from `least` on."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= least else None


def close(a: float, b: float, tolerance: float = ROUNDING) -> bool:
    """Whether two numbers are equal but for rounding; relative, and absolute below 1."""
    return math.isfinite(a) and math.isfinite(b) and abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))
