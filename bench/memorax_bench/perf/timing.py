"""Tier 2: programs of two commits, timed in turns by two processes that live as long as the measurement."""

import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from memorax_bench.perf.pairs import SLOWER, UNMEASURED, Pairs, Ratio, take_pairs
from memorax_bench.perf.sides import Refused, Side, SideLost

AGAIN = 2  # times that what seems slower is measured again
_SMALLEST = 0.1  # seconds that a turn takes at least: longer than a system lets one process run before another
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
    """One row a program. What seems slower is measured again by fresh processes, and is slower if it is so every time:
    where a system puts a process can make one of two equal programs slower for as long as it lives."""
    rows, slower = _measured(start, programs, budget, rng, say), list(programs)
    for _ in range(AGAIN):
        slower = [program for program in slower if rows[program].verdict == SLOWER]
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
    """A row for each, up to one over which a side is lost: all are compiled first, then all are timed in turns."""
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
    under_way = {program: _pairs(base, head, program, budget, rng) for program in built}
    latest = {}
    while under_way:
        for program, pairs in list(under_way.items()):
            try:
                latest[program] = next(pairs)
                continue
            except StopIteration:
                row = _timed(program, latest[program])
            except Refused as error:
                row = Timed(program, why=str(error))
            except SideLost as error:
                yield Timed(program, why=str(error))
                return
            del under_way[program]
            say(f"[{len(built) - len(under_way)}/{len(built)}] timed {program}: {row.verdict}")
            yield row


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


def _pairs(base: Side, head: Side, program: str, budget: float, rng: random.Random) -> Iterator[Pairs]:
    def seconds(side: Side, calls: int = 1) -> float:
        return side.ask("measure", program=program, calls=calls)["seconds"]

    fastest = min(seconds(base), seconds(head))
    calls = min(_CALLS, max(1, math.ceil(_SMALLEST / fastest)))
    yield from take_pairs(lambda: seconds(base, calls), lambda: seconds(head, calls), budget, rng)


def _timed(program: str, pairs: Pairs) -> Timed:
    ratio = pairs.ratio
    why = f"{ratio.pairs} pairs took {sum(pairs.base + pairs.head):.0f} s" if ratio.verdict == UNMEASURED else ""
    return Timed(program, statistics.median(pairs.base), statistics.median(pairs.head), ratio, why)
