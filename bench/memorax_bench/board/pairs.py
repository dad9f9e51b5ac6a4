"""Every entry against every other: by how much, how surely, how often, task by task."""

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
MANY = 64  # entries, from which on only those are compared that differ in one thing: there would be too many pages


def comparable_entries(ranking: Ranking) -> tuple[Entry, ...]:
    """Those that can be compared with one another: complete, and sound; a rank they need not have."""
    return tuple(entry for entry in ranking.entries if entry.row.primary is not None and entry.sound)


def compare_all(ranking: Ranking) -> Pairs:
    """Every two comparable entries, in both directions; of many, those of one algorithm and those of one torso."""
    found: dict[tuple[Name, Name], Pair] = {}
    entries = comparable_entries(ranking)
    for first, second in itertools.combinations(entries, 2):
        alike = first.name[0] == second.name[0] or first.name[1] == second.name[1]
        if len(entries) > MANY and not alike:
            continue
        pair = _compare(ranking, first, second)
        found |= {(first.name, second.name): pair, (second.name, first.name): pair.turned()}
    return found


def _compare(ranking: Ranking, first: Entry, second: Entry) -> Pair:
    counted, families, interval = ranking.ranked_tasks, ranking.families, ranking.interval
    a, b = (_only(entry, counted) for entry in (first, second))
    shared = [task for task in ranking.table.suite.tasks if task in first.pools and task in second.pools]
    return Pair(
        first=first,
        second=second,
        difference=stats.family_mean_difference(a, b, families, **interval),
        wins=stats.probability_of_improvement(a, b, families, **interval),
        tasks={task: _in_task(ranking, _only(first, [task]), _only(second, [task])) for task in shared},
    )


def _in_task(ranking: Ranking, a: stats.Samples, b: stats.Samples) -> InTask:
    (first,), (second,) = a.values(), b.values()
    higher, lower = (first[:, None] > second).mean(), (first[:, None] < second).mean()
    difference = stats.family_mean_difference(a, b, ranking.families, **ranking.interval)
    return InTask(difference, float((1 + higher - lower) / 2))


def _only(entry: Entry, tasks: Iterable[str]) -> stats.Samples:
    return {task: entry.samples[task] for task in tasks}


def _negative(difference: stats.Difference) -> stats.Difference:
    return replace(difference, value=-difference.value, low=-difference.high, high=-difference.low)
