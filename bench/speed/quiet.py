"""Times on a machine that does other things as well: a turn counts while the others leave it alone. No memorax here, so
that peers are measured by the same code."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp

OTHERS = 0.08  # of a core that other processes may use in a turn that counts
PATIENCE = 6  # times as many turns are tried as are wanted, unless told
SHAPES = {  # m, k, n of the products whose rate is measured
    "large": (8192, 256, 768),
    "64 rows": (64, 256, 768),
    "32 rows": (32, 256, 768),
    "8 rows": (8, 256, 768),
}


@dataclass(frozen=True)
class Turns:
    """Of each turn that counts: seconds; the share of a core that others used, and the cores that we did."""

    seconds: list[float]
    others: list[float]
    cores: list[float]


def turns(call: Callable[[], None], wanted: int, patience: int = PATIENCE) -> Turns:
    """Times a call that returns when its work is done, after one that does not count.

    The quietest `wanted` turns are kept, all of them below `OTHERS` where the machine allows it.
    """
    call()
    tried: list[tuple[float, float, float]] = []
    while sum(others <= OTHERS for others, _, _ in tried) < wanted and len(tried) < patience * wanted:
        busy, own, begin = _busy(), time.process_time(), time.perf_counter()
        call()
        seconds = time.perf_counter() - begin
        own = time.process_time() - own
        tried.append((max(0.0, _busy() - busy - own) / seconds, seconds, own / seconds))
    kept = sorted(tried)[:wanted]
    return Turns([taken for _, taken, _ in kept], [others for others, _, _ in kept], [cores for *_, cores in kept])


def _busy() -> float:
    """Seconds that all cores together have worked since the machine started."""
    user, nice, system, _idle, _wait, irq, softirq, *_ = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def matmul_rate(m: int, k: int, n: int) -> float:
    """GFLOP/s of products [m, k] x [k, n] in one compiled loop, each waiting for the one before; median of 5."""
    count = max(4, int(4e9 / (2 * m * k * n)))

    def step(x: jax.Array, _: None) -> tuple[jax.Array, None]:
        y = x @ right
        return x * 0.5 + y[:, :k] * 1e-6, None

    left, right = jnp.ones((m, k)), jnp.ones((k, n)) * 1e-3
    loop = jax.jit(lambda x: jax.lax.scan(step, x, None, length=count)[0]).lower(left).compile()
    jax.block_until_ready(loop(left))
    rates = []
    for _ in range(5):
        begin = time.perf_counter()
        jax.block_until_ready(loop(left))
        rates.append(2 * m * k * n * count / (time.perf_counter() - begin) / 1e9)
    return sorted(rates)[2]
