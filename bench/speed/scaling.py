"""How training grows: steps/s, memory and compile time against environments, seeds, length and width.

python -m speed.scaling environments        # one JSON object; also: seeds, length, width, choice
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

import jax

from memorax import lox
from speed import quiet
from speed.scaling_page import CHOICES
from speed.workloads import ppo

TORSOS = ("gru", "lru", "mamba2")
LIMIT = 60.0  # seconds of a call above which the larger sizes are left out
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


def measure(torso: str, size: Size) -> dict[str, Any] | None:
    """One update of this size; None where it asks for too much memory."""
    agent = ppo(size.width, size.environments, size.length, torso, False, parts=min(8, size.environments))
    keys = jax.random.split(jax.random.key(0), size.seeds)
    state = jax.jit(jax.vmap(agent.init))(keys)
    train = jax.vmap(lox.spool(lambda key, state: agent.train(key, state, size.environments * size.length)))
    begin = time.perf_counter()
    program = jax.jit(train, donate_argnums=1).lower(keys, state).compile()
    compiled = time.perf_counter() - begin
    temporary = program.memory_analysis().temp_size_in_bytes
    if temporary > MEMORY:
        return None
    held = [state]

    def call() -> None:
        held[0] = jax.block_until_ready(program(keys, held[0])[0])

    seconds = sorted(quiet.turns(call, 3, patience=2).seconds)[1]
    return {
        "steps_per_s": size.steps / seconds,
        "seconds": seconds,
        "temporary_bytes": temporary,
        "compile_s": compiled,
    }


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
    ways = [name for torso, ways in CHOICES.items() for name in (torso, *ways)]
    torsos = chosen.torsos or (ways if chosen.kind == "choice" else TORSOS)
    print(json.dumps({torso: grow(torso, GRIDS[chosen.kind]) for torso in torsos}))


if __name__ == "__main__":
    main()
