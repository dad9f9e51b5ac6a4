"""A trace of the beginning of a segment of training, and what the compiled program does in it.

Traced is the very program that runs, but no longer than `_LONGEST`: a segment may be a hundred million operations.
"""

import re
from collections import Counter
from collections.abc import Callable, Container, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from memorax_bench.cell.operations import is_own, place_name

PERFETTO = "plugins/profile/*/perfetto_trace.json.gz"
_XPLANE = "plugins/profile/*/*.xplane.pb"
_UPDATES, _SHORTEST, _LONGEST = 8, 0.3, 3.0  # seconds at most; traced, an update may take four times as long
_AS_FAST = 0.7  # a traced update takes at least that part of what an untraced one does

_INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%([\w.-]+) = .*$", re.MULTILINE)
_OP_NAME = re.compile(r'op_name="([^"]*)"')
_FRAME = re.compile(r"stack_frame_id=(\d+)")
_FILE_LINE = re.compile(r'^(\d+) "(.*)"$', re.MULTILINE)
_LOCATION = re.compile(r"^(\d+) \{file_name_id=(\d+) .*?\bline=(\d+)", re.MULTILINE)
_STACK = re.compile(r"^(\d+) \{file_location_id=(\d+) parent_frame_id=(\d+)\}", re.MULTILINE)


@dataclass(frozen=True)
class Instruction:
    """One of a compiled program."""

    name: str
    what: str  # the primitive that it, or the last part of it, was made of
    place: str  # file and line


@dataclass(frozen=True)
class Event:
    """One run of an instruction, in seconds."""

    name: str
    begin: float
    own: float  # without what runs within it


@dataclass(frozen=True)
class Executed:
    """All runs of an instruction in a trace."""

    instruction: Instruction
    times: int
    seconds: float  # of all, without what ran within them
    share: float


@dataclass(frozen=True)
class Trace:
    """What was seen. `updates`: how many whole ones `executed` is of; None where there was none, and it is of all."""

    folder: Path
    perfetto: Path | None
    events: int
    seconds: float  # from the first to the last that is counted
    updates: int | None
    executed: tuple[Executed, ...]  # most seconds first


def window(update_seconds: float) -> float:
    """How long to trace, in seconds, a program whose updates take so long."""
    return min(max(_UPDATES * update_seconds, _SHORTEST), _LONGEST)


def record(run: Callable[[], Any], seconds: float, folder: Path) -> bool:
    """Runs and traces it, the latter for at most so many seconds; whether all of it was traced."""
    options = jax.profiler.ProfileOptions()
    options.python_tracer_level = 0  # of Python's own calls none is of interest here
    with ThreadPoolExecutor(1) as pool:
        with jax.profiler.trace(folder, create_perfetto_trace=True, profiler_options=options):
            running: Future = pool.submit(lambda: jax.block_until_ready(run()))
            with suppress(TimeoutError):
                running.result(timeout=seconds)
            finished = running.done()
        running.result()
    return finished


def read(folder: Path, hlo: str, places: Container[str], update_seconds: float, updates: int | None = None) -> Trace:
    """`hlo` is the text of the program that was traced, `places` the lines that it was written in, `update_seconds`
    what an update takes untraced; `updates` how many it did, where it was traced to its end. Raises ValueError where
    the trace has no operation of the program."""
    file = max(folder.glob(_XPLANE), default=None)
    if file is None:
        raise ValueError("jax wrote no trace")
    known = instructions(hlo, places)
    events = sorted(_events(file, known), key=lambda event: event.begin)
    if not events:
        raise ValueError("the trace has no operation of the program: this backend does not tell")
    if updates is None:
        counted, updates = _whole_updates(events, update_seconds) or (events, None)
    else:
        counted = events
    return Trace(
        folder=folder,
        perfetto=max(folder.glob(PERFETTO), default=None),
        events=len(events),
        seconds=counted[-1].begin - counted[0].begin,
        updates=updates,
        executed=tuple(_executed(counted, known)),
    )


def instructions(hlo: str, places: Container[str] = ()) -> dict[str, Instruction]:
    """Those of a compiled program, by name, with the innermost line of ours that they come from, one of `places` where
    there is any: what jax compiles for several callers keeps the lines of the first, which may be another program."""
    tables = zip((_FILE_LINE, _LOCATION, _STACK), _sections(hlo), strict=True)
    files, locations, frames = ({found[0]: found[1:] for found in pattern.findall(text)} for pattern, text in tables)

    def place(frame: str) -> str:
        own = []
        while frame in frames:
            location, parent = frames[frame]
            file, line = locations[location]
            if is_own(files[file][0]):
                own.append(f"{place_name(files[file][0])}:{line}")
            frame = str(int(parent) - 1)  # it is printed so; 0: there is none
        return next((name for name in own if name in places), own[0] if own else "")

    found = {}
    for match in _INSTRUCTION.finditer(hlo):
        made, frame = _OP_NAME.search(match[0]), _FRAME.search(match[0])
        what = made[1].rpartition("/")[2] if made else ""
        found[match[1]] = Instruction(match[1], what, place(frame[1]) if frame else "")
    return found


def _sections(hlo: str) -> Iterator[str]:
    """The tables of files, of lines and of calls."""
    for title in ("FileNames", "FileLocations", "StackFrames"):
        yield hlo.partition(f"\n{title}\n")[2].partition("\n\n")[0]


def _events(file: Path, known: dict[str, Instruction]) -> Iterator[Event]:
    for plane in jax.profiler.ProfileData.from_file(str(file)).planes:
        for line in plane.lines:
            yield from _own_times(_of_line(line, known, plane.name.startswith("/device:")))


def _of_line(line: Any, known: dict[str, Instruction], on_device: bool) -> Iterator[tuple[str, float, float]]:
    """(instruction, begin, end) in the order of time; a device's events are of kernels, which say their instruction."""
    for event in line.events:
        name = event.name
        if name not in known and on_device:
            name = str(dict(event.stats).get("hlo_op", ""))
        if name in known:
            yield name, event.start_ns / 1e9, event.end_ns / 1e9


def _own_times(events: Iterator[tuple[str, float, float]]) -> Iterator[Event]:
    """Of one thread, each without what lies within it."""
    stack: list[list] = []  # [name, begin, end, own]
    for name, begin, end in events:
        while stack and stack[-1][2] <= begin:
            done = stack.pop()
            yield Event(done[0], done[1], done[3])
        if stack:
            stack[-1][3] -= end - begin
        stack.append([name, begin, end, end - begin])
    yield from (Event(name, begin, own) for name, begin, _, own in stack)


def _whole_updates(events: list[Event], update_seconds: float) -> tuple[list[Event], int] | None:
    """The events of as many whole updates as there are: from one run to the last of what runs once in each."""
    begins: dict[str, list[float]] = {}
    for event in events:
        begins.setdefault(event.name, []).append(event.begin)
    half = (events[-1].begin - events[0].begin) / 2  # what ran for less of the trace belongs to one update, or to none

    def is_regular(runs: list[float]) -> bool:
        span = runs[-1] - runs[0]
        return len(runs) > 1 and span >= half and span >= _AS_FAST * update_seconds * (len(runs) - 1)

    regular = [runs for runs in begins.values() if is_regular(runs)]
    if not regular:
        return None
    rarest = min(map(len, regular))
    first = min(runs for runs in regular if len(runs) == rarest)
    return [event for event in events if first[0] <= event.begin < first[-1]], rarest - 1


def _executed(events: list[Event], known: dict[str, Instruction]) -> list[Executed]:
    seconds, times = Counter(), Counter(event.name for event in events)
    for event in events:
        seconds[event.name] += event.own
    total = sum(seconds.values()) or 1.0
    return [Executed(known[name], times[name], own, own / total) for name, own in seconds.most_common()]
