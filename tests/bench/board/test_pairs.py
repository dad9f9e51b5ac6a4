"""Two entries against one another: the numbers of the statistics, from either side."""

import itertools

import numpy as np
import pytest

from memorax_bench import stats
from memorax_bench.board.pairs import comparable_entries, compare_all
from memorax_bench.board.views.pair import comparisons
from tests.bench.board.conftest import TASKS

GRU, LRU = ("ppo", "gru"), ("ppo", "lru")


@pytest.fixture(scope="module")
def pairs(ranking):
    return compare_all(ranking)


def test_everyone_complete_and_sound_is_compared(ranking, pairs):
    names = {entry.name for entry in comparable_entries(ranking)}
    assert names == {entry.name for entry in ranking.entries} - {("a2c", "lru"), ("a2c", "mamba2")}
    assert set(pairs) == set(itertools.permutations(names, 2))


def test_of_many_only_those_are_compared_that_differ_in_one_thing(ranking, pairs, monkeypatch):
    monkeypatch.setattr("memorax_bench.board.pairs.MANY", 5)
    monkeypatch.setattr("memorax_bench.board.views.pair.MANY", 5)
    fewer = compare_all(ranking)
    assert set(pairs) - set(fewer) == {
        pair for pair in pairs if ("a2c", "gru") in pair and GRU not in pair and len({name[0] for name in pair}) == 2
    }
    said = comparisons(ranking, fewer)
    assert [(one.name, len(one.groups[0].lines)) for one in said["matrices"]] == [("matrix-a2c", 1), ("matrix-ppo", 8)]


def test_the_numbers_are_those_of_the_statistics(ranking, pairs):
    entries = {entry.name: entry for entry in ranking.entries}
    pair, ranked = pairs[GRU, LRU], TASKS[:3]
    a, b = ({task: entries[name].samples[task] for task in ranked} for name in (GRU, LRU))
    assert pair.difference == stats.family_mean_difference(a, b, ranking.families, **ranking.interval)
    assert pairs[LRU, GRU].difference.value == entries[LRU].standing.difference.value  # to the baseline, in the report
    assert pair.wins == stats.probability_of_improvement(a, b, ranking.families, **ranking.interval)
    assert pair.difference.value == pytest.approx(0.2 / 1.5) and pair.wins.value == 1


def test_task_by_task_by_brute_force(ranking, pairs):
    entries = {entry.name: entry for entry in ranking.entries}
    pair = pairs[("ppo", "s5"), LRU]
    assert tuple(pair.tasks) == TASKS
    for task, one in pair.tasks.items():
        a, b = entries["ppo", "s5"].samples[task], entries[LRU].samples[task]
        assert one.difference.value == pytest.approx(np.mean(a) - np.mean(b))
        assert one.wins == pytest.approx(np.mean([(x > y) + (x == y) / 2 for x in a for y in b]))


def test_the_other_side_says_the_opposite(pairs):
    for (first, second), pair in pairs.items():
        other = pairs[second, first]
        assert (pair.first.name, pair.second.name) == (first, second)
        assert other.difference.value == -pair.difference.value and other.difference.low == -pair.difference.high
        assert other.wins.value == pytest.approx(1 - pair.wins.value)
        assert other.wins.low <= other.wins.value <= other.wins.high
        assert all(one.wins + other.tasks[task].wins == pytest.approx(1) for task, one in pair.tasks.items())
