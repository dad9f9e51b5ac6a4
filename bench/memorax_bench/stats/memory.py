"""What the report says of memory: solved families, need for memory, gain over the controls, memory horizon."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from memorax_bench.stats.aggregates import family_weighted_mean
from memorax_bench.stats.samples import ROUNDING, Estimate, Samples

SOLVED_AT = 0.9  # normalised score that the whole interval has to reach
HORIZON_AT = 0.5  # normalised score that the whole interval has to reach for a length to count as remembered
NEED_FOR_MEMORY = 0.1  # normalised distance from the better control up to the ceiling below which gain has no meaning


def solved(families: Mapping[str, Estimate], threshold: float = SOLVED_AT) -> tuple[str, ...]:
    """The families whose normalised mean lies at `threshold` or above with its whole interval, sorted.

    Not the mean alone: two seeds of three at 1 and one at .75 are not a solved task. One seed, which has no interval,
    solves nothing.
    """
    return tuple(sorted(family for family, score in families.items() if score.low >= threshold - ROUNDING))


def needs_memory(control_high: float, ceiling_low: float = 1.0, margin: float = NEED_FOR_MEMORY) -> bool:
    """Whether the ceiling's interval lies above the better control's by `margin`; False without an interval (NaN).

    Normalised scores. Where it does not, a memoryless agent is about as good as any, and memory has nothing to gain.
    """
    return ceiling_low - control_high >= margin - ROUNDING


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
        if score is None or not score.low >= threshold - ROUNDING:
            return MemoryHorizon(length, tested, score is not None and math.isfinite(score.low))
        length = tested
    return MemoryHorizon(length, None, True)


def ceiling_low(standard_error: float | None, floor: float, ceiling: float, level: float = 0.95) -> float:
    """The lower end of the normalised ceiling's interval: 1 where it is exact, else by the normal approximation."""
    if not standard_error:
        return 1.0
    return 1.0 - NormalDist().inv_cdf(0.5 + level / 2) * standard_error / (ceiling - floor)
