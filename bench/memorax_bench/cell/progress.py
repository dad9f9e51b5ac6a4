"""How far a chunk is. No jax: screens and launchers read it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Where a chunk stands; `returns` are the seeds' mean returns at the last evaluation (NaN: diverged)."""

    env_step: int
    total_env_steps: int
    returns: tuple[float, ...]
    steps_per_s: float
