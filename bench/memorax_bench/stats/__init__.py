"""The statistics: pure functions of per-seed scores, `task -> scores[n]`, with n different by task.

Order of work: `failed_as` (a seed that diverged counts as the task's hard minimum), `normalise` (floor 0, ceiling 1),
then an aggregate and its interval. Every interval is set by the keywords level, reps and seed, and is the same for the
same arguments, whatever the order of tasks.

One meaning of degenerate input, everywhere. A task with one seed: the value, and NaN for what needs a spread. All seeds
of each task equal: an interval of no width. Scores that are not finite: ValueError, after `failed_as` there are none.
A task that one of two methods lacks: two are compared on the tasks that both have, many are ranked on the same tasks
only. No task: ValueError.
"""

from memorax_bench.stats.aggregates import (
    family_weighted_mean,
    mean,
    optimality_gap,
    weighted_iqm,
    weighted_median,
)
from memorax_bench.stats.bootstrap import bootstrap_interval, estimate, mean_interval
from memorax_bench.stats.comparisons import Difference, difference, holm, probability_of_improvement
from memorax_bench.stats.counted import (
    family_gap,
    family_mean,
    family_mean_curve,
    family_mean_difference,
    mean_intervals,
    middle,
)
from memorax_bench.stats.efficiency import Band, efficiency_curve, mean_band
from memorax_bench.stats.memory import (
    HORIZON_AT,
    NEED_FOR_MEMORY,
    SOLVED_AT,
    MemoryHorizon,
    ceiling_low,
    memory_gain,
    memory_horizon,
    needs_memory,
    solved,
)
from memorax_bench.stats.permutation import permutation_p
from memorax_bench.stats.power import family_spread, seeds_needed
from memorax_bench.stats.profiles import Profile, performance_profile
from memorax_bench.stats.ranks import Rank, rank_intervals
from memorax_bench.stats.samples import FEW_SEEDS, ROUNDING, Estimate, Samples, Statistic, failed_as, normalise
from memorax_bench.stats.student import family_mean_t_interval, t_half_width, t_interval
from memorax_bench.stats.survival import Survival, time_to_threshold

__all__ = [
    "FEW_SEEDS",
    "HORIZON_AT",
    "NEED_FOR_MEMORY",
    "ROUNDING",
    "SOLVED_AT",
    "Band",
    "Difference",
    "Estimate",
    "MemoryHorizon",
    "Profile",
    "Rank",
    "Samples",
    "Statistic",
    "Survival",
    "bootstrap_interval",
    "ceiling_low",
    "difference",
    "efficiency_curve",
    "estimate",
    "failed_as",
    "family_gap",
    "family_mean",
    "family_mean_curve",
    "family_mean_difference",
    "family_mean_t_interval",
    "family_spread",
    "family_weighted_mean",
    "holm",
    "mean",
    "mean_band",
    "mean_interval",
    "mean_intervals",
    "memory_gain",
    "memory_horizon",
    "middle",
    "needs_memory",
    "normalise",
    "optimality_gap",
    "performance_profile",
    "permutation_p",
    "probability_of_improvement",
    "rank_intervals",
    "seeds_needed",
    "solved",
    "t_half_width",
    "t_interval",
    "time_to_threshold",
    "weighted_iqm",
    "weighted_median",
]
