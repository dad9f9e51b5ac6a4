"""Builds, times and counts programs for `memorax-bench perf`, in a process that lives on between two measurements.

python -m speed.serve         # a line is a JSON object: {"do": "build", "program": "train/ppo"} -> {"seconds": 5.1}
"""

import dataclasses
import functools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

import memorax
from speed.gated import CALLED, COMPILED, TIMED
from speed.programs import PROGRAMS

_built: dict[str, tuple[Callable, tuple]] = {}


def describe() -> dict[str, Any]:
    """Which library this is, what there is to measure, and on what."""
    import jaxlib

    return {
        "memorax": str(Path(memorax.__file__).parent),
        "programs": list(PROGRAMS),
        "timed": list(TIMED),
        "jaxlib": jaxlib.__version__,
        "device": jax.devices()[0].device_kind,
    }


def build(program: str) -> dict[str, float]:
    """Compiles it and calls it once; seconds of the compilation."""
    function, arguments = PROGRAMS[program].make()
    begin = time.perf_counter()
    compiled = jax.jit(function).lower(*arguments).compile()
    seconds = time.perf_counter() - begin
    jax.block_until_ready(compiled(*arguments))
    _built[program] = compiled, arguments
    return {"seconds": seconds}


def measure(program: str, calls: int = 1) -> dict[str, float]:
    """Seconds of a call, over several in a row; each waits for its results."""
    compiled, arguments = _built[program]
    begin = time.perf_counter()
    for _ in range(calls):
        jax.block_until_ready(compiled(*arguments))
    return {"seconds": (time.perf_counter() - begin) / calls}


def count(program: str) -> dict[str, Any]:
    """The counters of `bench/expected.json`."""
    from memorax_bench.perf import counters

    _use_compilation_cache()
    benchmark = PROGRAMS[program]
    compiled, called = program in COMPILED, program in CALLED
    found = counters.count(benchmark.make, benchmark.steps, compiled=compiled, called=called)
    return dataclasses.asdict(found)


@functools.cache
def _use_compilation_cache() -> None:
    """For counting alone: what is timed has to be compiled here, by this version of everything."""
    from memorax_bench.cell.device import use_compilation_cache

    use_compilation_cache()


ANSWERS = {"describe": describe, "build": build, "measure": measure, "count": count}


def main() -> None:
    """Answers until there are no requests any more; an error is an answer, too."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = ANSWERS[request.pop("do")](**request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {str(error).partition('\n')[0]}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
