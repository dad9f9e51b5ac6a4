"""Two methods against one another: probability of improvement, difference with interval and p, Holm's correction.

Both are compared on the tasks that both have: a mean over other tasks is no comparison.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memorax_bench.stats.aggregates import mean
from memorax_bench.stats.bootstrap import LEVEL, REPS, SEED, tails
from memorax_bench.stats.counting import pair_replicates
from memorax_bench.stats.resampling import resample
from memorax_bench.stats.samples import (
    NO_INTERVAL,
    ROUNDING,
    Estimate,
    Samples,
    Statistic,
    all_constant,
    in_common,
    least_seeds,
    task_weights,
)


@dataclass(frozen=True)
class Difference:
    """A statistic of one method minus that of another, its interval, and the two-sided p of no difference.

    Interval and p are NaN where a task has one seed; `n` is the least number of seeds of any task of either.
    """

    value: float
    low: float
    high: float
    p: float
    n: int


def probability_of_improvement(
    a: Mapping[str, ArrayLike],
    b: Mapping[str, ArrayLike],
    families: Mapping[str, str],
    *,
    level: float = LEVEL,
    reps: int = REPS,
    seed: int = SEED,
) -> Estimate:
    """The probability that a run of `a` scores higher than one of `b` in the same task; ties count half.

    The family-weighted mean over tasks of (pairs a > b, and half of pairs a = b) / pairs, with a percentile interval,
    both resampled independently. .5 says nothing of either; it tells how often, not by how much. NaN as interval where
    a task has one seed. Raises ValueError where no task is in both, and as `bootstrap_interval` does.
    """
    a, b = in_common(a, b)

    weights, n = task_weights(a, families), least_seeds(a, b)
    wins = {task: (np.sign(a[task][:, None] - b[task]) + 1) / 2 for task in a}
    value = sum(weights[task] * float(mine.mean()) for task, mine in wins.items())
    if n == 1:
        return Estimate(value, *NO_INTERVAL, n)
    low, high = np.quantile(pair_replicates(wins, weights, reps=reps, seed=seed), tails(level))
    return Estimate(value, float(low), float(high), n)


def difference(
    a: Mapping[str, ArrayLike],
    b: Mapping[str, ArrayLike],
    statistic: Statistic = mean,
    *,
    level: float = LEVEL,
    reps: int = REPS,
    seed: int = SEED,
) -> Difference:
    """`statistic(a) - statistic(b)` over the tasks that both have, with a percentile interval and a p.

    Both are resampled within each task (`resample`). p is two-sided and comes from the same replicates as the interval:
    2 (k + 1) / (reps + 1), at most 1, where k of them lie at 0 or on its less frequent side. It is never below
    2 / (ways to deal the runs of both out anew, task by task): without an assumption about how scores are distributed
    no test can say more, and three seeds against three in one task never say less than .1. Where within each task all
    seeds are equal, the interval is the value twice, and p is 1 for no difference, else that bound. Where a task has
    one seed, interval and p are NaN.
    Raises ValueError where no task is in both, and as `bootstrap_interval` does.
    """
    a, b = in_common(a, b)
    value, n = float(statistic(a, axis=-1) - statistic(b, axis=-1)), least_seeds(a, b)
    if n == 1:
        return Difference(value, *NO_INTERVAL, math.nan, n)
    if all_constant(a, b):
        values = np.full(reps, value)
    else:
        fresh = partial(resample, reps=reps, seed=seed)
        values = statistic(fresh(a), axis=-1) - statistic(fresh(b, first=len(a)), axis=-1)
    low, high = np.quantile(values, tails(level))
    return Difference(value, float(low), float(high), two_sided_p(values, a, b), n)


def two_sided_p(replicates: NDArray[np.float64], a: Samples, b: Samples) -> float:
    """The p of `difference`, from the replicates of one and the runs of both."""
    side = min((replicates <= ROUNDING).sum(), (replicates >= -ROUNDING).sum())
    deals = math.prod(math.comb(len(a[task]) + len(b[task]), len(a[task])) for task in a)
    return min(1.0, max(2 * (int(side) + 1) / (len(replicates) + 1), 2 / deals))


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """The p of each comparison adjusted for all of them (Holm 1979): below .05, the chance of one false claim is 5%.

    The smallest is multiplied by their number m, the next by m - 1, and so on, none below one before it, none above 1.
    NaN, of a comparison that was declared and cannot be made yet, stays NaN and counts in m, which can only raise the
    others. Raises ValueError for what is no probability.
    """
    wrong = {name: value for name, value in p.items() if value < 0 or value > 1}
    if wrong:
        raise ValueError(f"a p lies between 0 and 1: {', '.join(f'{name}={value!r}' for name, value in wrong.items())}")
    adjusted, most = dict.fromkeys(p, math.nan), 0.0
    known = sorted((value, name) for name, value in p.items() if not math.isnan(value))
    for place, (value, name) in enumerate(known):
        most = adjusted[name] = max(most, min(1.0, (len(p) - place) * value))
    return adjusted
