"""How fast something learns: a statistic at every point of curves, whole curves being resampled."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memorax_bench.stats.aggregates import mean
from memorax_bench.stats.bootstrap import percentiles
from memorax_bench.stats.samples import Samples, Statistic, least_seeds


class Band(NamedTuple):
    """Arrays `[points]`: a statistic, and the ends of its interval (NaN where a task has one seed)."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def efficiency_curve(curves: Mapping[str, ArrayLike], statistic: Statistic = mean, **interval) -> Band:
    """`statistic` at every point of the tasks' `curves[n, points]`, with a pointwise percentile interval.

    Points are of one grid, of environment steps or of seconds, and nothing is smoothed. Whole curves are resampled;
    it is no simultaneous band. `interval` is level, reps and seed. Where no task varies at a point, the band there is
    the value; where a task has one seed, it is NaN everywhere.
    Raises ValueError on no task, curves of different lengths and values that are not finite (a run that failed has the
    task's hard minimum from then on: `failed_as`).
    """
    data = {task: _checked(task, curves[task]).T for task in sorted(curves)}
    if len({len(values) for values in data.values()}) != 1:
        shapes = ", ".join(f"{task}: {len(values)}" for task, values in data.items()) or "no task"
        raise ValueError(f"curves need the same points in every task; numbers of points: {shapes}")
    return bands(data, statistic, **interval)


def mean_band(values: ArrayLike, **interval) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The band of the mean of one task's curves `values[n, points]`: two arrays `[points]`. NaN for a single curve."""
    return efficiency_curve({"": values}, **interval)[1:]


def bands(data: Samples, statistic: Statistic, **interval) -> Band:
    """`statistic` of arrays `[points, n]` with its interval at every point."""
    value = statistic(data, axis=-1)
    if least_seeds(data) == 1:
        return Band(value, np.full_like(value, math.nan), np.full_like(value, math.nan))
    low, high = percentiles([data], statistic, **interval)
    # where rounding in the statistic of a resample must not make a width
    constant = np.all([np.ptp(values, axis=-1) == 0 for values in data.values()], axis=0)
    return Band(value, np.where(constant, value, low), np.where(constant, value, high))


def _checked(task: str, values: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(values, dtype=np.float64)
    where = f" of task '{task}'" if task else ""
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"expected finite curves [seeds, points]{where}, got the shape {values.shape}")
    return values
