"""The words of `memorax-bench profile`."""

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memorax_bench.records.pooling import seed_ranges
from memorax_bench.report.render import MISSING, aligned, magnitude

LEGEND = (
    "Seconds: median of the segments after a first one that does not count [least-most], each until its results are "
    "there; share: of seconds x times. "
    "trace: all programs built, traced and lowered. compile: all of them, with the persistent cache off, where another "
    "run would find them. "
    "rollout: `warmup` for as many steps as a segment of training; what is computed in acting for learning alone, such "
    "as values and log-probabilities, is left out of it by the compiler and counts as update. "
    "environment: as many steps of as many environments, with their resets, under random actions. "
    "update: a segment of training minus the rollout measured right after it. "
    "evaluation: as the protocol says, once before training, and that once more as a gate. "
    "checks: the other gates and the latency of a step, and compiling what they need. "
    "host: Python around the programs of a segment; to dispatch a program is part of its phase. "
    "record: what is computed for it; without writing it, and without checkpoints."
)
COUNTS = (
    "FLOPs: of matrix products and convolutions in the traced program, loops multiplied by their length; acting: those "
    "of `warmup`, learning: the rest. Elements: of all other operations, those returned (of reductions: those read). "
    "What the compiler leaves out or computes in one is counted here as it is written."
)
TRACED = (
    "Without what runs within them, of all threads. Tracing costs each operation about a microsecond: small ones look "
    "larger than they are. Where the compiler made one of several, the last is named."
)
TOP_OPERATIONS, TOP_KINDS, TOP_EXECUTED = 12, 8, 10


@dataclass(frozen=True)
class Subject:
    """What is profiled: a chunk of seeds of a cell, one of `chunks`, as a run on this machine would train it."""

    label: str
    cell: tuple[str, str, str]
    total_env_steps: int
    seeds: tuple[int, ...]
    chunks: int
    seed_batch: int
    segments: int
    width_is_open: bool  # a run would first measure how many seeds to train together
    machine: str
    load: tuple[float, ...]


def render(made: Any, subject: Subject, file: Path) -> str:
    """The whole screen; `made` is a `cell.profiling.Profile`, `file` where it was written."""
    parts = [
        "\n".join([_headline(made, subject), *_notes(made, subject), aligned(*_phases(made)), _wrapped(LEGEND)]),
        _costs(made),
        f"products of training, by FLOPs:\n{aligned(*_operations(made))}",
        f"other operations of training, by elements:\n{aligned(*_kinds(made))}\n{_wrapped(COUNTS)}",
        *_trace(made.trace),
        f"written: {file}",
    ]
    return "\n\n".join(parts)


def _headline(made: Any, subject: Subject) -> str:
    task, algorithm, torso = subject.cell
    rate = made.seeds * made.env_steps / (made.phase("rollout").median + made.phase("update").median)
    together = f"{made.seeds} together" if made.seeds > 1 else "alone"
    padded = f" (padded to {made.seed_batch})" if made.seed_batch > made.seeds else ""
    plural = "" if made.segments == 1 else "s"
    return (
        f"{subject.label}  {task} {algorithm}/{torso}  seeds {seed_ranges(subject.seeds)}, {together}{padded}; "
        f"{subject.total_env_steps:,} steps; {subject.machine}\n"
        f" measured: {made.segments} segment{plural} of {made.env_steps:,} steps; training {magnitude(rate)} steps/s, "
        "rollout and update"
    )


def _notes(made: Any, subject: Subject) -> list[str]:
    notes = []
    if subject.load and subject.load[0] >= 1:
        notes.append(
            f" load {subject.load[0]:.1f} on {os.cpu_count()} cores: others share the machine, times are longer"
        )
    if subject.chunks > 1:
        notes.append(
            f" the cell's seeds take {subject.chunks} such chunks, compiled once; seconds in a cell are of all"
        )
    if subject.width_is_open:
        notes.append(" a run would first measure how many seeds to train together; --seed-batch N says so many")
    if made.phase("update").median <= 0:
        notes.append(" training was as fast as acting alone: the update is less than what times vary by")
    return notes


def _phases(made: Any) -> tuple[list[str], list[list[str]]]:
    rows = []
    for phase in made.phases:
        spread = f"[{_seconds(min(phase.seconds))}-{_seconds(max(phase.seconds))}]" if len(phase.seconds) > 1 else ""
        known = phase.env_steps is not None and phase.median > 0
        rows.append(
            [
                f"  {phase.name}" if phase.within else phase.name,
                _seconds(phase.median),
                spread,
                f"{phase.times}",
                _seconds(phase.total),
                f"{made.share(phase.name):.1%}",
                magnitude(phase.env_steps / phase.median) if known else "",
            ]
        )
    rows.append(["whole cell", "", "", "", _seconds(made.total), "100%", ""])
    return ["phase", "seconds", "", "times", "in a cell", "share", "env steps/s"], rows


def _costs(made: Any) -> str:
    cost, flops = made.cost, made.cost.flops
    large, *own = made.rates
    split = f"acting {magnitude(flops['acting'])} + learning {magnitude(flops['learning'])}"
    rows = [["FLOPs an env step", f"{magnitude(flops['training'])}: {split}"]]
    if flops["environment"]:
        rows[0][1] += f"; of acting {magnitude(flops['environment'])} in the environment"
    rows.append(["training", f"{_rate(cost.gflops)} GFLOP/s"])
    for rate, what in ((large, "large"), *((rate, "its own") for rate in own)):
        share = f"{cost.gflops / rate.gflops:.0%} of it" if cost.flops["training"] else "nothing to compare"
        rows.append(
            [f"products, {what}", f"{_rate(rate.gflops)} GFLOP/s of {product(rate.sizes)}: training has {share}"]
        )
    rows += [
        ["parameters", f"{cost.parameters:,}, {cost.torso_parameters:,} of them in the torso"],
        ["memory of an agent", f"{cost.state_bytes:,} bytes an environment"],
        ["training program", f"{_bytes(cost.argument_bytes)} of arguments, {_bytes(cost.temporary_bytes)} temporary"],
        ["", f"{cost.stablehlo_lines:,} lines of StableHLO, {_bytes(cost.executable_bytes)} compiled"],
    ]
    return aligned(["cost", ""], rows)


def _operations(made: Any) -> tuple[list[str], list[list[str]]]:
    total = sum(one.flops for one in made.operations) or 1
    rows = [
        [
            one.primitive,
            one.shape,
            f"{one.times:,}",
            magnitude(one.flops),
            f"{one.flops / total:.1%}",
            f"{_short(one.place)}{' (backward)' if one.backward else ''}",
        ]
        for one in made.operations[:TOP_OPERATIONS]
        if one.flops
    ]
    return ["operation", "of", "times a segment", "FLOPs", "share", "written in"], rows


def _kinds(made: Any) -> tuple[list[str], list[list[str]]]:
    steps = made.seed_batch * made.env_steps
    total = sum(kind.elements for kind in made.kinds) or 1
    rows = [
        [
            kind.primitive,
            f"{kind.times:,}",
            magnitude(kind.elements / steps),
            f"{kind.elements / total:.1%}",
            _short(kind.place),
        ]
        for kind in made.kinds[:TOP_KINDS]
    ]
    return ["operation", "times a segment", "elements an env step", "share", "mostly in"], rows


def _trace(trace: Any) -> list[str]:
    if trace is None:
        return []
    if isinstance(trace, str):
        return [f"no table of what the compiled program does: {trace}"]
    whole = f"{trace.updates} whole update{'' if trace.updates == 1 else 's'}"
    what = whole if trace.updates else "a part of an update, which is longer than what is traced"
    header = ["instruction", "of", "times", "ms", "share", "written in"]
    rows = [
        [
            one.instruction.name,
            one.instruction.what,
            f"{one.times:,}",
            f"{1e3 * one.seconds:.1f}",
            f"{one.share:.1%}",
            _short(one.instruction.place),
        ]
        for one in trace.executed[:TOP_EXECUTED]
    ]
    title = f"the compiled program, by its own time in a trace of {trace.seconds:.2f} s, {what}:"
    opened = [
        f"trace: {trace.perfetto}",
        " to open it: drop that file on https://ui.perfetto.dev, where it is read and not sent anywhere",
        f" or, as TensorBoard has it: pip install xprof, then xprof --logdir {trace.folder}",
    ]
    return [f"{title}\n{aligned(header, rows)}\n{_wrapped(TRACED)}", "\n".join(opened)]


def product(sizes: Sequence[int]) -> str:
    """`3 x [4,64] [64,192]`."""
    batch, m, k, n = sizes
    return f"{f'{batch} x ' if batch > 1 else ''}[{m},{k}] [{k},{n}]"


def _short(place: str) -> str:
    return place.removeprefix("memorax/")


def _seconds(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _rate(value: float) -> str:
    return f"{value:.2f}" if value < 9.95 else f"{value:.0f}"


def _bytes(count: int | None) -> str:
    return f"{MISSING} bytes" if count is None else f"{magnitude(count)}B" if count >= 1000 else f"{count} B"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 118, initial_indent=" ", subsequent_indent=" ")
