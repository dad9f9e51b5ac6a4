"""Resampling by counting: of a resample only matters how often each run was drawn.

Then means are products of matrices, and what needs sorted scores is sorted once and not in every resample: the same
numbers as of `resampling.draws`, some hundred times sooner, and a report needs thousands of intervals.
"""

import functools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from memorax_bench.stats.resampling import draws
from memorax_bench.stats.samples import ROUNDING, Samples, task_weights

_AT_A_TIME = 1024  # resamples, so that they stay in a processor's cache


class Middle(NamedTuple):
    """Interquartile mean and median of every resample, `[reps]`."""

    iqm: NDArray[np.float64]
    median: NDArray[np.float64]


@functools.lru_cache(maxsize=256)
def counts(position: int, n: int, taken: int, reps: int, seed: int) -> NDArray[np.unsignedinteger]:
    """How often each of `n` runs is among `taken` draws, in every resample: `[n, reps]`, in the smallest type."""
    flat = draws(position, n, taken, reps, seed) + n * np.arange(reps)[:, None]
    found = np.bincount(flat.ravel(), minlength=n * reps).reshape(reps, n)
    return np.ascontiguousarray(found.T, dtype=np.min_scalar_type(taken))


def mean_replicates(
    samples: Samples, weights: Mapping[str, float], *, reps: int, seed: int, first: int = 0, fewer: int = 0
) -> NDArray[np.float64]:
    """The weighted sum over tasks of the mean over runs in every resample: `[..., reps]` of samples `[..., n]`.

    `fewer`: how many runs less than there are a resample takes.
    """
    parts, drawn = [], []
    for position, (task, values) in enumerate(samples.items(), first):
        n = values.shape[-1]
        parts.append(values * (weights[task] / (n - fewer)))
        drawn.append(counts(position, n, n - fewer, reps, seed))
    each = np.concatenate(parts, axis=-1)
    found = np.empty((*each.shape[:-1], reps))
    for begin in range(0, reps, _AT_A_TIME):
        part = slice(begin, begin + _AT_A_TIME)
        found[..., part] = each @ np.concatenate([times[:, part] for times in drawn]).astype(np.float64)
    return found


def pair_replicates(pairs: Samples, weights: Mapping[str, float], *, reps: int, seed: int) -> NDArray[np.float64]:
    """The weighted sum over tasks of the mean of `pairs[n, m]`, of runs of one method and of another: `[reps]`.

    Both are resampled; the second has the streams after those of the first.
    """
    total = np.zeros(reps)
    for position, (task, mine) in enumerate(pairs.items()):
        n, m = mine.shape
        first = counts(position, n, n, reps, seed).astype(np.float64)
        second = counts(position + len(pairs), m, m, reps, seed)
        total += np.einsum("mr,mr->r", mine.T @ first * (weights[task] / (n * m)), second)
    return total


def middle_replicates(samples: Samples, families: Mapping[str, str], *, reps: int, seed: int) -> Middle:
    """`weighted_iqm` and `weighted_median` in every resample of samples `[n]`.

    With the runs sorted, a resample changes how much weight lies up to each. The interquartile mean is the sum of
    score x weight inside the middle half; summed by parts, a product with the gaps between scores.
    """
    weights = task_weights(samples, families)
    scores = np.concatenate(list(samples.values()))
    each = np.concatenate([np.full(len(values), weights[task] / len(values)) for task, values in samples.items()])
    drawn = np.concatenate(
        [counts(position, len(x), len(x), reps, seed) for position, x in enumerate(samples.values())]
    )
    order = np.argsort(scores, kind="stable")
    scores, each, drawn = scores[order], each[order, None], drawn[order]
    gaps, iqm, median = np.diff(scores), np.empty(reps), np.empty(reps)
    for begin in range(0, reps, _AT_A_TIME):
        part = slice(begin, begin + _AT_A_TIME)
        reached = each * drawn[:, part]
        for run in range(1, len(reached)):  # a cumulative sum, in a third of np.cumsum's time
            reached[run] += reached[run - 1]
        below, above = (np.count_nonzero(reached <= half, axis=0) for half in (0.5 - ROUNDING, 0.5 + ROUNDING))
        median[part] = (scores[below] + scores[above]) / 2
        inside = np.clip(reached[:-1], 0.25, 0.75, out=reached[:-1])
        iqm[part] = 2 * (0.75 * scores[-1] - 0.25 * scores[0] - gaps @ inside)
    return Middle(iqm, median)
