"""Who is ranked, where, and why others are not."""

import dataclasses

import pytest

from memorax_bench import stats
from memorax_bench.board.rankings import EXTERNAL, build_rankings
from memorax_bench.board.recorded import with_recorded
from memorax_bench.errors import NotComparable
from memorax_bench.records.record import Record
from memorax_bench.records.store import Scan
from speed.made_up import make_record
from tests.bench.board.conftest import SCORES, TASKS, altered, resolve_board
from tests.bench.synthetic import find_cell


def by_name(ranking):
    return {"/".join(entry.name): entry for entry in ranking.entries}


def test_the_order_is_by_the_mean_and_what_is_not_ranked_comes_last(ranking):
    assert {algorithm: [entry.name[1] for entry in entries] for algorithm, entries in ranking.above.items()} == {
        "ppo": ["gru", "lru", "s5", "mamba2", "mlp-prev", "mlp"],
        "a2c": ["gru"],
    }
    assert list(ranking.above) == ["ppo", "a2c"]  # as the suite lists them
    assert ["/".join(entry.name) for entry in ranking.below] == ["ppo/mine", "ppo/lstm", "a2c/mamba2", "a2c/lru"]
    assert set(ranking.not_run) == {("a2c", torso) for torso in ("mlp", "mlp-prev", "s5", "lstm")}


def test_everyone_not_ranked_knows_why(ranking):
    why = {name: entry.why for name, entry in by_name(ranking).items() if entry.kind == "unranked"}
    assert why == {
        "ppo/mine": (EXTERNAL,),
        "ppo/lstm": ("n<5",),
        "a2c/mamba2": ("incomplete: repeat-previous",),
        "a2c/lru": ("gate step_equals_sequence failed",),
    }


def test_ranks_are_within_an_algorithm_and_those_of_the_report(ranking):
    entries = by_name(ranking)
    assert {name for name, entry in entries.items() if entry.kind == "control"} == {"ppo/mlp", "ppo/mlp-prev"}
    ranked = ranking.above["ppo"]
    assert [entry.rank.rank for entry in ranked] == [1, 2, 3, 4, 5, 6]
    assert sum(entry.rank.p_best for entry in ranked) == pytest.approx(1)
    methods = {entry.name[1]: {task: entry.samples[task] for task in TASKS[:3]} for entry in ranked}
    found = stats.rank_intervals(methods, ranking.families, **ranking.interval)
    assert {name: entries[f"ppo/{name}"].rank for name in found} == found
    assert entries["a2c/gru"].rank == stats.Rank(1, 1.0, 1.0, 1.0)
    assert all(entry.rank is None for entry in ranking.below)


def test_the_mean_weighs_families_and_the_iqm_stands_second(ranking):
    gru = by_name(ranking)["ppo/gru"]
    scores = [(SCORES["gru"] + 0.5) / 1.5, (SCORES["gru"] + 0.5) / 1.5, (SCORES["gru"] - 0.2 + 0.5) / 1.5]
    assert gru.row.primary.value == pytest.approx(scores[0] / 2 + (scores[1] + scores[2]) / 4)
    iqm = stats.weighted_iqm({task: gru.samples[task] for task in TASKS[:3]}, ranking.families)
    assert gru.standing.iqm.value == pytest.approx(float(iqm))


def test_few_seeds_are_marked(ranking):
    few = {name for name, entry in by_name(ranking).items() if entry.few}
    assert set(by_name(ranking)) - few == {"a2c/gru"}


def test_a_draft_ranks_nobody(board_scan):
    suite, scan = board_scan
    draft = dataclasses.replace(suite, version=0, suite=suite.suite.model_copy(update={"version": 0}))
    (found,) = build_rankings(draft, scan, ())
    assert not found.above and all("draft" in entry.why[0] and entry.rank is None for entry in found.below)


def test_tracks_are_ranked_apart(board_scan):
    suite, scan = board_scan
    ppo = [one for one in scan.records if one.record.cell.algorithm == "ppo"]
    untuned = [one for one in ppo if one.record.cell.torso in ("gru", "lstm")]
    partly = [one for one in ppo if one.record.cell.torso in ("lru", "mine") and one.record.cell.task != TASKS[0]]
    search = {"track": "open", "tuning": {"trials": 40, "seeds": [1_000_000], "env_steps": 16_000_000}}
    tuned = [dataclasses.replace(one, record=altered(one.record, cell=search)) for one in partly]
    fixed, searched = build_rankings(suite, Scan((*tuned, *untuned)), ())
    assert (fixed.track, searched.track) == ("fixed", "open")
    assert [entry.name for entry in fixed.entries] == [("ppo", "gru"), ("ppo", "lstm")]
    assert [entry.name for entry in searched.entries] == [("ppo", "lru"), ("ppo", "mine")]
    assert [entry.why[0] for entry in searched.entries] == ["incomplete: repeat-previous"] * 2
    for entry in searched.entries:  # what it lacks on its track is missing, whatever another track has
        assert [cell.state for cell in entry.row.cells] == ["missing", "measured", "measured"]
    assert all(record.cell.tuning.trials == 40 for record in searched.entries[0].records)


def test_records_of_another_benchmark_make_no_ranking(board_scan):
    suite, scan = board_scan
    assert build_rankings(dataclasses.replace(suite, benchmark_hash="f" * 64), scan, ()) == ()


def test_a_default_that_changed_orphans_no_record(board_scan, board_results):
    _, scan = board_scan
    now = resolve_board(board_results, ["torsos.gru.features=128", "algorithms.ppo.entropy_coefficient=0.5"])
    (found,) = build_rankings(now, scan, ())
    gru, lru = (by_name(found)[name] for name in ("ppo/gru", "ppo/lru"))
    assert gru.rank is not None and len(gru.records) == 4
    coefficient = "algorithm.settings.entropy_coefficient is 0.01 and 0.5"
    assert set(gru.changes) == {coefficient, "torso.settings.features is 64 and 128"}
    assert lru.changes == (coefficient,) and by_name(found)["ppo/mine"].changes == ()


def test_outsiders_are_left_out_where_entries_were_chosen(board_scan):
    suite, scan = board_scan
    (found,) = build_rankings(suite, scan, (), outsiders=False)
    assert ("ppo", "mine") not in {entry.name for entry in found.entries}
    assert any("ppo/mine" in note for note in found.table.left_out)


@pytest.mark.parametrize(
    ("part", "values", "field"),
    [
        ("task", {"kwargs": {"capacity": 2}}, "task.kwargs"),
        ("task", {"id": "popgym::RepeatPreviousHard"}, "task.id"),
        ("protocol", {"eval_episodes": 1}, "protocol.eval_episodes"),
        ("protocol", {"total_env_steps": 2_097_152}, "protocol.total_env_steps"),
    ],
)
def test_an_outsider_of_another_task_or_protocol_is_refused_by_the_field(tmp_path, part, values, field):
    mine = record_of_mine(tmp_path, lambda config: {part: {**config[part], **values}})
    where = r"in ppo/mine \(configuration .*\) and the suite"
    with pytest.raises(NotComparable, match=rf"repeat-previous: {field}.*, {where}"):
        with_recorded(resolve_board(tmp_path), [mine], "fixed")


def test_an_outsider_without_a_type_is_refused(tmp_path):
    with pytest.raises(NotComparable, match=r"torso\.type is absent, in ppo/mine"):
        with_recorded(resolve_board(tmp_path), [record_of_mine(tmp_path, lambda config: {"torso": "gru"})], "fixed")


def record_of_mine(tmp_path, change) -> Record:
    """A record of a torso that the suite does not have, with some of its configuration changed."""
    wider = resolve_board(tmp_path, ["+torsos.mine={type: gru, features: 32}"])
    record, _ = make_record(wider, find_cell(wider, TASKS[0], "mine"), [0.5] * 5)
    config = {**record.cell.config, **change(record.cell.config)}
    return altered(record, cell={"config": config})
