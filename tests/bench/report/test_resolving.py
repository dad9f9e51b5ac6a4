"""How many seeds tell torsos apart: which pairs, from which spread, and what is said where nothing is stored."""

import math

import numpy as np
import pytest

from memorax_bench import stats
from memorax_bench.report.resolving import resolve_difference
from memorax_bench.verbs.resolve_screen import render
from tests.bench.synthetic import FINALS, SUITE, fill, resolve

BASELINE = (
    "rankings: {torsos: {algorithms: [ppo], tasks: [repeat-previous], baseline: gru, correction: holm}}\nentries:"
)
RANKED = SUITE.replace("entries:", BASELINE)
SPREAD = {torso: np.std(FINALS["repeat-previous", torso], ddof=1) / 1.5 for torso in ("gru", "lru", "mamba2")}
SCREEN = """\
seeds of each that resolve 0.05 of the ranked score (power 80%, two-sided 95%, Holm's first of 2 comparisons):
 torsos                spread  stored  needed
 ppo/lru - ppo/gru     0.005   3       ~2
 ppo/mamba2 - ppo/gru  0.144   3       ~159
 spread: standard deviation of the ranked score of one seed; ~: of fewer than 10 seeds, uncertain itself
 all of them: seeds=159"""


def found(tmp_path, finals=FINALS, text=RANKED, overrides=(), **settings):
    scan = fill(tmp_path / "results", resolve(tmp_path, text=text), finals, **settings)
    return resolve_difference(resolve(tmp_path, overrides, text), scan.records, 0.05)


def test_the_baseline_against_each(tmp_path):
    resolution = found(tmp_path)
    (comparisons,) = resolution.algorithms
    assert [pair.torsos for pair in comparisons.pairs] == [("lru", "gru"), ("mamba2", "gru")]
    pair = comparisons.pairs[1]
    assert pair.spread == pytest.approx(math.sqrt((SPREAD["gru"] ** 2 + SPREAD["mamba2"] ** 2) / 2))
    assert pair.needed == stats.seeds_needed(pair.spread, 0.05, comparisons=2)
    assert render(resolution) == SCREEN


def test_without_a_baseline_the_two_best(tmp_path):
    resolution = found(tmp_path, text=SUITE.replace("family: HigherLower, rank: false,", "family: HigherLower,"))
    (comparisons,) = resolution.algorithms
    assert [pair.torsos for pair in comparisons.pairs] == [("lru", "gru")]
    assert comparisons.divided == 1
    weighted = {
        torso: math.sqrt((SPREAD[torso] / 2) ** 2 + (np.std(FINALS["higher-lower", torso], ddof=1) / 0.5 / 2) ** 2)
        for torso in ("gru", "lru")
    }
    assert comparisons.pairs[0].spread == pytest.approx(math.sqrt(sum(s**2 for s in weighted.values()) / 2))
    assert "all of them: seeds=5, fewer are not ranked" in render(resolution)


def test_nothing_stored_is_said(tmp_path):
    text = render(found(tmp_path, {("repeat-previous", "gru"): (0.9, 0.8)}))
    assert " ppo/lru - ppo/gru     -       0       ?       lru: nothing is stored" in text
    assert "all of them" not in text
    alone = render(found(tmp_path, {}, SUITE))
    assert alone.endswith("\n ppo: there are no two torsos with records of every ranked task")


def test_part_of_the_tasks_and_one_seed_are_said(tmp_path):
    two = RANKED.replace("tasks: [repeat-previous]", "tasks: [repeat-previous, higher-lower]").replace(
        "family: HigherLower, rank: false,", "family: HigherLower,"
    )
    finals = dict(FINALS) | {("higher-lower", "lru"): (0.4,)}
    del finals["higher-lower", "mamba2"]
    pairs = found(tmp_path, finals, two).algorithms[0].pairs
    assert [(pair.why, pair.seeds) for pair in pairs] == [
        ("one seed has no spread", 1),
        ("mamba2: nothing is stored of higher-lower", 0),
    ]


def test_only_what_was_chosen_is_compared(tmp_path):
    assert [pair.torsos for pair in found(tmp_path, overrides=["torsos=[gru,lru]"]).algorithms[0].pairs] == [
        ("lru", "gru")
    ]
    assert found(tmp_path, overrides=["torsos=[gru]"]).algorithms[0].why == "nothing but the baseline gru was chosen"
    unranked = found(tmp_path, overrides=["tasks=[higher-lower]"])
    assert unranked.algorithms[0].why == "no ranked task was chosen"


def test_a_seed_that_diverged_counts_as_the_hard_minimum(tmp_path):
    finals = dict(FINALS) | {("repeat-previous", "lru"): (1.0, 1.0, None)}
    pair = found(tmp_path, finals).algorithms[0].pairs[0]
    assert pair.spread == pytest.approx(math.sqrt((SPREAD["gru"] ** 2 + np.var([1, 1, -1 / 3], ddof=1)) / 2))


def test_records_of_another_frozen_part_do_not_count(tmp_path):
    other = resolve(tmp_path, text=RANKED.replace("eval_episodes: 8", "eval_episodes: 16"))
    scan = fill(tmp_path / "results", other)
    pairs = resolve_difference(resolve(tmp_path, text=RANKED), scan.records, 0.05).algorithms[0].pairs
    assert all(pair.why.endswith("nothing is stored") for pair in pairs)
