"""The statistics of the report: pure functions of per-seed scores, `task -> scores[n]`, with n different by task.

Order of work: `failed_as` (a seed that diverged counts as the task's hard minimum), `normalise` (floor 0, ceiling 1),
then an aggregate and its interval. The interval is the percentile interval of a stratified bootstrap: seeds are
resampled within each task, tasks are not, so it speaks about these tasks and about fresh seeds. Percentile, because
it is defined on constant data (every seed solved the task), where BCa is not, and covers no worse.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Samples = Mapping[str, NDArray[np.float64]]
Statistic = Callable[..., NDArray[np.float64]]  # (samples, axis) -> the samples' shape without that axis

SOLVED_AT = 0.9  # normalised score that the whole interval has to reach
HORIZON_AT = 0.5  # normalised score that the whole interval has to reach for a length to count as remembered
NEED_FOR_MEMORY = 0.1  # normalised distance from the better control up to the ceiling below which gain has no meaning
_NO_INTERVAL = (math.nan, math.nan)
_ROUNDING = 1e-9  # a score that is .9 on paper may be one ulp below it


@dataclass(frozen=True)
class Estimate:
    """A statistic, its interval (NaN where n is too small for one), and the least number of seeds of any task."""

    value: float
    low: float
    high: float
    n: int


def failed_as(scores: ArrayLike, hard_min: float) -> NDArray[np.float64]:
    """`scores[n]` as floats, with None, NaN and infinities (seeds that failed) replaced by `hard_min`.

    Leaving them out would reward divergence.
    """
    scores = np.asarray(scores, dtype=np.float64)
    return np.where(np.isfinite(scores), scores, hard_min)


def normalise(scores: ArrayLike, floor: float, ceiling: float) -> NDArray[np.float64]:
    """`(scores - floor) / (ceiling - floor)`, not clipped: below 0 and above 1 are ordinary values.

    Raises ValueError where the ceiling does not lie above the floor: the score would explode.
    """
    room = ceiling - floor
    if not room > 1e-9 * max(1.0, abs(floor), abs(ceiling)):
        raise ValueError(f"the ceiling {ceiling!r} must lie above the floor {floor!r}")
    return (np.asarray(scores, dtype=np.float64) - floor) / room


def mean(samples: Samples, axis: int = -1) -> NDArray[np.float64]:
    """The mean over tasks of the mean over seeds: tasks weigh the same, however many seeds each has."""
    return np.mean([np.mean(values, axis=axis) for values in samples.values()], axis=0)


def family_weighted_mean(samples: Samples, families: Mapping[str, str], axis: int = -1) -> NDArray[np.float64]:
    """The mean over families of the mean over the family's tasks of the mean over seeds.

    Three difficulties of one game are one vote, not three. `families` maps task -> family, for each task of `samples`.
    """
    members: dict[str, dict[str, NDArray[np.float64]]] = {}
    for task in sorted(samples):
        members.setdefault(families[task], {})[task] = samples[task]
    return np.mean([mean(tasks, axis) for tasks in members.values()], axis=0)


def bootstrap_interval(
    samples: Samples, statistic: Statistic = mean, *, level: float = 0.95, reps: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """The percentile interval of `statistic(samples, axis=...)` under resampling of seeds within each task.

    `(nan, nan)` where a task has one seed, whose spread cannot be known; the value twice where within each task all
    seeds are equal. Depends on the samples and the arguments alone, not on the order of the tasks.
    Raises ValueError on no task, a task without seeds, and scores that are not finite.
    """
    tasks = sorted(samples)
    data = {task: _checked(task, samples[task]) for task in tasks}
    if not data:
        raise ValueError("no task to bootstrap")
    if any(len(values) == 1 for values in data.values()):
        return _NO_INTERVAL
    if all(np.ptp(values) == 0 for values in data.values()):
        value = float(statistic(data, axis=-1))
        return value, value

    def of_arrays(*arrays, axis):
        return statistic(dict(zip(tasks, arrays, strict=True)), axis=axis)

    low, high = _percentile_bootstrap(tuple(data.values()), of_arrays, level, reps, seed)
    return float(low), float(high)


def mean_band(values: ArrayLike, *, level: float = 0.95, reps: int = 10_000, seed: int = 0) -> tuple[NDArray, NDArray]:
    """`bootstrap_interval` of the mean at every point of curves `values[n, points]`: two arrays `[points]`.

    Whole curves are resampled, and pointwise intervals taken: it is no simultaneous band. NaN for a single curve.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"expected finite curves [seeds, points], got the shape {values.shape}")
    if len(values) == 1:
        return np.full(values.shape[1], math.nan), np.full(values.shape[1], math.nan)
    low, high = _percentile_bootstrap((values.T,), np.mean, level, reps, seed)
    constant = np.ptp(values, axis=0) == 0  # where rounding in the mean of a resample must not make a width
    value = values.mean(axis=0)
    return np.where(constant, value, low), np.where(constant, value, high)


def estimate(samples: Samples, statistic: Statistic = mean, **interval) -> Estimate:
    """`statistic` of the samples with its `bootstrap_interval`; `interval` is level, reps and seed."""
    low, high = bootstrap_interval(samples, statistic, **interval)
    value = float(statistic({task: np.asarray(samples[task], dtype=np.float64) for task in sorted(samples)}, axis=-1))
    return Estimate(value, low, high, min(len(values) for values in samples.values()))


def mean_interval(scores: ArrayLike, **interval) -> Estimate:
    """The mean of one task's `scores[n]` with its `bootstrap_interval`."""
    return estimate({"": np.asarray(scores, dtype=np.float64)}, **interval)


def solved(families: Mapping[str, Estimate], threshold: float = SOLVED_AT) -> tuple[str, ...]:
    """The families whose normalised mean lies at `threshold` or above with its whole interval, sorted.

    Not the mean alone: two seeds of three at 1 and one at .75 are not a solved task. One seed, which has no interval,
    solves nothing.
    """
    return tuple(sorted(family for family, score in families.items() if score.low >= threshold - _ROUNDING))


def needs_memory(control_high: float, ceiling_low: float = 1.0, margin: float = NEED_FOR_MEMORY) -> bool:
    """Whether the ceiling's interval lies above the better control's by `margin`; False without an interval (NaN).

    Normalised scores. Where it does not, a memoryless agent is about as good as any, and memory has nothing to gain.
    """
    return ceiling_low - control_high >= margin - _ROUNDING


def memory_gain(
    samples: Samples,
    controls: Mapping[str, Estimate],
    families: Mapping[str, str],
    ceilings_low: Mapping[str, float] | None = None,
) -> float | None:
    """The share of what memory can add that was reached: `(score - control) / (1 - control)`, normalised scores.

    0 is the better control, 1 the ceiling. Score and control are family-weighted means over those tasks of `controls`
    (task -> the better control) that show a need for memory (`needs_memory`; `ceilings_low` for ceilings that are not
    exact). A ratio of means and not a mean of ratios, in which a task with little room would drown the rest.
    None where no task shows a need, or where `samples` lacks one that does.
    """
    lows = ceilings_low or {}
    needy = [task for task, control in controls.items() if needs_memory(control.high, lows.get(task, 1.0))]
    if not needy or any(task not in samples for task in needy):
        return None
    score = family_weighted_mean({task: samples[task] for task in needy}, families)
    control = family_weighted_mean({task: np.array([controls[task].value]) for task in needy}, families)
    return float((score - control) / (1.0 - control))


@dataclass(frozen=True)
class MemoryHorizon:
    """How far back something remembers. `length` is the longest that counts, 0 where not even the shortest does.

    `ended` is None where every length tested counts, else the first that does not; `known` says whether that one has
    an interval: if not, as it is missing or of a single seed, the horizon may be longer.
    """

    length: int
    ended: int | None
    known: bool


def memory_horizon(scores: Mapping[int, Estimate | None], threshold: float = HORIZON_AT) -> MemoryHorizon:
    """The longest length such that it and every shorter one has its whole interval at `threshold` or above.

    `scores` maps each length that was tested to a normalised mean, None where it is missing. A length after one that
    does not count never counts, however good: one lucky length makes no long memory.
    """
    length = 0
    for tested in sorted(scores):
        score = scores[tested]
        if score is None or not score.low >= threshold - _ROUNDING:
            return MemoryHorizon(length, tested, score is not None and math.isfinite(score.low))
        length = tested
    return MemoryHorizon(length, None, True)


def ceiling_low(standard_error: float | None, floor: float, ceiling: float, level: float = 0.95) -> float:
    """The lower end of the normalised ceiling's interval: 1 where it is exact, else by the normal approximation."""
    if not standard_error:
        return 1.0
    return 1.0 - NormalDist().inv_cdf(0.5 + level / 2) * standard_error / (ceiling - floor)


def _percentile_bootstrap(data: tuple[NDArray, ...], statistic: Callable, level: float, reps: int, seed: int):
    from scipy.stats import bootstrap  # 0.3 s to import, and most verbs need no statistics

    result = bootstrap(
        data,
        statistic,
        axis=-1,
        n_resamples=reps,
        vectorized=True,
        paired=False,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return result.confidence_interval


def _checked(task: str, values: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(values, dtype=np.float64)
    where = f"task '{task}'" if task else "the sample"
    if values.ndim != 1 or not len(values):
        raise ValueError(f"{where} needs one score per seed, at least one; it has the shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{where} holds scores that are not finite; failed_as says what they count as")
    return values
