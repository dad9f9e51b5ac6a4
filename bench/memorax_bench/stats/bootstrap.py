"""The percentile interval of a stratified bootstrap: seeds are resampled within each task, tasks are not.

So it speaks about these tasks and about fresh seeds. Percentile, because it is defined on constant data (every seed
solved the task), where BCa is not, and covers no worse.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memorax_bench.stats.aggregates import mean
from memorax_bench.stats.samples import (
    NO_INTERVAL,
    Estimate,
    Samples,
    Statistic,
    all_constant,
    checked,
    least_seeds,
)

LEVEL, REPS, SEED = 0.95, 10_000, 0  # of an interval, unless told
_AT_A_TIME = 2**24  # resampled numbers in memory


class Replicates(NamedTuple):
    """The ends of the interval `[...]`, and the statistic of every resample `[..., reps]`."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    values: NDArray[np.float64]


def bootstrap_interval(
    samples: Mapping[str, ArrayLike],
    statistic: Statistic = mean,
    *,
    level: float = LEVEL,
    reps: int = REPS,
    seed: int = SEED,
) -> tuple[float, float]:
    """The percentile interval of `statistic(samples, axis=...)` under resampling of seeds within each task.

    `(nan, nan)` where a task has one seed, whose spread cannot be known; the value twice where within each task all
    seeds are equal. Depends on the samples and the arguments alone, not on the order of the tasks.
    Raises ValueError on no task, a task without seeds, and scores that are not finite.
    """
    data = checked(samples)
    if least_seeds(data) == 1:
        return NO_INTERVAL
    if all_constant(data):
        value = float(statistic(data, axis=-1))
        return value, value
    found = replicates([data], statistic, level=level, reps=reps, seed=seed)
    return float(found.low), float(found.high)


def estimate(samples: Mapping[str, ArrayLike], statistic: Statistic = mean, **interval) -> Estimate:
    """`statistic` of the samples with its `bootstrap_interval`; `interval` is level, reps and seed."""
    data = checked(samples)
    low, high = bootstrap_interval(data, statistic, **interval)
    return Estimate(float(statistic(data, axis=-1)), low, high, least_seeds(data))


def mean_interval(scores: ArrayLike, **interval) -> Estimate:
    """The mean of one task's `scores[n]` with its `bootstrap_interval`."""
    return estimate({"": np.asarray(scores, dtype=np.float64)}, **interval)


def replicates(
    parts: list[Samples],
    statistic: Callable[..., NDArray[np.float64]],
    *,
    level: float = LEVEL,
    reps: int = REPS,
    seed: int = SEED,
) -> Replicates:
    """`statistic(*parts, axis=-1)` under independent resampling, along the last axis, of every task of every part.

    All else that an array has before its last axis stays together: whole curves are drawn. Raises ValueError where
    level does not lie between 0 and 1.
    """
    from scipy.stats import bootstrap  # 0.3 s to import, and most verbs need no statistics

    if not 0 < level < 1:
        raise ValueError(f"the level {level!r} of an interval must lie between 0 and 1, as .95 does")
    names = [(number, task) for number, part in enumerate(parts) for task in part]
    arrays = [parts[number][task] for number, task in names]

    def of_arrays(*arrays, axis):
        drawn: list[dict[str, NDArray]] = [{} for _ in parts]
        for (number, task), values in zip(names, arrays, strict=True):
            drawn[number][task] = values
        return statistic(*drawn, axis=axis)

    result = bootstrap(
        arrays,
        of_arrays,
        axis=-1,
        n_resamples=reps,
        batch=max(1, min(reps, _AT_A_TIME // sum(values.size for values in arrays))),
        vectorized=True,
        paired=False,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return Replicates(*result.confidence_interval, result.bootstrap_distribution)
