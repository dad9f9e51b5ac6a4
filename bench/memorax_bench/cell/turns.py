"""Trains a cell for some segments by the function that `run` uses, with a clock on each of its programs.

After every segment of training follow in turn, from the state it ended in: as many steps acted without learning
(`warmup`), as many steps of as many environments under a random policy, and products of matrices, which tell how fast
the machine is at that moment. What the agents learn is of no use, and is thrown away.
"""

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from memorax.algorithms.acting import step_environments
from memorax_bench.cell.compiling import Compiled, lower
from memorax_bench.cell.products import Product
from memorax_bench.cell.progress import Progress
from memorax_bench.cell.runner import ChunkResult, Executables, Programs, as_key, run_chunk

UNCOUNTED = 1  # of the segments, the first: it takes memory and reads files


class Clock:
    """Seconds of what was called, by name, each until its results are there."""

    def __init__(self):
        self.seconds: dict[str, list[float]] = {}

    def __call__(self, name: str, function: Callable, *arguments: Any) -> Any:
        begin = time.perf_counter()
        result = jax.block_until_ready(function(*arguments))
        self.seconds.setdefault(name, []).append(time.perf_counter() - begin)
        return result

    def counted(self, name: str) -> tuple[float, ...]:
        """Without those of the first segments."""
        return tuple(self.seconds[name][UNCOUNTED:])

    def elsewhere(self) -> float:
        """Seconds that nothing was called in, since some beginning."""
        return time.perf_counter() - sum(map(sum, self.seconds.values()))


class Apart:
    """The programs of a cell that `run` does not need: acting alone, and the environment alone, for as many steps as a
    segment of training has."""

    def __init__(self, programs: Programs, config: Mapping[str, Any], width: int):
        agent, self.steps = programs.experiment.agent, config["protocol"]["eval_every"]
        # Where an algorithm replays, it does not learn before its buffer is filled.
        self.before = math.ceil(config["algorithm"]["settings"].get("learning_starts", 0) / self.steps)
        words, segment = jax.ShapeDtypeStruct((width, 2), jnp.uint32), jax.ShapeDtypeStruct((), jnp.int32)
        state = programs.state
        acting = jax.vmap(_acting(agent, self.steps), in_axes=(0, 0, None))
        playing = jax.vmap(_playing(agent, self.steps), in_axes=(0, 0, 0, None))
        self.acting = lower(acting, words, state, segment, donate_argnums=1)
        self.playing = lower(playing, words, state.env_state, state.timestep.observation, segment)
        self.act, self.play = self.acting.compile().call, self.playing.compile().call

    def fill(self, words: jax.Array, state: Any) -> Any:
        """The state from which on it learns."""
        for number in range(self.before):
            state = self.act(words, state, jnp.int32(number))
        return state


def _acting(agent: Any, steps: int) -> Callable:
    def act(words: jax.Array, state: Any, segment: jax.Array) -> Any:
        return agent.warmup(jax.random.fold_in(as_key(words), segment), state, steps)

    return act


def _playing(agent: Any, steps: int) -> Callable:
    """Environments as the agent steps them, but with random actions."""
    env, env_params, copies = agent.env, agent.env_params, agent.config.num_envs

    def play(words: jax.Array, env_state: Any, observation: Any, segment: jax.Array) -> Any:
        def step(carry: tuple, key: jax.Array) -> tuple[tuple, None]:
            draw_key, step_key = jax.random.split(key)
            action = jax.vmap(agent.action_space.sample)(jax.random.split(draw_key, copies))
            observation, env_state, reward, *_ = step_environments(step_key, env, env_params, carry[0], action)
            return (env_state, observation, carry[2] + reward), None

        keys = jax.random.split(jax.random.fold_in(as_key(words), segment), math.ceil(steps / copies))
        return jax.lax.scan(step, (env_state, observation, jnp.zeros(copies)), keys)[0]

    return play


@dataclass(frozen=True)
class _Clocked:
    """An executable that is timed whenever it is called."""

    name: str
    executable: Any
    clock: Clock

    def __call__(self, *arguments: Any) -> Any:
        return self.clock(self.name, self.executable, *arguments)


@dataclass(frozen=True)
class _Turns:
    """In place of the executable of training: that, and what is measured in turn with it."""

    executable: Any
    apart: Apart
    products: Sequence[Product]
    clock: Clock

    def __call__(self, words: jax.Array, state: Any, segment: jax.Array) -> Any:
        clock, apart = self.clock, self.apart
        if int(segment) == 1:
            state = clock("fill", apart.fill, words, state)
        state, seen = clock("train", self.executable, words, state, segment)
        state = clock("rollout", apart.act, words, state, segment)
        clock("environment", apart.play, words, state.env_state, state.timestep.observation, segment)
        for number, product in enumerate(self.products):
            clock(f"product {number}", product.call)
        return state, seen

    def memory_analysis(self) -> Any:
        return self.executable.memory_analysis()


@dataclass(frozen=True)
class Host:
    """Seconds that were spent in no program: around each of the segments, and once."""

    segments: tuple[float, ...]
    once: float


def run_in_turns(
    executables: Executables,
    apart: Apart,
    products: Sequence[Product],
    clock: Clock,
    config: Mapping[str, Any],
    key_words: Callable[[str, int], tuple[int, ...]],
    seeds: Sequence[int],
    seed_batch: int,
    segments: int,
    say: Callable[[str], None],
) -> tuple[ChunkResult, Host]:
    """So many segments and `UNCOUNTED` before them; the arguments are those of `runner.run_chunk`. The clock then has
    `init`, `train`, `rollout`, `environment`, `evaluation`, `extrapolation` and each `product N`."""
    rounds, marks = segments + UNCOUNTED, []
    short = {**config, "protocol": {**config["protocol"], "total_env_steps": rounds * apart.steps}}

    def clocked(name: str, compiled: Compiled) -> Compiled:
        return replace(compiled, call=_Clocked(name, compiled.call, clock))

    def report(progress: Progress) -> None:
        marks.append(clock.elsewhere())
        if len(marks) > 1:
            say(f"segment {len(marks) - 1} of {rounds}: {clock.seconds['train'][-1]:.1f} s of training")

    timed = replace(
        executables,
        init=clocked("init", executables.init),
        train=replace(executables.train, call=_Turns(executables.train.call, apart, products, clock)),
        evaluate=clocked("evaluation", executables.evaluate),
        elsewhere={name: clocked("extrapolation", program) for name, program in executables.elsewhere.items()},
    )
    begin = clock.elsewhere()
    result = run_chunk(timed, short, key_words, seeds, seed_batch, report)
    each = tuple(after - before for before, after in itertools.pairwise(marks))
    once = clock.elsewhere() - begin - sum(each) - result.timing["checks"]
    return result, Host(each[UNCOUNTED:], once)
