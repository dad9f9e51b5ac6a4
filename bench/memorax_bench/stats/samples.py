"""What statistics are of: `task -> scores[n]`, n different by task. How scores become comparable, and an Estimate."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Samples = Mapping[str, NDArray[np.float64]]
Statistic = Callable[..., NDArray[np.float64]]  # (samples, axis) -> the samples' shape without that axis

FEW_SEEDS = 10  # of fewer, percentile intervals are shorter than they say, and marked where they are shown
NO_INTERVAL = (math.nan, math.nan)
ROUNDING = 1e-9  # a score that is .9 on paper may be one ulp below it


@dataclass(frozen=True)
class Estimate:
    """A statistic, its interval (NaN where n is too small for one), and the least number of seeds of any task."""

    value: float
    low: float
    high: float
    n: int


def failed_as(scores: ArrayLike, hard_min: float) -> NDArray[np.float64]:
    """`scores[n]` as floats, with None, NaN and infinities (seeds that failed) replaced by `hard_min`.

    Leaving them out would reward divergence.
    """
    scores = np.asarray(scores, dtype=np.float64)
    return np.where(np.isfinite(scores), scores, hard_min)


def normalise(scores: ArrayLike, floor: float, ceiling: float) -> NDArray[np.float64]:
    """`(scores - floor) / (ceiling - floor)`, not clipped: below 0 and above 1 are ordinary values.

    Raises ValueError where the ceiling does not lie above the floor: the score would explode.
    """
    room = ceiling - floor
    if not room > 1e-9 * max(1.0, abs(floor), abs(ceiling)):
        raise ValueError(f"the ceiling {ceiling!r} must lie above the floor {floor!r}")
    return (np.asarray(scores, dtype=np.float64) - floor) / room


def checked(samples: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    """The samples as arrays of floats, in the order of the tasks' names, on which no statistic depends.

    Raises ValueError on no task, a task without seeds, and scores that are not finite.
    """
    if not samples:
        raise ValueError("no task: a statistic needs the scores of one at least")
    return {task: _checked(task, samples[task]) for task in sorted(samples)}


def in_common(a: Mapping[str, ArrayLike], b: Mapping[str, ArrayLike]) -> tuple[dict, dict]:
    """Both, `checked`, with the tasks that both have. Raises ValueError where there is none."""
    tasks = a.keys() & b.keys()
    if not tasks:
        raise ValueError(f"no task in common: {', '.join(sorted(a)) or 'none'} and {', '.join(sorted(b)) or 'none'}")
    return checked({task: a[task] for task in tasks}), checked({task: b[task] for task in tasks})


def task_weights(tasks: Iterable[str], families: Mapping[str, str]) -> dict[str, float]:
    """task -> 1 / (families x tasks in its family), which sums to 1. Raises ValueError for a task without a family."""
    members = members_of(tasks, families)
    return {task: 1 / (len(members) * len(mine)) for mine in members.values() for task in mine}


def members_of(tasks: Iterable[str], families: Mapping[str, str]) -> dict[str, list[str]]:
    """family -> its tasks among these, sorted. Raises ValueError for a task without a family."""
    members: dict[str, list[str]] = {}
    for task in sorted(tasks):
        if task not in families:
            raise ValueError(f"task '{task}' has no family; known are: {', '.join(sorted(families)) or 'none'}")
        members.setdefault(families[task], []).append(task)
    return members


def least_seeds(*samples: Samples) -> int:
    """The least number of seeds of any task."""
    return min(values.shape[-1] for tasks in samples for values in tasks.values())


def all_constant(*samples: Samples) -> bool:
    """Whether within each task all seeds are equal."""
    return all(np.ptp(values) == 0 for tasks in samples for values in tasks.values())


def _checked(task: str, values: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(values, dtype=np.float64)
    where = f"task '{task}'" if task else "the sample"
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{where} needs one score per seed, at least one; it has the shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{where} holds scores that are not finite; failed_as says what they count as")
    return values
