"""Who is ahead, and how certain that is: statistics of the rows that are complete, beside the mean that ranks them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from memorax_bench import stats
from memorax_bench.report.ranking import interval_settings, ranked_tasks
from memorax_bench.report.tables import Row, Table


@dataclass(frozen=True)
class Standing:
    """A row with a score in every ranked task, over these tasks, a family of them having one vote.

    `t` is Student's interval of the mean, for few seeds. `rank` is among the ranked rows of its algorithm, None for a
    row that is not ranked. `difference` is that of the mean to the baseline's, `improvement` the probability that a run
    is better than one of the baseline; both None for the baseline itself and where there is none. `p` is the
    difference's, adjusted for all comparisons of its algorithm where the suite says so.
    """

    row: Row
    samples: stats.Samples
    mean: stats.Estimate
    iqm: stats.Estimate
    median: stats.Estimate
    gap: stats.Estimate
    t: stats.Estimate
    rank: stats.Rank | None
    difference: stats.Difference | None
    p: float | None
    improvement: stats.Estimate | None


def families_of(table: Table) -> dict[str, str]:
    """task -> family of the ranked tasks."""
    return {task: table.suite.tasks[task].family for task in ranked_tasks(table.suite)}


def baseline_of(table: Table) -> str | None:
    """The torso that the suite compares with."""
    return table.suite.rankings.torsos.baseline if table.suite.rankings.torsos else None


def standings(table: Table) -> tuple[Standing, ...]:
    """In the order of the table: rows that are complete, passed their gates, and do not see what the task hides."""
    rows = [row for row in table.rows if row.primary is not None and row.role != "oracle" and all(row.gates.values())]
    return tuple(
        standing
        for algorithm in dict.fromkeys(row.algorithm for row in rows)
        for standing in _of_algorithm(table, [row for row in rows if row.algorithm == algorithm])
    )


def _of_algorithm(table: Table, rows: Sequence[Row]) -> list[Standing]:
    families, settings = families_of(table), interval_settings(table.suite)
    samples = {row.torso: {task: table.scores[task, row.algorithm, row.torso] for task in families} for row in rows}
    ranked = {row.torso: samples[row.torso] for row in rows if not row.why_unranked and not table.draft}
    ranks = stats.rank_intervals(ranked, families, **settings) if ranked else {}
    baseline = samples.get(baseline_of(table) or "")
    against = [row.torso for row in rows if baseline is not None and samples[row.torso] is not baseline]
    differences = {
        torso: stats.family_mean_difference(samples[torso], baseline, families, **settings) for torso in against
    }
    better = {
        torso: stats.probability_of_improvement(samples[torso], baseline, families, **settings) for torso in against
    }
    p = _adjusted(table, rows[0].algorithm, {torso: found.p for torso, found in differences.items()})
    found = []
    for row in rows:
        mine = samples[row.torso]
        iqm, median = stats.middle(mine, families, **settings)
        found.append(
            Standing(
                row=row,
                samples=mine,
                mean=row.primary,
                iqm=iqm,
                median=median,
                gap=stats.family_gap(mine, families, **settings),
                t=stats.family_mean_t_interval(mine, families, settings["level"]),
                rank=ranks.get(row.torso),
                difference=differences.get(row.torso),
                p=p.get(row.torso),
                improvement=better.get(row.torso),
            )
        )
    return found


def _adjusted(table: Table, algorithm: str, p: Mapping[str, float]) -> dict[str, float]:
    """Of rows that are not complete yet a comparison is declared, too, and counts."""
    ranking = table.suite.rankings.torsos
    if ranking is None or ranking.correction != "holm":
        return dict(p)
    declared = [row.torso for row in table.rows if row.algorithm == algorithm and row.role != "oracle"]
    return stats.holm({torso: p.get(torso, math.nan) for torso in declared if torso != ranking.baseline})


def significant(table: Table, standing: Standing) -> bool:
    """Whether the difference to the baseline is more than chance, after adjusting for how many were compared."""
    return standing.p is not None and standing.p < 1 - table.suite.scoring.interval.level
