"""The comparison table: its text for a small suite, and what becomes of missing, failed, mixed and other runs."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from memorax_bench.errors import NotComparable
from memorax_bench.records.pooling import seed_ranges
from memorax_bench.records.record import Adoption, Failure
from memorax_bench.records.store import Scan, Store, StoredFailure, StoredRecord, cell_path_parts
from memorax_bench.report import markdown, render
from memorax_bench.report.ranking import ranked_tasks
from memorax_bench.report.tables import build_table
from memorax_bench.suite.grid import NotApplicable
from speed.made_up import make_record
from tests.bench.synthetic import FINALS, SUITE, fill, find_cell, publish, resolve

TEXT = """\
 torso     RepeatPrevious  HigherLower*   gain  solved  steps/s  torso params  state B  gates
 lru       1.0 [1.0,1.0]   .95 [.94,.96]  1.0   1/1     31k      25k           512      3/3
 gru       .98 [.97,.99]   .95 [.95,.96]  .98   1/1     84k      25k           256      3/3
 mamba2    .77 [.54,.93]   .92 [.90,.94]  .76   0/1     22k      33k           2048     3/3
 mlp-prev  .04 [.02,.06]   .93 [.92,.94]  -     0/1     185k     4.2k          0        3/3    control
 mlp       .00 [-.01,.01]  .93 [.92,.94]  -     0/1     190k     4.2k          0        3/3    control"""
MARKDOWN_HEAD = """\
| torso | RepeatPrevious | HigherLower\\* | gain | solved | steps/s | torso params | state B | gates |  |
|:--|--:|--:|--:|--:|--:|--:|--:|--:|:--|
| lru | 1.0 [1.0,1.0] | .95 [.94,.96] | 1.0 | 1/1 | 31k | 25k | 512 | 3/3 |  |"""
TWO_FAMILIES = SUITE.replace("family: HigherLower, rank: false,", "family: HigherLower,").replace(
    "ceiling: 0.5", "ceiling: 0.8"
)


@pytest.fixture
def resolved(tmp_path):
    return resolve(tmp_path)


def table_of(tmp_path, resolved, finals=FINALS, **settings):
    return build_table(resolved, fill(tmp_path / "results", resolved, finals, **settings))


def row_of(table, torso):
    return next(row for row in table.rows if row.torso == torso)


def stored(resolved, task="repeat-previous", torso="gru", finals=(0.9, 0.8, 0.7), adopted_by=(), **settings):
    """A StoredRecord that is nowhere on disk."""
    record, _ = make_record(resolved, find_cell(resolved, task, torso), finals, **settings)
    adoptions = tuple(
        Adoption(
            code_hash=code, program_hash="0" * 64, jaxlib="0.11.2", commit=None, created_utc="2026-11-23T09:00:00Z"
        )
        for code in adopted_by
    )
    return StoredRecord(Path("nowhere") / "record.json", record, adoptions)


def pool_of(resolved, *records, task="repeat-previous", torso="gru"):
    return build_table(resolved, Scan(records)).pools[task, "ppo", torso]


def test_golden_text(tmp_path, resolved):
    table = table_of(tmp_path, resolved)
    assert render.to_text(table) == TEXT
    assert markdown.pipes(*render.grid(table), render.NAMES).startswith(MARKDOWN_HEAD)
    assert render.caption(table) == (
        "normalised return at 1,048,576 steps (HigherLower: 262,144); mean [95% bootstrap, n=3 *not ranked: n<5]; cpu"
    )
    assert render.notes(table) == [
        "*HigherLower is not ranked: the suite says rank: false; memory adds <= .02",
    ]


def test_numbers_by_hand(tmp_path, resolved):
    table = table_of(tmp_path, resolved)
    mamba2 = row_of(table, "mamba2")
    # (.9 + .5) / 1.5, (.31 + .5) / 1.5, (.74 + .5) / 1.5
    assert mamba2.primary.value == pytest.approx(np.mean([1.4, 0.81, 1.24]) / 1.5)
    assert (mamba2.primary.low, mamba2.primary.high) == (pytest.approx(0.54), pytest.approx(1.4 / 1.5))
    control = np.mean([0.06, 0.03, 0.09]) / 1.5  # mlp-prev, the better one
    assert mamba2.gain == pytest.approx((mamba2.primary.value - control) / (1 - control))
    assert row_of(table, "mlp-prev").gain is None
    assert table.memory_adds["higher-lower"] == pytest.approx((np.mean([0.475, 0.475, 0.48]) - 0.465) / 0.5)


def test_missing_cells_are_shown_and_named(tmp_path, resolved):
    finals = {key: values for key, values in FINALS.items() if key not in [("repeat-previous", "lru")]}
    del finals["higher-lower", "mlp"], finals["repeat-previous", "mamba2"], finals["higher-lower", "mamba2"]
    table = table_of(tmp_path, resolved, finals)
    lines = {line.split()[0]: line for line in render.to_text(table).splitlines()}
    assert [row.torso for row in table.rows] == ["gru", "mlp-prev", "mlp", "lru", "mamba2"]
    assert lines["lru"].split()[1:3] == ["—", ".95"] and "not ranked: incomplete: repeat-previous" in lines["lru"]
    assert lines["mlp"].split()[3] == "—"
    assert lines["mamba2"].split()[1:9] == ["—"] * 8
    assert row_of(table, "lru").primary is None and row_of(table, "lru").gain is None
    notes = [note for note in render.notes(table) if note.startswith("missing")]
    assert notes == [
        "missing: repeat-previous ppo/lru, ppo/mamba2",
        "missing: higher-lower ppo/mlp, ppo/mamba2",
    ]


def test_a_task_that_was_not_run_at_all_is_named_once(tmp_path, resolved):
    finals = {key: values for key, values in FINALS.items() if key[0] != "higher-lower"}
    notes = [note for note in render.notes(table_of(tmp_path, resolved, finals)) if note.startswith("missing")]
    assert notes == ["missing: higher-lower (all 5 entries)"]


def test_a_missing_cell_says_how_its_last_attempt_ended(resolved):
    cell = find_cell(resolved, "repeat-previous", "gru")
    failures = [
        Failure(run_id="0" * 16, config_hash=cell.config_hash, code_hash="1" * 64, device_kind="cpu", seeds=(0,),
                created_utc=f"2026-11-0{day}T00:00:00Z", kind=kind, message="")
        for day, kind in ((2, "out of memory"), (1, "NaN"))
    ]  # fmt: skip
    scan = Scan(failures=tuple(StoredFailure(Path("f"), failure) for failure in failures))
    notes = render.notes(build_table(resolved, scan))
    assert "missing: repeat-previous ppo/gru (last attempt: out of memory)" in notes


def test_diverged_seed_counts_as_the_hard_minimum(tmp_path, resolved):
    table = table_of(tmp_path, resolved, FINALS | {("repeat-previous", "gru"): (0.97, None, 0.97)})
    gru = row_of(table, "gru")
    assert gru.primary.value == pytest.approx((1.47 + 1.47 - 0.5) / 1.5 / 3)
    assert (gru.n, gru.cells[0].failed) == ((3, 3), 1)
    assert "†" in render.to_text(table)
    assert "†repeat-previous ppo/gru: 1 of 3 seeds diverged (seed 1), counted as -1" in render.notes(table)


def test_ragged_seeds_show_n_by_row(tmp_path, resolved):
    finals = FINALS | {
        ("repeat-previous", "gru"): (0.97, 0.98, 0.96, 0.97, 0.99),
        ("higher-lower", "lru"): (0.47, 0.47),
    }
    table = table_of(tmp_path, resolved, finals)
    lines = {line.split()[0]: line.split() for line in render.to_text(table).splitlines()}
    assert (lines["torso"][1], lines["gru"][1], lines["lru"][1], lines["mlp"][1]) == ("n", "3-5", "2-3", "3")
    assert "n=" not in render.caption(table)
    assert "higher-lower ppo/lru: seeds 2 of 3 asked for are missing" in render.notes(table)
    assert row_of(table, "gru").why_unranked == ()
    assert row_of(table, "lru").why_unranked == ("n<5",)


def test_one_seed_has_no_interval_and_solves_nothing(tmp_path, resolved):
    table = table_of(tmp_path, resolved, {key: values[:1] for key, values in FINALS.items()})
    lru = row_of(table, "lru")
    assert (lru.primary.value, lru.solved, lru.gain) == (1.0, 0, None)
    assert " lru       1.0             .94           -     0/1" in render.to_text(table)


def test_ranked_rows_and_the_mean_column(tmp_path):
    resolved = resolve(tmp_path, ["seeds=5"], TWO_FAMILIES)
    table = table_of(tmp_path, resolved, {key: (*values, *values[:2]) for key, values in FINALS.items()})
    assert render.status(table) == "" and all(row.why_unranked == () for row in table.rows)
    assert render.grid(table)[0][:4] == ["torso", "mean", "RepeatPrevious", "HigherLower"]
    means = [row.primary.value for row in table.rows]
    assert means == sorted(means, reverse=True)
    lru = row_of(table, "lru")
    assert lru.primary.value == pytest.approx((1.0 + np.mean([0.47, 0.475, 0.48, 0.47, 0.475]) / 0.8) / 2)
    assert render.to_rows(table)[0]["ranked"] is True


def test_a_task_that_a_control_solves_is_named(tmp_path):
    resolved = resolve(tmp_path, text=SUITE.replace("rank: false,", ""))
    table = table_of(tmp_path, resolved)
    assert table.no_need == ("higher-lower",)
    assert "higher-lower: a control comes within reach of the ceiling, so it shows no need for memory" in render.notes(
        table
    )
    assert row_of(table, "lru").gain == pytest.approx(1.0)  # over repeat-previous alone


def test_draft_is_never_ranked(tmp_path):
    resolved = resolve(tmp_path, ["seeds=5"], SUITE.replace("version: 1\ndescription", "version: 0\ndescription"))
    table = table_of(tmp_path, resolved, {key: (*values, *values[:2]) for key, values in FINALS.items()})
    assert table.label == "tiny@0" and "*draft, never ranked]" in render.caption(table)
    assert {row["ranked"] for row in render.to_rows(table)} == {False}


def test_reasons_of_records_and_budgets_are_told(tmp_path, resolved):
    odd = {("repeat-previous", "lru"): FINALS["repeat-previous", "lru"]}
    rest = {key: values for key, values in FINALS.items() if key not in odd}
    fill(tmp_path / "results", resolved, odd, not_rankable_because=["dirty tree"], steps_done=1_000_000,
         gates={"step_equals_sequence": False, "reset_equals_fresh": True})  # fmt: skip
    table = table_of(tmp_path, resolved, rest)
    lru = row_of(table, "lru")
    assert set(lru.why_unranked) == {
        "n<5", "dirty tree", "gate step_equals_sequence failed", "1,000,000 steps instead of 1,048,576"
    }  # fmt: skip
    line = next(line for line in render.to_text(table).splitlines() if line.startswith(" lru"))
    assert "not ranked: dirty tree, gate" in line and "n<5" not in line and " 2/3 " in line
    assert "ppo/lru: gates not passed: step_equals_sequence" in render.notes(table)


def test_what_failed_a_gate_stands_last_and_nothing_is_compared_with_it(tmp_path, resolved):
    broken = {key: values for key, values in FINALS.items() if key[1] in ("lru", "mlp-prev")}
    fill(tmp_path / "results", resolved, broken, gates={"causal": False, "reset_equals_fresh": True})
    table = table_of(tmp_path, resolved, {key: values for key, values in FINALS.items() if key not in broken})
    assert [row.torso for row in table.rows] == ["gru", "mamba2", "mlp", "lru", "mlp-prev"]
    gru, control = (0.97 + 0.5) / 1.5, np.mean([0.0, -0.01, 0.02]) / 1.5  # of mlp, for mlp-prev does not count
    assert row_of(table, "gru").gain == pytest.approx((gru - control) / (1 - control))
    assert table.memory_adds["repeat-previous"] == pytest.approx(gru - control)  # of gru, for lru does not count
    assert "gate causal failed" in row_of(table, "lru").why_unranked


def test_task_without_ceiling_shows_the_raw_return(tmp_path):
    resolved = resolve(tmp_path, text=SUITE.replace("floor: 0.0, ceiling: 0.5, kind: measured,", "floor: 0.0,"))
    table = table_of(tmp_path, resolved)
    assert table.rows[0].cells[1].estimate.value == pytest.approx(0.475)
    assert "*HigherLower is not ranked: no ceiling, the raw return is shown" in render.notes(table)


def test_families_and_titles(tmp_path):
    second = SUITE.replace("  higher-lower: {", """  repeat-hard: {id: "popgym::RepeatPreviousHard", task_version: 1,
    family: RepeatPrevious, hard_min: -1, hard_max: 1, floor: -0.5, ceiling: 1.0}
  repeat-medium: {id: "popgym::RepeatPreviousMedium", task_version: 1, rank: false,
    family: RepeatPrevious, hard_min: -1, hard_max: 1, floor: -0.5, ceiling: 1.0}
  higher-lower: {""")  # fmt: skip
    resolved = resolve(tmp_path, text=second)
    assert ranked_tasks(resolved.suite) == ("repeat-previous", "repeat-hard")
    table = table_of(tmp_path, resolved, FINALS | {("repeat-hard", "lru"): (0.1, 0.1, 0.1)})
    assert [render.column_title(c) for c in table.columns] == ["RepeatPrevious", "repeat-medium*", "HigherLower*"]
    assert table.rows[0].torso == "lru" and table.rows[0].cells[0].estimate.value == pytest.approx((1 + 0.4) / 2)
    assert [row.primary for row in table.rows[1:]] == [None] * 4


def test_algorithm_column_ranking_set_and_not_applicable(tmp_path):
    text = SUITE.replace("  algorithms: {", "  algorithms: {slow: {type: ppo, learning_rate: 1e-5}, ").replace(
        "entries:", "rankings: {torsos: {algorithms: [ppo], tasks: [repeat-previous]}}\nentries:"
    )
    resolved = resolve(tmp_path, text=text)
    pair = NotApplicable("higher-lower", "slow", "it cannot act there")
    cells = tuple(cell for cell in resolved.cells if cell.labels[:2] != ("higher-lower", "slow"))
    resolved = dataclasses.replace(resolved, cells=cells, not_applicable=(pair,))
    scan = fill(tmp_path / "results", resolved)
    publish(
        tmp_path / "results",
        resolved,
        *make_record(resolved, find_cell(resolved, "repeat-previous", "gru", "slow"), (0, 0, 0)),
    )
    table = build_table(resolved, Store(tmp_path / "results").scan(scan.records[0].record.suite.label(None)))
    header, body = render.grid(table)
    slow = next(line for line in body if line[:2] == ["slow", "gru"])
    assert header[:2] == ["algorithm", "torso"] and slow[3] == "n/a"
    assert "slow is not in the ranking" in slow[-1]
    assert "n/a: higher-lower slow: it cannot act there" in render.notes(table)


def test_pool_takes_one_code_only_the_newest_complete_one(resolved):
    old = stored(resolved, code="old", created_utc="2026-11-01T00:00:00Z")
    new = stored(resolved, code="new", created_utc="2026-11-02T00:00:00Z", finals=(0.1, 0.2, 0.3))
    newer_part = stored(resolved, code="newest", created_utc="2026-11-03T00:00:00Z", finals=(0.5, 0.5))
    pool = pool_of(resolved, old, new, newer_part)
    assert pool.scores == (0.1, 0.2, 0.3)
    assert [note.partition(": ")[2] for note in sorted(pool.notes)] == sorted(
        f"seeds {seeds} of other code ({one.record.code.code_hash[:8]}) are not pooled"
        for seeds, one in (("0-2", old), ("0-1", newer_part))
    )


def test_pool_joins_records_of_one_code_and_of_a_code_that_adopted(resolved):
    new = stored(resolved, code="new", seeds=[2], finals=(0.3,))
    old = stored(resolved, code="old", seeds=[0, 1], finals=(0.1, 0.2), adopted_by=[new.record.code.code_hash])
    pool = pool_of(resolved, new, old)
    assert (pool.scores, pool.notes) == ((0.1, 0.2, 0.3), ())
    assert {record.run_id for record in pool.records} == {new.record.run_id, old.record.run_id}


def test_a_seed_found_twice_counts_once_from_the_smallest_run_id(resolved):
    both = [stored(resolved, seeds=[0, 1, 2], finals=(0.1,) * 3), stored(resolved, seeds=[2, 3], finals=(0.9,) * 2)]
    first, last = sorted(both, key=lambda one: one.record.run_id)
    pool = pool_of(resolved, last, first)
    assert [run.seed for run in pool.runs] == [0, 1, 2, 3]
    assert pool.scores[2] == first.record.results.final[first.record.seeds.index(2)]


def test_devices_are_never_pooled_and_a_mixed_table_says_so(resolved):
    gpu = {"device_kind": "NVIDIA H200", "created_utc": "2026-11-30T00:00:00Z"}
    records = [stored(resolved, task, torso, values) for (task, torso), values in FINALS.items() if torso != "lru"]
    records += [stored(resolved, "repeat-previous", "lru", (1, 1, 1), **gpu), stored(resolved, "higher-lower", "lru")]
    extra = stored(resolved, **gpu)  # newer, but the rest of the table is of the CPU
    table = build_table(resolved, Scan((*records, extra)))
    assert row_of(table, "gru").devices == ("cpu",)
    assert row_of(table, "lru").devices == ("NVIDIA H200", "cpu")
    header, body = render.grid(table)
    at = header.index("device")
    assert {line[0]: line[at] for line in body}["lru"] == "NVIDIA H200 + cpu"
    assert render.caption(table).endswith("; NVIDIA H200 and cpu")
    notes = render.notes(table)
    assert "ppo/lru mixes devices: repeat-previous on NVIDIA H200, higher-lower on cpu" in notes
    assert "repeat-previous ppo/gru: seeds 0-2 of another device (NVIDIA H200) are not pooled" in notes


def test_tracks_are_never_pooled_and_the_table_says_which_it_is_of(tmp_path, resolved):
    spent = "tuning={trials: 9, seeds: [1_000_000], env_steps: 1e6}"
    opened = resolve(tmp_path, ["track=open", spent])
    records = [stored(resolved, finals=(0.1,) * 3), stored(opened, finals=(0.9,) * 3)]
    for suite, score in ((resolved, 0.1), (opened, 0.9)):
        pool = pool_of(suite, *records)
        other = "open" if suite is resolved else "fixed"
        assert pool.scores == (score,) * 3
        assert pool.notes == (f"repeat-previous ppo/gru: seeds 0-2 of another track ({other}) are not pooled",)
    table = build_table(opened, Scan(tuple(records)))
    assert {row.track for row in table.rows} == {"open"}
    assert render.caption(table).endswith("; cpu; track open")
    assert {row["track"] for row in render.to_rows(table)} == {"open"}
    assert "track" not in render.caption(build_table(resolved, Scan(tuple(records))))


def test_other_configurations_cells_and_frozen_parts_do_not_enter(tmp_path, resolved):
    wider = resolve(tmp_path, ["torsos.gru.features=128"])
    harder = resolve(tmp_path, ["tasks.repeat-previous.ceiling=0.9"])
    records = [stored(resolved), stored(wider, created_utc="2026-12-01T00:00:00Z"), stored(harder, torso="lru")]
    chosen = resolve(tmp_path, ["torsos=[gru]"])
    table = build_table(chosen, Scan((*records, stored(resolved, torso="mlp"))))
    assert [row.torso for row in table.rows] == ["gru"]
    notes = render.notes(table)
    config = find_cell(wider, "repeat-previous", "gru").config_hash[:8]
    assert f"repeat-previous ppo/gru: seeds 0-2 of another configuration ({config}) are not pooled" in notes
    hashed = harder.benchmark_hash[:8]
    assert f"1 records have another frozen part (suite.benchmark_hash {hashed}) and do not enter" in notes
    assert "records of cells that were not chosen do not enter: ppo/mlp" in notes


def test_records_that_cannot_be_compared_make_no_table(tmp_path, resolved):
    gru, lru = stored(resolved), stored(resolved, torso="lru")
    comparable = gru.record.comparable.model_copy(update={"task_package": "memorax 0.0.9"})
    older = dataclasses.replace(gru, record=gru.record.model_copy(update={"comparable": comparable}))
    with pytest.raises(NotComparable, match=r"task_package is memorax 0\.0\.9 and memorax-bench"):
        build_table(resolved, Scan((older, lru)))


def test_who_is_shown_something_else_does_not_rank(tmp_path):
    blind = resolve(tmp_path, ["torsos.gru.inputs=[observation]", "seeds=5"])
    table = build_table(blind, Scan((stored(blind, finals=[0.5] * 5), stored(blind, torso="mlp", finals=[0.1] * 5))))
    why = "comparable.protocol.inputs is observation, not observation, previous_action, start"
    assert row_of(table, "gru").why_unranked == (why,)
    assert row_of(table, "mlp").why_unranked == ()  # a control: to show what comes of it


def test_records_on_disk_are_found_under_their_label(tmp_path, resolved):
    scan = fill(tmp_path / "results", resolved)
    assert (len(scan.records), scan.invalid, scan.misplaced) == (10, (), ())
    parts = cell_path_parts(resolved.label, find_cell(resolved, "higher-lower", "gru"))
    assert (tmp_path / "results").joinpath(*parts).is_dir()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.984, ".98"), (1.0, "1.0"), (0.9999, "1.0"), (-0.004, ".00"), (-0.5, "-.50"), (1.234, "1.23"), (2, "2.0"),
     (-1, "-1.0"), (12.34, "12.3"), (-1234.5, "-1,234"), (float("nan"), "?")],
)  # fmt: skip
def test_numbers_as_shown(value, text):
    assert render.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (950, "950"), (4160, "4.2k"), (84e3, "84k"), (999_600, "1M"), (1.25e6, "1.2M"), (3e9, "3G")],
)
def test_magnitudes_as_shown(value, text):
    assert render.magnitude(value) == text


def test_seed_ranges():
    assert seed_ranges([5, 0, 2, 1, 9, 8]) == "0-2,5,8-9"
