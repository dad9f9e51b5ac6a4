"""The parts of a report, against numbers computed by hand on records made by hand."""

import dataclasses
import math

import numpy as np
import pytest

from memorax_bench import stats
from memorax_bench.report.frame import frame_of, seeds_text
from memorax_bench.report.learning import on_grid, read_learning
from memorax_bench.report.sections.efficiency import efficiency_section, progress_of
from memorax_bench.report.sections.heatmap import heatmap_section, maps_of
from memorax_bench.report.sections.improvement import improvement_section
from memorax_bench.report.sections.pareto import pareto_section, prices_of
from memorax_bench.report.sections.profiles import profiles_of, profiles_section
from memorax_bench.report.sections.ranking import p_text, ranking_section
from memorax_bench.report.standings import standings
from memorax_bench.report.tables import build_table
from tests.bench.report.conftest import FINALS
from tests.bench.synthetic import fill, resolve


def standing_of(found, torso):
    return next(standing for standing in found if standing.row.torso == torso)


def column(section, title):
    at = section.header.index(title)
    name = section.header.index("torso")
    return {line[name]: line[at] for line in section.body}


def table_of(tmp_path, suite, finals, **settings):
    return build_table(suite, fill(tmp_path / "results", suite, finals, **settings))


# --- the ranking ---


def test_aggregates_by_hand(found):
    """gru: mean (.7 + .5) / 2; its ten scores sorted .4 .5 .5 .5 .5 .6 .6 .7 .8 .9: the middle half is
    (.5 x 2.5 + .6 x 2 + .7 x .5) / 5; nothing is above 1, so the gap is what the mean lacks."""
    gru = standing_of(found, "gru")
    assert [standing.row.torso for standing in found] == ["lru", "gru", "mamba2", "mlp-prev", "mlp"]
    assert gru.mean == gru.row.primary and gru.mean.value == pytest.approx(0.6)
    assert gru.iqm.value == pytest.approx((0.5 * 2.5 + 0.6 * 2 + 0.7 * 0.5) / 5)
    assert gru.median.value == pytest.approx(0.55) and gru.gap.value == pytest.approx(0.4)
    assert gru.t == stats.family_mean_t_interval(gru.samples, {"repeat-previous": "a", "higher-lower": "b"})
    assert gru.t.low < gru.mean.low < gru.mean.high < gru.t.high  # five seeds: the percentiles are too narrow


def test_a_diverged_seed_counts_as_the_hard_minimum(found):
    """(.8 + .9 + 1 + 0 - 1/3) / 5 and .5, over two families."""
    assert standing_of(found, "mamba2").mean.value == pytest.approx(((2.7 - 1 / 3) / 5 + 0.5) / 2)


def test_ranks_and_differences(table, frame, found):
    section = ranking_section(table, frame, found)
    assert column(section, "rank")["lru"] == "1 [1,1]" and column(section, "P(best)")["lru"] == "1.0"
    assert column(section, "n")["gru"] == "5‡" and "fewer than 10 seeds" in section.words
    to_gru = column(section, "to gru")
    assert to_gru["gru"] == "" and to_gru["lru"].startswith(".30 [") and to_gru["lru"].endswith("]*")
    assert not to_gru["mamba2"].endswith("*")
    row = next(row for row in section.rows if row["torso"] == "lru")
    assert row["difference"] == pytest.approx(0.3) and row["p"] <= row["p_adjusted"] < 0.05
    assert row["rank"] == 1 and row["baseline"] == "gru" and row["p_better"] == pytest.approx(1.0)


def test_holm_counts_every_row_of_the_algorithm(found):
    """Four rows are compared with the baseline: the smallest p is multiplied by four."""
    p = {standing.row.torso: standing.difference.p for standing in found if standing.difference}
    smallest = min(p, key=p.get)
    assert len(p) == 4 and standing_of(found, smallest).p == pytest.approx(4 * p[smallest])


def test_a_comparison_not_made_yet_counts_as_well(tmp_path, ranked):
    finals = {key: values for key, values in FINALS.items() if key[1] != "mamba2"}
    found = standings(table_of(tmp_path, ranked, finals))
    p = {standing.row.torso: standing.difference.p for standing in found if standing.difference}
    assert len(p) == 3 and standing_of(found, min(p, key=p.get)).p == pytest.approx(4 * min(p.values()))


def test_fewer_than_five_seeds_have_no_rank_but_a_comparison(tmp_path, ranked):
    finals = {key: values[:4] if key[1] == "lru" else values for key, values in FINALS.items()}
    table = table_of(tmp_path, ranked, finals)
    section = ranking_section(table, frame_of(table), found := standings(table))
    assert standing_of(found, "lru").rank is None and standing_of(found, "gru").rank.rank == 1
    assert column(section, "rank")["lru"] == column(section, "P(best)")["lru"] == "—"
    assert column(section, "to gru")["lru"].startswith(".30 [")


def test_incomplete_rows_and_failed_gates_have_no_standing(tmp_path, ranked):
    broken = {key: values for key, values in FINALS.items() if key[1] == "lru"}
    fill(tmp_path / "results", ranked, broken, gates={"causal": False})
    finals = {key: v for key, v in FINALS.items() if key[1] != "lru" and key != ("higher-lower", "mamba2")}
    found = standings(table_of(tmp_path, ranked, finals))
    assert [standing.row.torso for standing in found] == ["gru", "mlp-prev", "mlp"]


def test_without_a_baseline_nothing_is_compared(tmp_path):
    suite = resolve(tmp_path)
    table = table_of(tmp_path, suite, {key: values[:3] for key, values in FINALS.items()})
    found = standings(table)
    assert all(standing.difference is standing.p is standing.improvement is None for standing in found)
    assert improvement_section(table, frame_of(table), found) is None
    assert not {"to None", "p", "rank"} & set(ranking_section(table, frame_of(table), found).header)


def test_no_complete_row_no_section(tmp_path, ranked):
    table = table_of(tmp_path, ranked, {("higher-lower", "gru"): FINALS["higher-lower", "gru"]})
    frame, found = frame_of(table), standings(table)
    assert found == ()
    assert [ask(table, frame, found) for ask in (ranking_section, improvement_section, profiles_section)] == [None] * 3
    assert efficiency_section(table, frame, found, read_learning(table)[0]) is None
    assert pareto_section(table, frame, found) is None and heatmap_section(table, frame) is not None


@pytest.mark.parametrize(
    ("p", "text"),
    [(None, "—"), (math.nan, "—"), (0.0004, "<.001"), (0.0312, ".031"), (0.4, ".40"), (1.0, "1.0"), (0.0996, ".10")],
)
def test_p_as_shown(p, text):
    assert p_text(p) == text


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((3, 3), "n=3 seeds, fewer than 5: not ranked"),
        ((5, 8), "n=5-8 seeds, fewer than 10"),
        ((10, 10), "n=10 seeds"),
        ((1, 1), "n=1 seed, fewer than 5: not ranked"),
    ],
)
def test_seeds_as_said(counts, text):
    assert seeds_text(*counts) == text


# --- against the baseline ---


def test_improvement_by_hand(table, frame, found):
    """mamba2 against gru: in repeat-previous .8 .9 1 0 -1/3 against .5 .6 .7 .8 .9 wins 3.5 + 4.5 + 5 of 25 pairs; in
    higher-lower the scores are the same, which is a half."""
    section = improvement_section(table, frame, found)
    row = next(row for row in section.rows if row["torso"] == "mamba2")
    assert row["p_better"] == pytest.approx((13 / 25 + 0.5) / 2)
    assert {row["torso"] for row in section.rows} == {"lru", "mamba2", "mlp-prev", "mlp"}
    assert {row["torso"]: row["significant"] for row in section.rows}["lru"] is True


# --- profiles ---


def test_profiles_by_hand(table, frame, found):
    profiles = profiles_of(table, frame, found)
    gru = profiles["ppo", "gru"]
    at = {round(float(tau), 6): float(value) for tau, value in zip(gru.taus, gru.value, strict=True)}
    assert gru.taus[0] == pytest.approx(-0.4) and gru.taus[-1] == 1.0
    # above .552: .6 .7 .8 .9 of five, and .6 of five
    assert at[0.552] == pytest.approx((4 / 5 + 1 / 5) / 2)
    assert gru.value[0] == 1.0 and profiles["ppo", "lru"].value[-1] == 0.0
    assert (np.diff(gru.value) <= 0).all() and ((gru.low <= gru.value) & (gru.value <= gru.high)).all()


# --- efficiency ---


def test_runs_between_their_evaluations():
    scores, at = np.array([[0.0, 1.0], [0.0, 2.0]]), np.array([[0.0, 10.0], [0.0, 20.0]])
    np.testing.assert_allclose(on_grid(scores, at, np.array([-1.0, 5.0, 10.0, 40.0])), [[0, 0.5, 1, 1], [0, 0.5, 1, 2]])
    np.testing.assert_allclose(on_grid(scores, np.array([0.0, 4.0]), np.array([1.0])), [[0.25], [0.5]])


def test_the_last_point_of_efficiency_is_the_mean_that_ranks(table, frame, found, learning):
    for progress in progress_of(table, frame, found, learning):
        mean = progress.row.primary
        for band in (progress.by_steps, progress.by_seconds):
            np.testing.assert_allclose([end[-1] for end in band], [mean.value, mean.low, mean.high])
        assert progress.steps[-1] == 2**20


def test_seconds_are_a_seed_s_share_of_the_device(table, frame, found, learning):
    """2**20 steps at 84,000 a second, all seeds together."""
    gru = next(one for one in progress_of(table, frame, found, learning) if one.row.torso == "gru")
    assert gru.seconds[-1] >= 2**20 / 84e3 > gru.seconds[-2]


def test_half_way_is_of_the_runs_of_all_tasks(table, frame, found, learning):
    """lru ends at 1 and .8, all ten runs above a half; mlp never gets there; of mamba2's, three of five (.8 .9 1) and
    those of .5 .6 .5 .5 and .4 but one."""
    section = efficiency_section(table, frame, found, learning)
    assert column(section, "runs") == dict.fromkeys(("lru", "gru", "mamba2", "mlp-prev", "mlp"), "10")
    half_way = column(section, "half-way")
    assert (half_way["lru"], half_way["mlp"]) == ("10", "0") and half_way["mamba2"] in ("7", "8")
    assert column(section, "median steps")["mlp"] == column(section, "median s")["mlp"] == "—"
    kinds = {row["of"] for row in section.rows}
    assert kinds == {"mean by steps", "mean by seconds", "share half-way by steps", "share half-way by seconds"}


def test_rows_without_readable_curves_have_no_efficiency(table, frame, found, learning):
    some = {key: curves for key, curves in learning.items() if key != ("higher-lower", "ppo", "gru")}
    assert [one.row.torso for one in progress_of(table, frame, found, some)] == ["lru", "mamba2", "mlp-prev", "mlp"]


# --- every task, and what it costs ---


def test_the_map_says_what_is_missing_and_what_diverged(tmp_path, ranked):
    finals = {key: values for key, values in FINALS.items() if key != ("higher-lower", "lru")}
    table = table_of(tmp_path, ranked, finals | {("higher-lower", "gru"): FINALS["higher-lower", "gru"][:3]})
    (one,) = maps_of(table, frame_of(table))
    assert one.tasks == ("repeat-previous", "higher-lower")
    shades = {
        row.torso: dict(zip(one.tasks, line, strict=True)) for row, line in zip(one.rows, one.shades, strict=True)
    }
    assert (shades["lru"]["higher-lower"].state, shades["lru"]["higher-lower"].score) == ("missing", None)
    assert (shades["mamba2"]["repeat-previous"].failed, shades["mamba2"]["repeat-previous"].n) == (1, 5)
    assert shades["gru"]["higher-lower"].n == 3
    assert shades["gru"]["repeat-previous"].score.value == pytest.approx(0.7)
    rows = heatmap_section(table, frame_of(table)).rows
    assert len(rows) == 10 and [row["score"] for row in rows if row["state"] == "missing"] == [None]


def test_the_best_prices_by_hand(found):
    """mlp (190k) is the fastest; mlp-prev is slower and better; gru (84k) and lru (31k) again; mamba2 is worse than lru
    and slower."""
    best = {price.torso for price in prices_of(found) if price.best}
    assert best == {"mlp", "mlp-prev", "gru", "lru"}


def test_prices_are_of_one_device(table, frame, found):
    gru, *others = (standing_of(found, torso) for torso in ("gru", "lru", "mlp"))
    mixed = dataclasses.replace(gru, row=dataclasses.replace(gru.row, devices=("H200", "cpu")))
    assert [price.torso for price in prices_of([mixed, *others])] == ["lru", "mlp"]
    section = pareto_section(table, frame, [mixed, *others])
    assert section.remarks == ("run on several kinds of device, and left out here: gru",)
    elsewhere = dataclasses.replace(gru, row=dataclasses.replace(gru.row, devices=("H200",)))
    assert next(price for price in prices_of([elsewhere, *others]) if price.torso == "gru").best
