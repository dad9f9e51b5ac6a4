"""How certain a ranking is: the rank of every method in resamples of all of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from memorax_bench.stats.aggregates import family_weighted_mean
from memorax_bench.stats.bootstrap import LEVEL, REPS, SEED, tails
from memorax_bench.stats.counting import mean_replicates
from memorax_bench.stats.samples import ROUNDING, Samples, checked, least_seeds, task_weights


@dataclass(frozen=True)
class Rank:
    """A method's rank, 1 the best, the ends of its interval, and the probability that it is the best of all.

    Whole numbers but for the probability; NaN, all but the rank, where a task of any method has one seed.
    """

    rank: int
    low: float
    high: float
    p_best: float


def rank_intervals(
    methods: Mapping[str, Mapping[str, ArrayLike]],
    families: Mapping[str, str],
    *,
    level: float = LEVEL,
    reps: int = REPS,
    seed: int = SEED,
) -> dict[str, Rank]:
    """The rank of each method by the family-weighted mean, with a percentile interval over joint replicates.

    In each of `reps` replicates the seeds of every task of every method are drawn anew (as `resample` does), and the
    methods are ranked; replicates of different methods are dealt together at random. A rank is 1 + the number of
    methods that are better, so that equals share the better one. `p_best` is the share of replicates that a method
    wins, divided among equals: it sums to 1. Depends on neither the order of methods nor that of tasks. Raises
    ValueError without methods, where one lacks a task that another has (its mean would be of another thing), and as
    `bootstrap_interval` does.
    """
    data = {name: checked(methods[name]) for name in sorted(methods)}
    _refuse_other_tasks(data)
    ranks = dict(zip(data, _ranks(_means(data, families)), strict=True))
    if any(least_seeds(samples) == 1 for samples in data.values()):
        return {name: Rank(int(ranks[name]), math.nan, math.nan, math.nan) for name in methods}
    rng, weights = np.random.default_rng(seed), task_weights(next(iter(data.values())), families)
    alone = (mean_replicates(samples, weights, reps=reps, seed=seed, fewer=1) for samples in data.values())
    drawn = _ranks(np.stack([rng.permutation(replicates) for replicates in alone]))
    ends = dict(zip(data, np.quantile(drawn, tails(level), axis=-1, method="inverted_cdf").T, strict=True))
    best = dict(zip(data, ((drawn == 1) / (drawn == 1).sum(axis=0)).mean(axis=-1), strict=True))
    return {name: Rank(int(ranks[name]), *map(float, ends[name]), float(best[name])) for name in methods}


def _means(methods: Mapping[str, Samples], families: Mapping[str, str]) -> NDArray[np.float64]:
    return np.stack([family_weighted_mean(samples, families) for samples in methods.values()])


def _ranks(means: NDArray[np.float64]) -> NDArray[np.int64]:
    """`[methods, ...]` alike: 1 + how many are higher."""
    return 1 + np.stack([(means > mine + ROUNDING).sum(axis=0) for mine in means])


def _refuse_other_tasks(methods: Mapping[str, Samples]) -> None:
    if not methods:
        raise ValueError("no method to rank")
    tasks = set().union(*methods.values())
    lacking = {name: ", ".join(sorted(tasks - samples.keys())) for name, samples in methods.items()}
    if any(lacking.values()):
        what = "; ".join(f"{name} lacks {names}" for name, names in lacking.items() if names)
        raise ValueError(f"methods are ranked on the same tasks: {what}")
