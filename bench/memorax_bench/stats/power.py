"""How many seeds a comparison needs, from how much seeds were seen to vary."""

import math
from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from memorax_bench.stats.bootstrap import LEVEL
from memorax_bench.stats.samples import checked, least_seeds, task_weights

POWER = 0.8
_LEAST = 2  # seeds that have a spread


def family_spread(samples: Mapping[str, ArrayLike], families: Mapping[str, str]) -> float:
    """The standard deviation of the family-weighted mean of one seed in every task; of n seeds it is this / sqrt(n).

    The square root of the sum over tasks of w² s², w the task's weight: runs of different tasks are independent. NaN
    where a task has one seed; 0 where within each task all seeds are equal. Raises ValueError as `bootstrap_interval`.
    """
    data, weights = checked(samples), task_weights(samples, families)
    if least_seeds(data) == 1:
        return math.nan
    return math.sqrt(sum(weights[task] ** 2 * np.var(x, ddof=1) for task, x in data.items() if np.ptp(x)))


def seeds_needed(
    spread: float, difference: float, *, power: float = POWER, level: float = LEVEL, comparisons: int = 1
) -> int:
    """The seeds of each of two methods at which a true difference of their means is found with probability `power`.

    `spread` is the standard deviation of one seed's score, the same in both (of two, the root of the mean square); the
    test is two-sided at `level`, divided among `comparisons` as Bonferroni does, which is Holm's first step. The normal
    n = 2 (z + z')² spread² / difference², plus z² / 4 for a spread that is itself estimated (Guenther 1981); z and z'
    are the quantiles of 1 - (1 - level) / comparisons / 2 and of `power`. At least 2. A spread of few seeds is itself
    uncertain: this plans, it does not decide. Raises ValueError for arguments for which there is no answer.
    """
    if not spread >= 0 or not math.isfinite(spread):
        raise ValueError(f"the spread {spread!r} must be a standard deviation: 0 or above, and known")
    if not difference > 0:
        raise ValueError(f"the difference {difference!r} to resolve must lie above 0")
    if not 0 < level < 1 or comparisons < 1:
        raise ValueError(f"level={level!r} must lie between 0 and 1, comparisons={comparisons!r} at 1 or above")
    rejected = (1 - level) / comparisons
    if not rejected < power < 1:
        raise ValueError(f"the power {power!r} must lie between {rejected:g}, which chance alone has, and 1")
    z, z_power = NormalDist().inv_cdf(1 - rejected / 2), NormalDist().inv_cdf(power)
    needed = 2 * ((z + z_power) * spread / difference) ** 2 + z**2 / 4
    return max(_LEAST, math.ceil(needed - 1e-9))
