"""How long a short piece of a cell's training takes."""

import math
import time
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from memorax_bench.cell.build import build, learning_rate
from memorax_bench.cell.runner import trace

STEPS = 2048  # environment steps of a piece, at least
PIECES = 3  # of which the fastest counts


def seconds_of_training(config: Mapping[str, Any], seed_batch: int) -> float:
    """Of at least `STEPS` steps, all seeds together, the fastest of some pieces. Those before an algorithm learns, and
    compilation, are not counted."""
    agent = build(config).agent
    update = math.prod(getattr(agent.config, name) for name in agent.update_size)
    piece = update * math.ceil(STEPS / update)
    short = {**config, "protocol": {**config["protocol"], "total_env_steps": piece, "eval_every": piece}}
    programs = trace(short, seed_batch)
    train = programs.train.compile()
    words = jnp.arange(2 * seed_batch, dtype=jnp.uint32).reshape(seed_batch, 2)
    state = programs.init.compile(once=True).call(words, jnp.float32(learning_rate(config)))
    before = 1 + math.ceil(config["algorithm"]["settings"].get("learning_starts", 0) / piece)
    taken = []
    for segment in range(before + PIECES):
        begin = time.perf_counter()
        state, _ = jax.block_until_ready(train.call(words, state, jnp.int32(segment)))
        taken.append(time.perf_counter() - begin)
    return min(taken[before:])
