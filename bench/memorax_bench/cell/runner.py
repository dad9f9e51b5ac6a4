"""Runs one chunk of seeds of one cell: trains, evaluates on the protocol's grid, measures.

Seeds are vmapped at the full width `seed_batch`; a chunk that is not full is padded with seeds that are thrown away,
so that a seed's numbers do not depend on how many others were asked for.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memorax import lox
from memorax_bench.cell.build import Experiment, build, learning_rate
from memorax_bench.cell.compiling import Compiled, Lowered, lower
from memorax_bench.cell.cost import COUNTER, byte_count, count_flops, parameter_count
from memorax_bench.cell.course import Checkpoints, Course, Point
from memorax_bench.cell.extrapolation import evaluate_elsewhere, lower_elsewhere
from memorax_bench.cell.gates import (
    gate,
    measure_agent,
    measure_evaluation,
    measure_torso,
    replay_error,
    training_elsewhere,
)
from memorax_bench.cell.latency import step_seconds
from memorax_bench.cell.optimizers import with_learning_rate
from memorax_bench.cell.progress import Progress
from memorax_bench.cell.scoring import curve_rows, results
from memorax_bench.identity import sha256_json
from memorax_bench.records.curves import encode_curves
from memorax_bench.records.gates import REPLAY, TOLERANCES

ROLES = ("init", "train", "evaluate")


@dataclasses.dataclass(frozen=True)
class ChunkResult:
    """The measured parts of a record."""

    steps_done: int
    results: dict[str, Any]
    curves: bytes
    gates: dict[str, Any]
    cost: dict[str, Any]
    timing: dict[str, Any]
    steps_per_s: float
    diverged: Mapping[int, int]  # seed -> environment step at which its parameters were first seen not finite
    resumed_at: tuple[int, ...] = ()  # environment steps of the checkpoints it went on from


@dataclasses.dataclass(frozen=True)
class Programs:
    """A cell's three programs over `seed_batch` seeds, traced. They hold for all cells of a compile group."""

    experiment: Experiment
    state: Any  # shapes, of all seeds
    init: Lowered
    train: Lowered
    evaluate: Lowered
    elsewhere: Mapping[str, Lowered] = dataclasses.field(default_factory=dict)  # evaluation, by extrapolation

    @property
    def program_hash(self) -> str:
        """Equal programs compute equal numbers on an equal jaxlib and device."""
        elsewhere = [self.elsewhere[label].text_hash for label in sorted(self.elsewhere)]
        return sha256_json([*(getattr(self, role).text_hash for role in ROLES), *elsewhere])

    def compile(self) -> "Executables":
        """Compiles all of them; `init` runs once and is not optimised."""
        made = {role: getattr(self, role).compile(once=role == "init") for role in ROLES}
        return Executables(
            self, **made, elsewhere={name: lowered.compile() for name, lowered in self.elsewhere.items()}
        )


@dataclasses.dataclass(frozen=True)
class Executables:
    """The programs, compiled. Of a group's second cell nothing is traced or compiled: `again`."""

    programs: Programs
    init: Compiled
    train: Compiled
    evaluate: Compiled
    elsewhere: Mapping[str, Compiled]
    again: bool = False

    def timing(self) -> dict[str, Any]:
        """Seconds of tracing and compiling, and what the persistent cache had."""
        traced = [*(getattr(self.programs, role) for role in ROLES), *self.programs.elsewhere.values()]
        made = [*(getattr(self, role) for role in ROLES), *self.elsewhere.values()]
        if self.again:
            return {"trace": 0.0, "compile": 0.0, "cache": "hit", "cache_hits": len(made), "cache_misses": 0}
        return {
            "trace": sum(program.seconds for program in traced),
            "compile": sum(program.seconds for program in made),
            "cache": self.train.cache,
            "cache_hits": sum(program.cache == "hit" for program in made),
            "cache_misses": sum(program.cache == "miss" for program in made),
        }


def trace(config: Mapping[str, Any], seed_batch: int) -> Programs:
    """Builds and traces a cell; nothing is compiled. Raises `ValueError` where the library refuses a setting."""
    experiment = build(config)
    agent, protocol = experiment.agent, config["protocol"]
    keys = jax.ShapeDtypeStruct((seed_batch, 2), jnp.uint32)

    def init(words: jax.Array, learning_rate: jax.Array) -> Any:
        return with_learning_rate(agent.init(as_key(words)), learning_rate)

    def train(words: jax.Array, state: Any, segment: jax.Array) -> tuple[Any, dict]:
        key = jax.random.fold_in(as_key(words), segment)
        state, logs = lox.spool(agent.train)(key, state, protocol["eval_every"])
        finite = jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params)]).all()
        return state, {"finite": finite, **replay_error(agent, logs, finite)}

    def evaluate(words: jax.Array, state: Any, segment: jax.Array, **place: Any) -> Any:
        key = jax.random.fold_in(as_key(words), segment)
        greedy = protocol["eval_policy"] == "greedy"
        return agent.evaluate(key, state, protocol["eval_episodes"], deterministic=greedy, **place)

    rate, segment = jax.ShapeDtypeStruct((), jnp.float32), jax.ShapeDtypeStruct((), jnp.int32)
    over_seeds = lambda function, axes: jax.vmap(function, in_axes=axes)  # noqa: E731
    lowered_init = lower(over_seeds(init, (0, None)), keys, rate)
    state = jax.eval_shape(over_seeds(init, (0, None)), keys, rate)
    return Programs(
        experiment=experiment,
        state=state,
        init=lowered_init,
        train=lower(over_seeds(train, (0, 0, None)), keys, state, segment, donate_argnums=1),
        evaluate=lower(over_seeds(evaluate, (0, 0, None)), keys, state, segment),
        elsewhere=lower_elsewhere(evaluate, experiment.elsewhere, keys, state, segment),
    )


def as_key(words: jax.Array) -> jax.Array:
    return jax.random.wrap_key_data(words, impl="threefry2x32")


def run_chunk(
    executables: Executables,
    config: Mapping[str, Any],
    key_words: Callable[[str, int], tuple[int, ...]],
    seeds: Sequence[int],
    seed_batch: int,
    report: Callable[[Progress], None],
    checkpoints: Checkpoints | None = None,
) -> ChunkResult:
    """Trains and evaluates `seeds` (at most `seed_batch`); `key_words(role, seed)` gives each its keys.

    Goes on from the last of its `checkpoints`, and offers them its state after every evaluation.
    """
    programs, protocol = executables.programs, config["protocol"]
    keys = {role: _padded_keys(key_words, role, seeds, seed_batch) for role in ROLES}
    restored = checkpoints and checkpoints.restore(programs.state)
    if restored is not None:
        state, course = restored
    else:
        state, course = executables.init.call(keys["init"], jnp.float32(learning_rate(config))), Course()
    total, every = protocol["total_env_steps"], protocol["eval_every"]
    for segment in range(len(course.points), total // every + 1):
        if segment:
            begin = time.perf_counter()
            state, seen = jax.block_until_ready(executables.train.call(keys["train"], state, jnp.int32(segment)))
            course.steady.append(time.perf_counter() - begin)
            _note(course, seen, segment, seeds, segment * every)
        begin = time.perf_counter()
        evaluation = jax.device_get(executables.evaluate.call(keys["evaluate"], state, jnp.int32(segment)))
        course.evaluating += time.perf_counter() - begin
        course.points.append(Point(segment * every, evaluation.returns, evaluation.lengths))
        if segment == 0:
            course.gates["evaluation_is_pure"] = _purity(executables, keys, state, evaluation)
        report(_progress(course, total, seeds, every))
        if checkpoints and segment < total // every:
            checkpoints.offer(state, course)
    keys_of = partial(_padded_keys, key_words, seeds=seeds, seed_batch=seed_batch)
    finite = [seed not in course.diverged for seed in seeds]
    extrapolated = evaluate_elsewhere(executables.elsewhere, keys_of, state, finite)
    steps_done = int(state.step[0])
    agent, begin = programs.experiment.agent, time.perf_counter()
    gates = measure_torso(programs.experiment.torso, programs.experiment.torso_inputs)
    gates = {**gates, "agent_reset_equals_fresh": measure_agent(agent), **course.gates}
    step = step_seconds(agent, state)
    checks = time.perf_counter() - begin
    return ChunkResult(
        steps_done=steps_done,
        results=results(course, seeds) | extrapolated,
        curves=encode_curves(curve_rows(course, seeds)),
        gates=gates,
        cost=agent_cost(programs, seed_batch, every) | {"temp_bytes": executables.train.temporary_bytes()},
        timing={
            **executables.timing(),
            "steady": course.steady,
            "eval": course.evaluating,
            "step": step,
            "checks": checks,
        },
        steps_per_s=len(seeds) * steps_done / sum(course.steady),
        diverged=course.diverged,
        resumed_at=course.resumed_at,
    )


def _purity(executables: Executables, keys: Mapping[str, jax.Array], state: Any, evaluation: Any) -> dict[str, Any]:
    """The gate of the first evaluation, against the same with the environments that other keys begin with."""
    elsewhere = training_elsewhere(executables.init.call(keys["train"], jnp.float32(0.0)))
    again = lambda other: executables.evaluate.call(keys["evaluate"], other, jnp.int32(0))  # noqa: E731
    return measure_evaluation(executables.programs.evaluate.jaxpr, again, state, evaluation, elsewhere)


def _note(course: Course, seen: Mapping[str, jax.Array], segment: int, seeds: Sequence[int], env_step: int) -> None:
    """What a segment of training has shown."""
    if segment == 1 and "replay_error" in seen:
        course.gates[REPLAY] = gate(float(seen["replay_error"].max()), TOLERANCES[REPLAY])
    for seed, finite in zip(seeds, np.asarray(seen["finite"]), strict=False):
        if not finite:
            course.diverged.setdefault(seed, env_step)


def _padded_keys(key_words: Callable, role: str, seeds: Sequence[int], seed_batch: int) -> jax.Array:
    padded = [*seeds, *[seeds[0]] * (seed_batch - len(seeds))]
    return jnp.asarray(np.array([key_words(role, seed) for seed in padded], np.uint32))


def _progress(course: Course, total: int, seeds: Sequence[int], every: int) -> Progress:
    last = course.points[-1]
    means = last.returns.mean(1)[: len(seeds)]
    returns = tuple(math.nan if seed in course.diverged else float(m) for seed, m in zip(seeds, means, strict=True))
    speed = len(seeds) * every * len(course.steady) / sum(course.steady) if course.steady else 0.0
    return Progress(last.env_step, total, returns, speed)


def agent_cost(programs: Programs, seed_batch: int, every: int) -> dict[str, Any]:
    """Of a traced cell: what its agent needs, and what a step of its training takes; nothing is compiled.

    `every`: environment steps that the traced training takes of each of `seed_batch` seeds.
    """
    torso, width = programs.experiment.torso, programs.experiment.torso_inputs
    x, start = jax.ShapeDtypeStruct((1, 1, width), jnp.float32), jax.ShapeDtypeStruct((1, 1), bool)
    carry = jax.eval_shape(lambda: torso.initialize_carry(1))
    torso_params = jax.eval_shape(torso.init, jax.random.key(0), x, start, carry).get("params", {})
    networks = programs.experiment.agent.networks
    return {
        "parameters": parameter_count(programs.state.params) // seed_batch,
        "torso_parameters": parameter_count(torso_params),
        "state_bytes": byte_count(jax.eval_shape(lambda: networks.initialize_carry(1))),
        "flops_per_env_step": {
            "value": count_flops(programs.train.jaxpr) / (seed_batch * every),
            "by": COUNTER,
        },
    }
