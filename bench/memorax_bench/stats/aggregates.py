"""One number of many tasks: means, interquartile mean, median, optimality gap; vectorised over leading axes.

In all but `mean`, a family of tasks has one vote: a score weighs 1 / (families x tasks in its family x runs of its
task). `axis` is that of the runs, the same in every task; other axes are kept, and must be alike.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from memorax_bench.stats.samples import ROUNDING, Samples, members_of, task_weights


def mean(samples: Samples, axis: int = -1) -> NDArray[np.float64]:
    """The mean over tasks of the mean over seeds: tasks weigh the same, however many seeds each has."""
    return np.mean([np.mean(values, axis=axis) for values in samples.values()], axis=0)


def family_weighted_mean(samples: Samples, families: Mapping[str, str], axis: int = -1) -> NDArray[np.float64]:
    """The mean over families of the mean over the family's tasks of the mean over seeds.

    Three difficulties of one game are one vote, not three. `families` maps task -> family, for each task of `samples`.
    """
    members = members_of(samples, families)
    return np.mean([mean({task: samples[task] for task in mine}, axis) for mine in members.values()], axis=0)


def weighted_iqm(samples: Samples, families: Mapping[str, str], axis: int = -1) -> NDArray[np.float64]:
    """The interquartile mean: of the sorted scores, what lies between a quarter and three quarters of the weight.

    A score on an edge counts with the part of its weight inside. With equal weights and a number of scores that four
    divides, it is the mean of the middle half. (Agarwal et al. 2021, there for equal numbers of runs.)
    """
    scores, weights = _sorted(samples, families, axis)
    inside = np.diff(np.clip(np.cumsum(weights, axis=-1), 0.25, 0.75), prepend=0.25)
    return np.einsum("...i,...i", scores, inside) / 0.5


def weighted_median(samples: Samples, families: Mapping[str, str], axis: int = -1) -> NDArray[np.float64]:
    """The score with half of the weight on either side; the mean of two where any score between them would do."""
    scores, weights = _sorted(samples, families, axis)
    reached = np.cumsum(weights, axis=-1)
    edges = [np.argmax(reached > half, axis=-1) for half in (0.5 - ROUNDING, 0.5 + ROUNDING)]
    return np.mean([np.take_along_axis(scores, edge[..., None], axis=-1)[..., 0] for edge in edges], axis=0)


def optimality_gap(
    samples: Samples, families: Mapping[str, str], axis: int = -1, gamma: float = 1.0
) -> NDArray[np.float64]:
    """`gamma` minus the family-weighted mean of min(score, gamma): what is missing where no task makes up for another.

    0 where every run reaches gamma, below it unbounded: a score below 0 adds to the gap.
    """
    return gamma - family_weighted_mean({task: np.minimum(samples[task], gamma) for task in samples}, families, axis)


def _sorted(samples: Samples, families: Mapping[str, str], axis: int) -> tuple[NDArray, NDArray]:
    """All scores along the last axis, ascending, and the weight of each: twice `[..., all runs]`."""
    weights = task_weights(samples, families)
    columns = {task: np.moveaxis(np.asarray(samples[task]), axis, -1) for task in sorted(samples)}
    scores = np.concatenate(list(columns.values()), axis=-1)
    weight = np.concatenate([np.full(x.shape[-1], weights[task] / x.shape[-1]) for task, x in columns.items()])
    order = np.argsort(scores, axis=-1)
    return np.take_along_axis(scores, order, axis=-1), weight[order]
