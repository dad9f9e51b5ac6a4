"""How a program of programs.py is warmed up, timed and counted: once, for asv and pytest-benchmark alike.

asv runs these files, those of today, on the code of another day. Two things follow. What a commit cannot build is left
out and is no failure. And no parameter may depend on the commit: asv numbers parameters, and would take the n-th torso
of then for the n-th of today.
"""

import abc
import functools
import math
import runpy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from speed.counting import count_flops
from speed.programs import PROGRAMS, Benchmark

SAMPLE = 0.01  # seconds that a sample takes at least: of shorter calls there are several in it


def registered(kind: str) -> list[str]:
    """The names of SEQUENCE_MODELS, say, in the registry beside these files, whatever commit is installed."""
    return list(runpy.run_path(str(Path(__file__).parents[2] / "memorax" / "registry.py"))[kind])


@dataclass(frozen=True)
class Program:
    """A pure function and its arguments: traced, and compiled ahead, when that is first asked for. A call returns when
    the work is done. `steps` are those of environments in a call."""

    function: Callable
    arguments: tuple
    steps: int

    def __call__(self) -> None:
        jax.block_until_ready(self.compiled(*self.arguments))

    @functools.cached_property
    def traced(self) -> Any:
        return jax.jit(self.function).trace(*self.arguments)

    @functools.cached_property
    def lowered(self) -> Any:
        return self.traced.lower()

    @functools.cached_property
    def compiled(self) -> Callable:
        return self.lowered.compile()

    @property
    def flops_per_step(self) -> float:
        """Of matrix products, counted in the trace: nothing is compiled."""
        return count_flops(self.traced.jaxpr) / self.steps

    @property
    def temporary_bytes(self) -> int:
        """What a call asks for besides its arguments and outputs."""
        return self.compiled.memory_analysis().temp_size_in_bytes

    @property
    def lines(self) -> int:
        """Of its StableHLO, before XLA has seen it."""
        return self.lowered.as_text().count("\n")


def build(benchmark: Benchmark) -> Program:
    """Nothing is compiled yet, but for what makes the arguments."""
    return Program(*benchmark.make(), benchmark.steps)


def load(name: str) -> Program:
    """The program of this name. NotImplementedError, by which asv leaves it out, where this commit cannot build it."""
    try:
        return build(PROGRAMS[name])
    except (AttributeError, ImportError, KeyError, TypeError, ValueError) as error:
        raise NotImplementedError(f"this commit cannot build '{name}'") from error


VERSION = "1"  # to be raised when a name comes to stand for other work: asv then forgets the numbers it has of it


class Timed(abc.ABC):
    """Seconds of a call in steady state, in asv's form. Each is measured in a process of its own."""

    version = VERSION
    timeout = 600  # seconds, most of which XLA takes
    number, rounds, repeat, warmup_time = 1, 2, 10, 0
    program: Program | None = None

    @property
    @abc.abstractmethod
    def params(self) -> tuple[list[str], ...]:
        """The parts of the programs' names: `train/ppo` is of (["train"], ["ppo", ...])."""

    def setup(self, *parts: str) -> None:
        if self.program is not None:
            return  # asv calls this before every sample
        self.program = load("/".join(parts))
        self.program()  # compiles, and runs once
        begin = time.perf_counter()
        self.program()
        self.number = max(1, math.ceil(SAMPLE / (time.perf_counter() - begin)))

    def time_call(self, *parts: str) -> None:
        self.program()


class Counted(abc.ABC):
    """What is counted of a program, which never runs."""

    version = VERSION
    timeout = Timed.timeout

    @property
    @abc.abstractmethod
    def params(self) -> tuple[list[str], ...]:
        """As of `Timed`."""

    def setup(self, *parts: str) -> None:
        self.program = load("/".join(parts))

    def track_temporary_memory(self, *parts: str) -> int:
        return self.program.temporary_bytes

    track_temporary_memory.unit = "bytes"
