"""A permutation test of one set of runs against another: it assumes nothing but that runs could be dealt otherwise."""

import itertools
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memorax_bench.stats.samples import ROUNDING, in_common

MOST = 20_000  # ways to deal that are all tried; of more, as many are drawn


def permutation_p(a: Mapping[str, ArrayLike], b: Mapping[str, ArrayLike], seed: int = 0) -> float:
    """The one-sided p of `a` being no better than `b`, over the tasks that both have (`task -> scores[n]`).

    The statistic is the mean over tasks of mean(a) - mean(b); p is the share of ways to deal the runs of each task out
    anew, in the numbers that there are, with a statistic as large as the one found. All ways are tried where there are
    `MOST` at most; of more, `MOST` are drawn by `seed` and p is (k + 1) / (MOST + 1). It is at least 1 / ways: with
    three runs against three of one task never below .05, with five against five .004.
    Raises ValueError where no task is in both, and on scores that are not finite.
    """
    a, b = in_common(a, b)
    tasks = [(a[task], b[task]) for task in a]
    found = float(np.mean([mine.mean() - other.mean() for mine, other in tasks]))
    ways = math.prod(math.comb(len(mine) + len(other), len(mine)) for mine, other in tasks)
    if ways <= MOST:
        sums = np.zeros(1)
        for mine, other in tasks:
            sums = np.add.outer(sums, _all_deals(mine, other)).ravel()
        return float(np.mean(sums / len(tasks) >= found - ROUNDING))
    rng = np.random.default_rng(seed)
    drawn = sum(_drawn_deals(mine, other, rng) for mine, other in tasks) / len(tasks)
    return (int((drawn >= found - ROUNDING).sum()) + 1) / (MOST + 1)


def _all_deals(mine: NDArray, other: NDArray) -> NDArray[np.float64]:
    """mean - mean of every way to deal the runs of one task out: [ways]."""
    both = np.concatenate([mine, other])
    chosen = np.array(list(itertools.combinations(range(len(both)), len(mine))))
    return _differences(both[chosen].sum(1), both, len(mine))


def _drawn_deals(mine: NDArray, other: NDArray, rng: np.random.Generator) -> NDArray[np.float64]:
    """The same of `MOST` ways that are drawn."""
    both = np.concatenate([mine, other])
    dealt = rng.permuted(np.broadcast_to(both, (MOST, len(both))), axis=1)
    return _differences(dealt[:, : len(mine)].sum(1), both, len(mine))


def _differences(sums: NDArray, both: NDArray, count: int) -> NDArray[np.float64]:
    return sums / count - (both.sum() - sums) / (len(both) - count)
