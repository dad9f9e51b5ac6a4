"""What the programs of bench/speed are expected to do: their counters, by version of jaxlib, in `bench/expected.json`.

The file is generated (`memorax-bench perf counters --write`) and reviewed as the code is: a change that makes a program
do more work changes a line of it.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = Path("bench") / "expected.json"  # of a checkout
WRITE = "memorax-bench perf counters --write"
TOLERANCE = {  # relative difference that is none, of the counters below
    "flops": 0.0,
    "numbers": 0.10,  # elementwise work is rewritten often and means little; a loop made twice as long doubles it
    "argument_bytes": 0.0,
    "temporary_bytes": 0.05,  # how XLA lays out memory depends on the processor as well
    "compilations": 0.0,
}
MORE, LESS, UNKNOWN, GONE = "more", "less", "not in the file", "gone"  # verdicts


@dataclass(frozen=True)
class Counts:
    """What a program does, counted on a CPU: from its trace alone, but for the last two, which only some programs have.

    `compilations` are those of three calls that hand the state on.
    """

    flops: float  # of matrix products and convolutions, an environment step
    numbers: float  # computed by operations of any kind, an environment step
    argument_bytes: int  # parameters, state, inputs
    temporary_bytes: int | None = None  # scratch memory of the compiled program
    compilations: int | None = None


@dataclass(frozen=True)
class Difference:
    """A counter of a program that is not as expected; None where the file or the program does not have it."""

    program: str
    counter: str
    expected: float | None
    found: float | None

    @property
    def verdict(self) -> str:
        if self.expected is None:
            return UNKNOWN
        if self.found is None:
            return GONE
        return MORE if self.found > self.expected else LESS


def differences(expected: Mapping[str, Counts], found: Mapping[str, Counts]) -> tuple[Difference, ...]:
    """Every counter of either that differs from the other's by more than its tolerance."""
    return tuple(
        Difference(program, counter, before, after)
        for program in sorted({*expected, *found})
        for counter, tolerance in TOLERANCE.items()
        for before, after in [(_value(expected, program, counter), _value(found, program, counter))]
        if not _equal(before, after, tolerance)
    )


def read_expected(file: Path) -> dict[str, dict[str, Counts]]:
    """Version of jaxlib -> program -> what is expected of it; empty where there is no file."""
    if not file.exists():
        return {}
    read = json.loads(file.read_text(encoding="utf-8"))
    return {
        version: {program: Counts(**counts) for program, counts in programs.items()}
        for version, programs in read.items()
    }


def encode_expected(expected: Mapping[str, Mapping[str, Counts]]) -> str:
    """The text of the file: sorted, one line a program."""
    versions = (f" {json.dumps(version)}: {_programs(expected[version])}" for version in sorted(expected))
    return "{\n" + ",\n".join(versions) + "\n}\n"


def _programs(programs: Mapping[str, Counts]) -> str:
    lines = (f"  {json.dumps(program)}: {json.dumps(_known(programs[program]))}" for program in sorted(programs))
    return "{\n" + ",\n".join(lines) + "\n }"


def _known(counts: Counts) -> dict[str, float]:
    return {name: value for name, value in dataclasses.asdict(counts).items() if value is not None}


def _value(programs: Mapping[str, Counts], program: str, counter: str) -> float | None:
    return dataclasses.asdict(programs[program])[counter] if program in programs else None


def _equal(expected: float | None, found: float | None, tolerance: float) -> bool:
    if expected is None or found is None:
        return expected is found
    return abs(found - expected) <= tolerance * expected
