"""What the reports of this folder share: programs compiled apart, timed in turns, and tables of what was found."""

import argparse
import dataclasses
import datetime
import importlib.metadata
import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks import SequenceModel, as_sequence_model
from memorax.registry import SEQUENCE_MODELS, resolve
from speed.counting import count_flops

FEATURES = 64  # width of inputs and of every torso
LARGEST = 4 * 2**30  # bytes of temporary memory above which a program is not run
START_RATE = 1 / 64  # of steps that begin an episode
_SMALLEST = 0.01  # seconds that a turn takes at least


@dataclass(frozen=True)
class Program:
    """A compiled program with its arguments; `call` returns when the work is done."""

    call: Callable[[], Any]
    temporary_bytes: int
    flops: int  # of matrix products, by `memorax_bench.cell.cost`


def compile_program(function: Callable, *arguments: Any) -> Program:
    """Trace, lower and compile; nothing runs."""
    traced = jax.jit(function).trace(*arguments)
    program = traced.lower().compile()
    memory = program.memory_analysis()
    return Program(
        lambda: jax.block_until_ready(program(*arguments)),
        0 if memory is None else memory.temp_size_in_bytes,
        count_flops(traced.jaxpr),
    )


def compile_programs(functions: dict[str, Callable], *arguments: Any) -> dict[str, Program]:
    """Of each function of the same arguments. Two at a time, since XLA compiles a program on one core."""
    with ThreadPoolExecutor(2) as pool:
        programs = pool.map(lambda function: compile_program(function, *arguments), functions.values())
        return dict(zip(functions, programs, strict=True))


def in_turns(calls: dict[Any, Callable[[], Any]], rounds: int, budget: float) -> dict[Any, list[float]]:
    """Seconds of each call: as many numbers as fit into `budget` seconds, from 1 to `rounds`.

    The calls take turns, so that what else slows the machine slows all of them. Each is called before, which does not
    count; in a turn, one that is shorter than `_SMALLEST` is called several times.
    """
    repeats = {name: _repeats(call) for name, call in calls.items()}
    taken = {name: [] for name in calls}
    end = time.perf_counter() + budget
    for _ in range(rounds):
        begin = time.perf_counter()
        for name, call in calls.items():
            taken[name].append(_seconds(call, repeats[name]))
        if 2 * time.perf_counter() - begin > end:  # another round like this one would end too late
            break
    return taken


def _repeats(call: Callable[[], Any]) -> int:
    first = _seconds(call)
    return max(1, math.ceil(_SMALLEST / (_seconds(call) if first < 0.2 else first)))


def _seconds(call: Callable[[], Any], repeats: int = 1) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats


def cell_of(name: str, **settings: Any) -> nn.Module:
    """The class of a registered name at the default width, before it is wrapped."""
    module = resolve(SEQUENCE_MODELS[name])
    config = next(field.type for field in dataclasses.fields(module) if field.name == "config")
    return module(config=config(features=FEATURES, **settings))


def torso_of(name: str) -> SequenceModel:
    return as_sequence_model(cell_of(name))


def sequences(
    torso: SequenceModel, batch: int, length: int, features: int = FEATURES
) -> tuple[Any, jax.Array, jax.Array, Any]:
    """Parameters, x[B, T, F], start[B, T] and a fresh carry for a torso."""
    x_key, start_key, params_key = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(x_key, (batch, length, features))
    start = jax.random.bernoulli(start_key, START_RATE, (batch, length))
    one = jnp.zeros((1, 1, features)), jnp.zeros((1, 1), bool), torso.initialize_carry(1)
    return jax.jit(torso.init)(params_key, *one), x, start, torso.initialize_carry(batch)


def gradient(torso: SequenceModel) -> Callable:
    """(parameters, x, start, carry) -> the gradient by parameters and x of a loss over all outputs."""

    def loss(params: Any, x: jax.Array, start: jax.Array, carry: Any) -> jax.Array:
        return (torso.apply(params, x, start, carry)[1] ** 2).mean()

    return jax.grad(loss, (0, 1))


def milliseconds(value: float | None) -> str:
    """Seconds as milliseconds with about three digits; what was not measured as a dash."""
    return "-" if value is None else significant(1000 * value)


def significant(value: float) -> str:
    """About three digits, thousands separated."""
    if value >= 99.95 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def mebibytes(count: int | None) -> str:
    return "-" if count is None else significant(count / 2**20)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, its first `left` columns to the left and the others to the right."""
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def circumstances() -> str:
    """Date, versions and kind of device, for the head of a document; it names no machine."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("jax", "jaxlib", "flax"))
    return f"Measured on {datetime.date.today().isoformat()} on {device()} with {versions}, in float32."


def device() -> str:
    """The kind of the default device."""
    kind = jax.devices()[0].device_kind
    return f"{os.cpu_count()} CPU cores ({platform.machine().replace('_', '-')})" if kind == "cpu" else kind


def chosen_names(parser: argparse.ArgumentParser, only: list[str] | None, known: Iterable[str]) -> list[str]:
    """The names asked for, all of them where none is; an error of the command line for one that is not known."""
    known = list(known)
    if wrong := sorted(set(only or ()) - set(known)):
        parser.error(f"--only {' '.join(wrong)}: known are {', '.join(known)}")
    return [name for name in known if not only or name in only]


def replace_part(page: Path, heading: str, text: str | None = None, before: str | None = None) -> None:
    """Of a page in two parts, the second beginning with `heading`: writes the one that is given, leaves the other."""
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    first, _, second = old.partition(heading)
    first = first if before is None else before
    second = second if text is None else text
    page.write_text(first.rstrip() + (f"\n\n{heading}\n\n{second.strip()}" if second else "") + "\n", encoding="utf-8")
