"""How training grows: steps/s, memory and compile time against environments, seeds, length and width.

python -m speed.scaling environments        # one JSON object; also: seeds, length, width, choice
"""

import argparse
import dataclasses
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax

from memorax import lox
from speed import measuring, quiet
from speed.scaling_page import CHOICES
from speed.workloads import ppo

TORSOS = ("gru", "lru", "mamba2")
LIMIT = 60.0  # seconds of a call above which the larger sizes are left out
ROUNDS = 7  # of calls that take turns
MEMORY = 6 * 2**30  # bytes of temporary memory above which a size is left out


@dataclasses.dataclass(frozen=True)
class Size:
    """Of PPO on RepeatPreviousEasy, 4 epochs of as many minibatches as environments allow, up to 8."""

    environments: int = 16
    length: int = 128
    width: int = 64
    seeds: int = 1

    @property
    def steps(self) -> int:
        return self.environments * self.length * self.seeds


GRIDS: dict[str, list[Size]] = {
    "environments": [Size(environments=4**power) for power in range(7)],
    "seeds": [Size(seeds=2**power) for power in range(7)],
    "length": [Size(length=2**power) for power in (5, 7, 9, 10, 12)],
    "width": [Size(width=2**power) for power in range(4, 10)],
    # where `auto` changes its mind, and either side of it; RNNs do by environments in a minibatch
    "choice": [*(Size(environments=4**power) for power in range(2, 5)), Size(length=1024)],
}


def update_of(torso: str, size: Size) -> tuple[Callable[[], None], dict[str, Any]]:
    """A call that trains one update of this size, and what its program needs."""
    agent = ppo(size.width, size.environments, size.length, torso, False, parts=min(8, size.environments))
    keys = jax.random.split(jax.random.key(0), size.seeds)
    state = jax.jit(jax.vmap(agent.init))(keys)
    train = jax.vmap(lox.spool(lambda key, state: agent.train(key, state, size.environments * size.length)))
    begin = time.perf_counter()
    program = jax.jit(train, donate_argnums=1).lower(keys, state).compile()
    compiled = time.perf_counter() - begin
    needs = {"temporary_bytes": program.memory_analysis().temp_size_in_bytes, "compile_s": compiled}
    held = [state]

    def call() -> None:
        held[0] = jax.block_until_ready(program(keys, held[0])[0])

    return call, needs


def measure(torso: str, size: Size) -> dict[str, Any] | None:
    """One update of this size; None where it asks for too much memory."""
    call, needs = update_of(torso, size)
    if needs["temporary_bytes"] > MEMORY:
        return None
    seconds = sorted(quiet.turns(call, 3, patience=2).seconds)[1]
    return {"steps_per_s": size.steps / seconds, "seconds": seconds, **needs}


def in_turns(torsos: list[str], sizes: list[Size]) -> dict[str, list[dict[str, Any]]]:
    """The same as `measure`, of torsos that are compared: their updates of a size take turns."""
    found: dict[str, list[dict[str, Any]]] = {torso: [] for torso in torsos}
    for size in sizes:
        with ThreadPoolExecutor(2) as pool:
            made = dict(zip(torsos, pool.map(lambda torso, size=size: update_of(torso, size), torsos), strict=True))
        taken = measuring.in_turns({torso: call for torso, (call, _) in made.items()}, ROUNDS, LIMIT)
        for torso, (_, needs) in made.items():
            seconds = statistics.median(taken[torso])
            row = {"steps_per_s": size.steps / seconds, "seconds": seconds, **needs}
            found[torso].append({**dataclasses.asdict(size), "steps": size.steps, **row})
    return found


def grow(torso: str, sizes: list[Size], measure: Callable[[str, Size], Any] = measure) -> list[dict[str, Any]]:
    """From small to large, until a size takes too long or too much."""
    found = []
    for size in sizes:
        if found and found[-1]["seconds"] * size.steps / found[-1]["steps"] > LIMIT:
            break
        row = measure(torso, size)
        if row is None:
            break
        found.append({**dataclasses.asdict(size), "steps": size.steps, **row})
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=GRIDS)
    parser.add_argument("--torsos", nargs="+")
    chosen = parser.parse_args(arguments)
    grid = GRIDS[chosen.kind]
    if chosen.kind == "choice":
        compared = {torso: ways for torso, ways in CHOICES.items() if torso in (chosen.torsos or CHOICES)}
        found = [in_turns([torso, *ways], grid) for torso, ways in compared.items()]
        print(json.dumps({name: rows for part in found for name, rows in part.items()}))
    else:
        print(json.dumps({torso: grow(torso, grid) for torso in chosen.torsos or TORSOS}))


if __name__ == "__main__":
    main()
