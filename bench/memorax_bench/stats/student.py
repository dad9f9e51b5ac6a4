"""Intervals of means by Student's t: of few seeds they cover what they say, where percentiles are too narrow.

Coverage of a nominal 95%, eight tasks that are solved or not, by 3, 5, 10 seeds: t .96, .96, .95; percentile .85, .91,
.93. They are of means only, and may reach beyond what scores can be.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from memorax_bench.stats.aggregates import family_weighted_mean
from memorax_bench.stats.bootstrap import LEVEL
from memorax_bench.stats.samples import NO_INTERVAL, Estimate, checked, least_seeds, task_weights


def t_interval(scores: ArrayLike, level: float = LEVEL) -> Estimate:
    """The mean of one task's `scores[n]`, with `mean ± t(n - 1) s / sqrt(n)`.

    One seed has no interval (NaN); equal seeds have one of no width.
    """
    return family_mean_t_interval({"": np.asarray(scores, dtype=np.float64)}, {"": ""}, level)


def family_mean_t_interval(
    samples: Mapping[str, ArrayLike], families: Mapping[str, str], level: float = LEVEL
) -> Estimate:
    """The family-weighted mean with an interval by Welch and Satterthwaite: seeds vary within tasks, tasks are fixed.

    Its variance is the sum over tasks of w² s² / n, w the task's weight. NaN where a task has one seed, the value twice
    where within each task all seeds are equal. Raises ValueError as `bootstrap_interval` does.
    """
    data, weights = checked(samples), task_weights(samples, families)
    value, n = float(family_weighted_mean(data, families)), least_seeds(data)
    if n == 1:
        return Estimate(value, *NO_INTERVAL, n)
    parts = [weights[task] ** 2 * _variance(scores) / len(scores) for task, scores in data.items()]
    half = t_half_width(parts, [len(scores) for scores in data.values()], 0.5 + level / 2)
    return Estimate(value, value - half, value + half, n)


def t_half_width(parts: Sequence[float], counts: Sequence[int], quantile: float) -> float:
    """t's quantile times the standard error of a sum of independent means, of which `parts` are the variances.

    `counts` are the numbers of scores behind each, two at least; the degrees of freedom are Satterthwaite's (1946):
    (sum of parts)² / sum of part² / (count - 1). 0 where nothing varies.
    """
    from scipy.special import stdtrit  # most verbs need no statistics

    if not sum(parts):
        return 0.0
    freedom = sum(parts) ** 2 / sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    return float(stdtrit(freedom, quantile)) * math.sqrt(sum(parts))


def _variance(scores: np.ndarray) -> float:
    """0, and not what rounding leaves, of equal scores."""
    return float(np.var(scores, ddof=1)) if np.ptp(scores) else 0.0
