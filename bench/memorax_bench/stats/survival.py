"""Time to a threshold, where some runs never reach it: those are censored, not dropped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memorax_bench.stats.samples import ROUNDING


@dataclass(frozen=True)
class Survival:
    """The share of runs that have not reached a threshold, as steps over time.

    `surviving[i]` is what it falls to at `times[i]`; before `times[0]` it is 1. `median` is the first time at which it
    is a half or less, None where that is never seen; `censored` of `n` runs did not reach the threshold while observed.
    """

    times: NDArray[np.float64]
    surviving: NDArray[np.float64]
    median: float | None
    censored: int
    n: int


def time_to_threshold(curves: ArrayLike, at: ArrayLike, threshold: float) -> Survival:
    """When the runs of `curves[n, points]` are first seen at `threshold` or above, by Kaplan and Meier (1958).

    `at` are the times of the points, in steps or seconds, ascending: `[points]`, or `[n, points]` where every run has
    its own, NaN from where a run was not observed any more. Reaching it counts once: that a run falls again is not
    told. Times are those of evaluations, so that a run crossed at its time or after the evaluation before it. A score
    that is NaN, of a run that diverged, is below any threshold, and its run stays observed to the end of its times.
    The product over times of (1 - reached then / not yet reached or censored before); a run censored at a time counts
    at that time. Raises ValueError for shapes that do not fit, and times that do not ascend.
    """
    scores = np.asarray(curves, dtype=np.float64)
    if scores.ndim != 2 or not scores.size:
        raise ValueError(f"expected curves [runs, points], at least one of each, got the shape {scores.shape}")
    when = _times(at, scores.shape)
    reached = (scores >= threshold - ROUNDING) & ~np.isnan(when)
    crossed = reached.any(axis=1)
    first = np.take_along_axis(when, reached.argmax(axis=1)[:, None], axis=1)[:, 0]
    ended = np.where(crossed, first, np.nanmax(when, axis=1))
    times = np.unique(ended[crossed])
    events = (ended[crossed] == times[:, None]).sum(axis=1)
    at_risk = (ended >= times[:, None]).sum(axis=1)
    surviving = np.cumprod(1 - events / at_risk)
    below = np.flatnonzero(surviving <= 0.5 + ROUNDING)
    median = float(times[below[0]]) if below.size else None
    return Survival(times, surviving, median, int((~crossed).sum()), len(scores))


def _times(at: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    when = np.asarray(at, dtype=np.float64)
    if when.shape not in (shape, shape[1:]):
        raise ValueError(f"times have the shape {when.shape}; for curves {shape} it is {shape[1:]} or {shape}")
    when = np.broadcast_to(when, shape)
    missing = np.isnan(when)
    late = np.diff(missing.astype(int), axis=1) < 0  # observed again after a gap
    if missing[:, 0].any() or late.any() or (np.diff(when, axis=1) <= 0).any():
        raise ValueError("the times of a run ascend, and are NaN only from where it was not observed any more")
    return when
