"""Where a cell's time goes, what its programs consist of, and how fast the machine could do it."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from memorax_bench.cell import tracing
from memorax_bench.cell.build import learning_rate
from memorax_bench.cell.cost import count_flops
from memorax_bench.cell.operations import Kind, Operation, kinds, operations
from memorax_bench.cell.products import large_product, own_products, product_of
from memorax_bench.cell.runner import Executables, trace
from memorax_bench.cell.turns import Apart, Clock, Host, run_in_turns


@dataclass(frozen=True)
class Request:
    """A cell as `run` would train it: `chunks` chunks of seeds at the width `seed_batch`; measured is that of `seeds`.

    `key_words(role, seed)` gives each seed its keys; `segments` are counted; a trace is written into `folder`.
    """

    config: Mapping[str, Any]
    key_words: Callable[[str, int], tuple[int, ...]]
    seeds: Sequence[int]
    seed_batch: int
    chunks: int
    segments: int
    folder: Path | None  # None: no trace


@dataclass(frozen=True)
class Phase:
    """A part of a cell's time. `seconds` are those of single measurements, `times` how often it comes in the cell,
    `env_steps` how many one does, all seeds together; what is `within` another phase is not added to the others."""

    name: str
    seconds: tuple[float, ...]
    times: int
    env_steps: int | None = None
    within: str | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def total(self) -> float:
        """Seconds of the whole cell."""
        return self.times * self.median


@dataclass(frozen=True)
class Cost:
    """Of a cell's programs at its `seed_batch`; bytes are None where the backend does not tell."""

    parameters: int
    torso_parameters: int
    state_bytes: int
    flops: Mapping[str, float]  # an environment step: `training`, of that `acting` and `learning`; `environment`
    gflops: float  # a second, of training
    temporary_bytes: int | None
    argument_bytes: int | None
    executable_bytes: int | None
    stablehlo_lines: int


@dataclass(frozen=True)
class Rate:
    """How fast b products of matrices [m, k] and [k, n] are, in GFLOP/s."""

    sizes: tuple[int, int, int, int]  # b, m, k, n
    gflops: float


@dataclass(frozen=True)
class Profile:
    """What `measure` found; of operations those of a segment of training."""

    seeds: int
    seed_batch: int
    segments: int  # that were counted
    env_steps: int  # of a segment, of one seed
    phases: tuple[Phase, ...]
    cost: Cost
    rates: tuple[Rate, ...]  # the large product first
    operations: tuple[Operation, ...]
    kinds: tuple[Kind, ...]
    trace: tracing.Trace | str | None = None  # a text says why there is none

    @property
    def total(self) -> float:
        """Seconds of the whole cell."""
        return sum(phase.total for phase in self.phases if phase.within is None)

    def phase(self, name: str) -> Phase:
        return next(phase for phase in self.phases if phase.name == name)

    def share(self, name: str) -> float:
        """The part of the whole cell's time that a phase takes."""
        return self.phase(name).total / self.total


def measure(request: Request, say: Callable[[str], None]) -> Profile:
    """Takes as long as compiling and some segments do; `say` is told the progress.

    Programs come from jax's persistent cache where it is on; within `device.no_compilation_cache` all are compiled.
    """
    clock, config, width = Clock(), request.config, request.seed_batch
    say("tracing and compiling")
    programs = clock("trace", trace, config, width)
    executables = clock("compile", programs.compile)
    stored = _executable_bytes(executables.train.call)  # once it has run, it cannot be stored any more
    apart = Apart(programs, config, width)
    found = operations(programs.train.jaxpr)
    products = [large_product(), *map(product_of, own_products(found))]
    result, host = run_in_turns(
        executables, apart, products, clock, config, request.key_words, request.seeds, width, request.segments, say
    )
    phases, segment = _phases(request, clock, host, result.timing["checks"]), statistics.median(clock.counted("train"))
    made = Profile(
        seeds=len(request.seeds),
        seed_batch=width,
        segments=request.segments,
        env_steps=apart.steps,
        phases=phases,
        cost=_cost(result.cost, executables, stored, apart, width, segment),
        rates=tuple(
            Rate(product.sizes, product.flops / statistics.median(clock.counted(f"product {number}")) / 1e9)
            for number, product in enumerate(products)
        ),
        operations=tuple(found),
        kinds=tuple(kinds(found)),
    )
    if request.folder is None:
        return made
    say("tracing a segment's beginning")
    return replace(made, trace=_traced(request, executables, apart, found, segment))


def _phases(request: Request, clock: Clock, host: Host, checks: float) -> tuple[Phase, ...]:
    protocol, chunks = request.config["protocol"], request.chunks
    segments = protocol["total_env_steps"] // protocol["eval_every"] * chunks
    steps = len(request.seeds) * protocol["eval_every"]
    rollout = clock.counted("rollout")
    update = tuple(whole - part for whole, part in zip(clock.counted("train"), rollout, strict=True))
    elsewhere = clock.seconds.get("extrapolation", ())
    phases = (
        Phase("trace", tuple(clock.seconds["trace"]), 1),
        Phase("compile", tuple(clock.seconds["compile"]), 1),
        Phase("init", tuple(clock.seconds["init"]), len(clock.seconds["init"]) * chunks),
        Phase("rollout", rollout, segments, steps),
        Phase("environment", clock.counted("environment"), segments, steps, within="rollout"),
        Phase("update", update, segments, steps),
        # Before the first segment, and there once more, which is a gate.
        Phase("evaluation", clock.counted("evaluation"), segments + 2 * chunks),
        Phase("extrapolation", tuple(elsewhere), len(elsewhere) * chunks),
        Phase("checks", (checks,), chunks),
        Phase("host", host.segments, segments),
        Phase("record", (host.once,), chunks),
    )
    return tuple(phase for phase in phases if phase.seconds)


def _cost(
    cost: Mapping[str, Any], executables: Executables, stored: int | None, apart: Apart, width: int, segment: float
) -> Cost:
    """cost: of the record; stored: bytes of the executable; segment: seconds of training."""
    programs, call = executables.programs, executables.train.call
    memory = call.memory_analysis()
    training = count_flops(programs.train.jaxpr)
    each = {"training": training, "acting": count_flops(apart.acting.jaxpr)}
    each |= {"learning": training - each["acting"], "environment": count_flops(apart.playing.jaxpr)}
    return Cost(
        parameters=cost["parameters"],
        torso_parameters=cost["torso_parameters"],
        state_bytes=cost["state_bytes"],
        flops={name: flops / (width * apart.steps) for name, flops in each.items()},
        gflops=training / segment / 1e9,
        temporary_bytes=cost["temp_bytes"],
        argument_bytes=None if memory is None else int(memory.argument_size_in_bytes),
        executable_bytes=stored,
        stablehlo_lines=len(programs.train.lowered.as_text().splitlines()),
    )


def _executable_bytes(call: Any) -> int | None:
    """Of its code where the backend tells, else of all that it would be stored as."""
    memory = call.memory_analysis()
    if memory is not None and memory.generated_code_size_in_bytes:
        return int(memory.generated_code_size_in_bytes)
    with suppress(Exception):  # each backend that cannot do it has an error of its own
        return len(call.runtime_executable().serialize())
    return None


def _traced(
    request: Request, executables: Executables, apart: Apart, found: Sequence[Operation], segment_seconds: float
) -> tracing.Trace | str:
    """A trace, or why there is none."""
    programs, width = executables.programs, request.seed_batch
    agent = programs.experiment.agent
    updates = math.ceil(apart.steps / math.prod(getattr(agent.config, name) for name in agent.update_size))
    update = segment_seconds / updates
    words = jnp.arange(2 * width, dtype=jnp.uint32).reshape(width, 2)
    state = executables.init.call(words, jnp.float32(learning_rate(request.config)))
    state = jax.block_until_ready(apart.fill(words, state))
    train = executables.train.call
    try:
        all_of_it = tracing.record(lambda: train(words, state, jnp.int32(1)), tracing.window(update), request.folder)
        places = {one.place for one in found}
        return tracing.read(request.folder, train.as_text(), places, update, updates if all_of_it else None)
    except Exception as error:  # jax's profiler fails in many ways, and all else is measured
        return f"{type(error).__name__}: {error}"
