"""Validity gates: whether the torso of a cell computes one function in acting and in learning."""

import functools
import json
import math
from typing import Any

import jax

from memorax.networks import laws

REPLAY_TOLERANCE = 1e-4  # log-probabilities in float32 at the protocol's matmul precision, after training


def measure_torso(torso: Any, features: int) -> dict[str, dict[str, Any]]:
    """The laws of `memorax.networks.laws` for a torso that reads `features` numbers."""
    return json.loads(_measured(torso, features))


@functools.lru_cache(maxsize=64)
def _measured(torso: Any, features: int) -> str:
    with jax.default_matmul_precision("highest"):
        program = jax.jit(lambda key: laws.measure(torso, key, features)).lower(jax.random.key(0))
        # not optimised: it runs once
        errors = program.compile({"xla_backend_optimization_level": 0})(jax.random.key(0))
    return json.dumps({law: gate(float(error), laws.TOLERANCE) for law, error in errors.items()})


def gate(error: float, tolerance: float) -> dict[str, Any]:
    """Passed or not, and by how much; an error that is not finite has no number."""
    return {"pass": error <= tolerance, "max_rel": error if math.isfinite(error) else None}
