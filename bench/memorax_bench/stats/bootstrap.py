"""The percentile interval of a stratified bootstrap: seeds are resampled within each task, tasks are not.

So it speaks about these tasks and about fresh seeds. Percentile, because it is defined on constant data (every seed
solved the task), where BCa is not, and covers no worse.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memorax_bench.stats.aggregates import mean
from memorax_bench.stats.resampling import draws
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
    low, high = percentiles([data], statistic, level=level, reps=reps, seed=seed)
    return float(low), float(high)


def estimate(samples: Mapping[str, ArrayLike], statistic: Statistic = mean, **interval) -> Estimate:
    """`statistic` of the samples with its `bootstrap_interval`; `interval` is level, reps and seed."""
    data = checked(samples)
    low, high = bootstrap_interval(data, statistic, **interval)
    return Estimate(float(statistic(data, axis=-1)), low, high, least_seeds(data))


def mean_interval(scores: ArrayLike, **interval) -> Estimate:
    """The mean of one task's `scores[n]` with its `bootstrap_interval`."""
    return estimate({"": np.asarray(scores, dtype=np.float64)}, **interval)


def percentiles(
    parts: list[Samples],
    statistic: Callable[..., NDArray[np.float64]],
    *,
    level: float = LEVEL,
    reps: int = REPS,
    seed: int = SEED,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The interval `(low[...], high[...])` of `statistic(*parts, axis=-1)`, of arrays `[..., n]` and as many numbers.

    Every task of every part is resampled independently along its last axis; what lies before that axis stays together:
    whole curves are drawn. Raises ValueError for a level that is none.
    """
    places = [(number, task) for number, part in enumerate(parts) for task in part]
    arrays = [parts[number][task] for number, task in places]
    drawn = [draws(i, x.shape[-1], x.shape[-1], reps, seed) for i, x in enumerate(arrays)]
    together = max(1, min(reps, _AT_A_TIME // sum(x.size for x in arrays)))
    values = []
    for begin in range(0, reps, together):
        fresh: list[dict[str, NDArray]] = [{} for _ in parts]
        for (number, task), x, runs in zip(places, arrays, drawn, strict=True):
            fresh[number][task] = x[..., runs[begin : begin + together]]
        values.append(statistic(*fresh, axis=-1))
    low, high = np.quantile(np.concatenate(values, axis=-1), tails(level), axis=-1)
    return low, high


def tails(level: float) -> tuple[float, float]:
    """The quantiles at the ends of an interval. Raises ValueError for a level that is none."""
    if not 0 < level < 1:
        raise ValueError(f"the level {level!r} of an interval must lie between 0 and 1, as .95 does")
    return (1 - level) / 2, (1 + level) / 2
