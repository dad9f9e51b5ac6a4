"""Every entry against every other: by how much, how surely, how often, task by task."""

import functools
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from memorax_bench import stats
from memorax_bench.board.rankings import Entry, Name, Ranking


@dataclass(frozen=True)
class InTask:
    """Two entries in one task: the difference of their means, and how often a run of the first scores higher."""

    difference: stats.Difference
    wins: float


@dataclass(frozen=True)
class Pair:
    """`first` against `second`: the difference of their family-weighted means over the ranked tasks, the probability
    that a run of the first scores higher than one of the second, and both in every task that both have.
    """

    first: Entry
    second: Entry
    difference: stats.Difference
    wins: stats.Estimate
    tasks: Mapping[str, InTask]

    def turned(self) -> "Pair":
        """The same from the other side."""
        tasks = {task: InTask(_negative(one.difference), 1 - one.wins) for task, one in self.tasks.items()}
        wins = replace(self.wins, value=1 - self.wins.value, low=1 - self.wins.high, high=1 - self.wins.low)
        return Pair(self.second, self.first, _negative(self.difference), wins, tasks)


Pairs = Mapping[tuple[Name, Name], Pair]


def comparable_entries(ranking: Ranking) -> tuple[Entry, ...]:
    """Those that can be compared with one another: complete, and sound; a rank they need not have."""
    return tuple(entry for entry in ranking.entries if entry.row.primary is not None and entry.sound)


def compare_all(ranking: Ranking) -> Pairs:
    """Every two comparable entries, in both directions."""
    found: dict[tuple[Name, Name], Pair] = {}
    for first, second in itertools.combinations(comparable_entries(ranking), 2):
        pair = _compare(ranking, first, second)
        found |= {(first.name, second.name): pair, (second.name, first.name): pair.turned()}
    return found


def against_baseline(ranking: Ranking, pairs: Pairs) -> dict[Name, float]:
    """The p of no difference from the baseline of its algorithm, for every ranked entry that has one.

    Corrected for all of these comparisons where the suite asks for it.
    """
    settings = ranking.table.suite.rankings.torsos
    if settings is None or settings.baseline is None:
        return {}
    found = {}
    for entry in ranking.entries:
        pair = pairs.get((entry.name, (entry.name[0], settings.baseline)))
        if entry.standing == "ranked" and pair is not None:
            found["/".join(entry.name)] = pair.difference.p
    corrected = stats.holm(found) if settings.correction == "holm" else found
    return {entry.name: corrected["/".join(entry.name)] for entry in ranking.entries if "/".join(entry.name) in found}


def _compare(ranking: Ranking, first: Entry, second: Entry) -> Pair:
    counted, families, interval = ranking.ranked_tasks, ranking.families, ranking.interval
    a, b = (_only(entry, counted) for entry in (first, second))
    statistic = functools.partial(stats.family_weighted_mean, families=families)
    shared = [task for task in ranking.table.suite.tasks if task in first.pools and task in second.pools]
    return Pair(
        first=first,
        second=second,
        difference=stats.difference(a, b, statistic, **interval),
        wins=stats.probability_of_improvement(a, b, families, **interval),
        tasks={task: _in_task(_only(first, [task]), _only(second, [task]), interval) for task in shared},
    )


def _in_task(a: stats.Samples, b: stats.Samples, interval: Mapping) -> InTask:
    (first,), (second,) = a.values(), b.values()
    higher, lower = (first[:, None] > second).mean(), (first[:, None] < second).mean()
    return InTask(stats.difference(a, b, **interval), float((1 + higher - lower) / 2))


def _only(entry: Entry, tasks: Iterable[str]) -> stats.Samples:
    return {task: entry.samples[task] for task in tasks}


def _negative(difference: stats.Difference) -> stats.Difference:
    return replace(difference, value=-difference.value, low=-difference.high, high=-difference.low)
