"""From the evaluations of a chunk of seeds to the scores and curves of its record. No jax."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memorax_bench.cell.course import Course
from memorax_bench.records.curves import COLUMNS


def summarise(means: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Of mean returns `means[points, ...]` of the evaluations after the start: the last, their mean, the best."""
    return {"final": means[-1], "auc": means.mean(0), "best": means.max(0)}


def results(course: Course, seeds: Sequence[int]) -> dict[str, Any]:
    """Per seed the scores, whether it is finite, and the single episodes of the last evaluation."""
    means = np.stack([point.returns.mean(1) for point in course.points[1:]])  # [points, seeds]
    finite = [seed not in course.diverged for seed in seeds]

    def per_seed(values: np.ndarray) -> list[float | None]:
        return [float(value) if ok else None for value, ok in zip(values, finite, strict=False)]

    last = course.points[-1].returns
    return {
        **{name: per_seed(values) for name, values in summarise(means).items()},
        "finite": finite,
        "final_returns": [[float(value) if ok else None for value in last[i]] for i, ok in enumerate(finite)],
    }


def curve_rows(course: Course, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """A seed's returns are NaN from the step at which it was seen to have diverged."""
    rows = []
    for i, seed in enumerate(seeds):
        for point in course.points:
            returns = point.returns[i]
            if point.env_step >= course.diverged.get(seed, point.env_step + 1):
                returns = np.full_like(returns, np.nan)
            length = point.lengths[i].mean()
            row = (seed, point.env_step, returns.size, *spread(returns), length)
            rows.append(dict(zip(COLUMNS, row, strict=True)))
    return rows


def spread(returns: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Mean, standard deviation, least and largest of the episodes `returns[n]` of one evaluation."""
    deviation = returns.std(ddof=1) if returns.size > 1 else 0.0
    return returns.mean(), deviation, returns.min(), returns.max()
