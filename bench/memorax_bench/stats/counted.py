"""The estimates that a report has thousands of, with resamples that are counted (`counting`).

What they are is said where they are defined for any statistic: `estimate`, `efficiency_curve`, `difference`.
"""

import math
from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memorax_bench.stats.aggregates import family_weighted_mean, weighted_iqm, weighted_median
from memorax_bench.stats.bootstrap import LEVEL, REPS, SEED, tails
from memorax_bench.stats.comparisons import Difference, two_sided_p
from memorax_bench.stats.counting import mean_replicates, middle_replicates
from memorax_bench.stats.efficiency import Band
from memorax_bench.stats.samples import (
    NO_INTERVAL,
    Estimate,
    Samples,
    all_constant,
    checked,
    in_common,
    least_seeds,
    task_weights,
)

Replicates = NDArray[np.float64]
_CELLS = 256  # whose replicates are in memory at a time


def mean_intervals(
    many: Iterable[ArrayLike], *, level: float = LEVEL, reps: int = REPS, seed: int = SEED
) -> list[Estimate]:
    """`mean_interval` of each of many `scores[n]`, n different by each."""
    data = [checked({"": scores})[""] for scores in many]
    found: list[Estimate | None] = [None] * len(data)
    by_size: dict[int, list[int]] = {}
    for i, scores in enumerate(data):
        by_size.setdefault(len(scores), []).append(i)
    for n, places in by_size.items():
        for begin in range(0, len(places), _CELLS):
            mine = places[begin : begin + _CELLS]
            scores = np.stack([data[i] for i in mine])
            band = _band({"": scores}, {"": 1.0}, level, reps, seed)
            for i, value, low, high in zip(mine, *band, strict=True):
                found[i] = Estimate(float(value), float(low), float(high), n)
    return found


def family_mean(
    samples: Mapping[str, ArrayLike],
    families: Mapping[str, str],
    *,
    level: float = LEVEL,
    reps: int = REPS,
    seed: int = SEED,
) -> Estimate:
    """`estimate` of `family_weighted_mean`."""
    data = {task: values[None] for task, values in checked(samples).items()}
    ((value,), (low,), (high,)) = _band(data, task_weights(data, families), level, reps, seed)
    return Estimate(float(value), float(low), float(high), least_seeds(data))


def family_gap(samples: Mapping[str, ArrayLike], families: Mapping[str, str], **interval) -> Estimate:
    """`estimate` of `optimality_gap`, up to a score of 1."""
    capped = {task: np.minimum(values, 1.0) for task, values in checked(samples).items()}
    reached = family_mean(capped, families, **interval)
    return Estimate(1.0 - reached.value, 1.0 - reached.high, 1.0 - reached.low, reached.n)


def middle(
    samples: Mapping[str, ArrayLike], families: Mapping[str, str], *, level=LEVEL, reps=REPS, seed=SEED
) -> tuple[Estimate, Estimate]:
    """`estimate` of `weighted_iqm` and of `weighted_median`."""
    data = checked(samples)
    values = (float(weighted_iqm(data, families)), float(weighted_median(data, families)))
    n = least_seeds(data)
    if n == 1:
        iqm, median = (Estimate(value, *NO_INTERVAL, n) for value in values)
    elif all_constant(data):
        iqm, median = (Estimate(value, value, value, n) for value in values)
    else:
        drawn = middle_replicates(data, families, reps=reps, seed=seed)
        iqm, median = (Estimate(value, *_ends(mine, level), n) for value, mine in zip(values, drawn, strict=True))
    return iqm, median


def family_mean_curve(
    curves: Mapping[str, ArrayLike],
    families: Mapping[str, str],
    *,
    banded: bool = True,
    level: float = LEVEL,
    reps: int = REPS,
    seed: int = SEED,
) -> Band:
    """`efficiency_curve` of `family_weighted_mean`, curves `[n, points]`; without its band (NaN) where not `banded`."""
    data = {task: np.asarray(curves[task], dtype=np.float64).T for task in sorted(curves)}
    weights = task_weights(data, families)
    if banded:
        return _band(data, weights, level, reps, seed)
    value = sum(weights[task] * values.mean(axis=-1) for task, values in data.items())
    return Band(value, np.full_like(value, math.nan), np.full_like(value, math.nan))


def family_mean_difference(
    a: Mapping[str, ArrayLike],
    b: Mapping[str, ArrayLike],
    families: Mapping[str, str],
    *,
    level: float = LEVEL,
    reps: int = REPS,
    seed: int = SEED,
) -> Difference:
    """`difference` of `family_weighted_mean`."""
    a, b = in_common(a, b)
    value, n = float(family_weighted_mean(a, families) - family_weighted_mean(b, families)), least_seeds(a, b)
    if n == 1:
        return Difference(value, *NO_INTERVAL, math.nan, n)
    weights = task_weights(a, families)
    drawn = partial(mean_replicates, weights=weights, reps=reps, seed=seed, fewer=1)
    values = np.full(reps, value) if all_constant(a, b) else drawn(a) - drawn(b, first=len(a))
    low, high = _ends(values, level)
    return Difference(value, float(low), float(high), two_sided_p(values, a, b), n)


def _band(data: Samples, weights: Mapping[str, float], level: float, reps: int, seed: int) -> Band:
    """Of arrays `[points, n]`."""
    value = sum(weights[task] * values.mean(axis=-1) for task, values in data.items())
    if least_seeds(data) == 1:
        return Band(value, np.full_like(value, math.nan), np.full_like(value, math.nan))
    low, high = _ends(mean_replicates(data, weights, reps=reps, seed=seed), level)
    # where rounding in the mean of a resample must not make a width
    constant = np.all([np.ptp(values, axis=-1) == 0 for values in data.values()], axis=0)
    return Band(value, np.where(constant, value, low), np.where(constant, value, high))


def _ends(replicates: Replicates, level: float) -> tuple:
    """The percentiles at the ends of the interval, along the last axis."""
    return tuple(np.quantile(replicates, tails(level), axis=-1))
