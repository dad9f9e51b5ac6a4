"""Performance profiles: which share of the runs does better than each of many scores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memorax_bench.stats.counted import family_mean_curve
from memorax_bench.stats.samples import checked


@dataclass(frozen=True)
class Profile:
    """Arrays `[taus]`: the scores, the share of the runs above each, and the ends of its interval (NaN: unknown)."""

    taus: NDArray[np.float64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def performance_profile(
    samples: Mapping[str, ArrayLike], families: Mapping[str, str], taus: ArrayLike, **interval
) -> Profile:
    """The family-weighted share of runs with a score above tau, for each of `taus`, with a pointwise band.

    It never rises with tau; two that cross rank differently by different thresholds. The band is a percentile interval
    at each tau (`interval`: level, reps, seed, and banded=False for none), no simultaneous one; NaN where a task has
    one seed. Raises ValueError as `bootstrap_interval` does, and for taus that are none.
    """
    taus = np.asarray(taus, dtype=np.float64)
    if taus.ndim != 1 or not taus.size or not np.isfinite(taus).all():
        raise ValueError(f"taus are scores [taus], at least one; they have the shape {taus.shape}")
    above = {task: (scores[:, None] > taus).astype(np.float64) for task, scores in checked(samples).items()}
    return Profile(taus, *family_mean_curve(above, families, **interval))
