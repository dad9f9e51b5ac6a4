"""Tier 2: programs of two commits, timed in turns by two processes that live as long as the measurement."""

import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from memorax_bench.perf.pairs import SLOWER, UNMEASURED, Ratio, take_pairs
from memorax_bench.perf.sides import Refused, Side, SideLost

_SMALLEST = 0.02  # seconds that a turn takes at least
_CALLS = 1000  # at most, in a turn
Start = Callable[[], AbstractContextManager[tuple[Side, Side]]]  # base and head, freshly started
Say = Callable[[str], None]


@dataclass(frozen=True)
class Timed:
    """One program: median seconds of a call of base and of head, their ratio by pairs; or `why` there is none."""

    program: str
    base: float | None = None
    head: float | None = None
    ratio: Ratio | None = None
    why: str = ""

    @property
    def verdict(self) -> str:
        return UNMEASURED if self.ratio is None else self.ratio.verdict


def time_programs(start: Start, programs: Sequence[str], budget: float, rng: random.Random, say: Say) -> list[Timed]:
    """One row a program. What seems slower is measured again by fresh processes, whose verdict counts: where a process
    puts its memory can make one of two equal programs slower for as long as it lives."""
    rows = _measured(start, programs, budget, rng, say)
    slower = [program for program, row in rows.items() if row.verdict == SLOWER]
    if slower:
        say(f"again, by fresh processes: {', '.join(slower)}")
        rows |= _measured(start, slower, budget, rng, say)
    return [rows[program] for program in programs]


def _measured(start: Start, programs: Sequence[str], budget: float, rng: random.Random, say: Say) -> dict[str, Timed]:
    """A program over which a side is lost costs that program; the others are measured by new sides."""
    rows = {}
    while todo := [program for program in programs if program not in rows]:
        with start() as (base, head):
            for row in _rows(base, head, todo, budget, rng, say):
                rows[row.program] = row
    return rows


def _rows(base: Side, head: Side, programs: Sequence[str], budget: float, rng: random.Random, say: Say):
    """A row for each, up to one over which a side is lost: all are compiled first, then each is timed."""
    built = []
    for number, program in enumerate(programs, 1):
        say(f"[{number}/{len(programs)}] compiling {program}")
        try:
            refused = _both(base, head, "build", program=program)
        except SideLost as error:
            yield Timed(program, why=str(error))
            return
        if refused:
            yield Timed(program, why="; ".join(refused))
        else:
            built.append(program)
    for number, program in enumerate(built, 1):
        say(f"[{number}/{len(built)}] timing {program}")
        try:
            yield _timed(base, head, program, budget, rng)
        except SideLost as error:
            yield Timed(program, why=str(error))
            return
        except Refused as error:
            yield Timed(program, why=str(error))


def _both(base: Side, head: Side, what: str, **request: Any) -> list[str]:
    """Asks both at once; which of them refused, and why."""
    for side in (base, head):
        side.send(what, **request)
    return list(_refusals(base, head))


def _refusals(*sides: Side) -> Iterator[str]:
    for side in sides:
        try:
            side.receive()
        except Refused as error:
            yield f"{side.name}: {error}"


def _timed(base: Side, head: Side, program: str, budget: float, rng: random.Random) -> Timed:
    def seconds(side: Side, calls: int = 1) -> float:
        return side.ask("measure", program=program, calls=calls)["seconds"]

    fastest = min(seconds(base), seconds(head))
    calls = min(_CALLS, max(1, math.ceil(_SMALLEST / fastest)))
    pairs = take_pairs(lambda: seconds(base, calls), lambda: seconds(head, calls), budget, rng)
    ratio = pairs.ratio
    why = f"{ratio.pairs} pairs took {sum(pairs.base + pairs.head):.0f} s" if ratio.verdict == UNMEASURED else ""
    return Timed(program, statistics.median(pairs.base), statistics.median(pairs.head), ratio, why)
