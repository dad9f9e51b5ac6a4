"""Tiers 1 and 2 as judgements: of a record and what became of it when it was run again. Nothing is run here."""

import contextlib
import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from fixtures import submissions
from memorax_bench import errors
from memorax_bench.records.curves import decode_curves
from memorax_bench.records.record import Record, dump
from memorax_bench.records.store import StoredRecord
from memorax_bench.submission import machine as machines
from memorax_bench.submission.draws import FRESH_RANGE, cell_count, drawn_records, fresh_seeds
from memorax_bench.submission.machine import Again
from memorax_bench.submission.reading import Found, read_submission
from memorax_bench.submission.tier1 import (
    FAILED,
    OTHER,
    REFUSED,
    SAME,
    WITHIN,
    judge,
    judge_account,
    one_sided_p,
    task_tolerance,
)
from memorax_bench.submission.tier2 import standings
from memorax_bench.suite.load import load_suite
from memorax_bench.verbs import verifying
from memorax_bench.verbs.verifying import Asked, verify_path

SUITE = load_suite("smoke", ["seeds=5", "torsos=[gru]", "tasks=[repeat-previous]"])
(CELL,) = SUITE.cells
TASKS = SUITE.suite.tasks
SEEDS = (0, 1, 2, 3, 4)


def found(*, rows=None, path=None, value=None, **settings) -> Found:
    """A record as it is read, with one value replaced."""
    record, curves = submissions.make_record(SUITE, CELL, **{"seeds": SEEDS, **settings})
    if path is not None:
        record = Record.model_validate(submissions.altered(record, path, lambda _: value))
    return Found("place", StoredRecord("record.json", record), tuple(rows or decode_curves(curves)))


# --- tier 1 ---


def test_the_same_bits():
    assert judge(Again(found(), (found(),)), CELL.task).word == SAME


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("gates.causal.max_rel", 1e-7),
        ("cost.temp_bytes", 1),
        ("cost.parameters", 3000),
        ("results.auc.2", 0.4),
    ],
)
def test_what_only_running_tells(path, value):
    verdict = judge(Again(found(path=path, value=value), (found(),)), CELL.task)
    assert verdict.word == REFUSED
    assert [one.leaf for one in verdict.refused] == [path]
    assert "run again it is" in str(verdict.refused[0])


def shifted(amount: float) -> Found:
    rows = found().rows
    return found(rows=[{**row, "mean": row["mean"] + amount} for row in rows])


def test_the_tolerance_is_of_the_range_of_the_task():
    assert task_tolerance(CELL.task) == pytest.approx(2e-5)
    assert judge(Again(shifted(1e-6), (found(),)), CELL.task).word == WITHIN
    assert judge(Again(shifted(1e-3), (found(),)), CELL.task).word == OTHER


def test_other_numbers_stand_unless_they_are_better():
    better, worse, likewise = (found(mean=mean) for mean in (0.9, 0.1, 0.5001))
    verdict = judge(Again(better, (found(),)), CELL.task)
    assert verdict.word == REFUSED and "one-sided p" in str(verdict.refused[0]) and "though of the same" in verdict.said
    assert judge(Again(worse, (found(),)), CELL.task).refused == ()
    verdict = judge(Again(likewise, (found(),)), CELL.task)
    assert verdict.word == OTHER and "not better: one-sided p" in verdict.said


def test_one_seed_tells_nothing_and_a_failure_is_none():
    one = [found(seeds=(0,), mean=mean) for mean in (0.9, 0.5)]
    assert "nothing can be told" in judge(Again(one[0], (one[1],)), CELL.task).said
    assert judge(Again(one[0], (), "out of memory"), CELL.task).word == FAILED


def test_one_sided_p_by_hand():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0])
    assert one_sided_p(a, b) == pytest.approx(0.1439, abs=1e-4)  # t = 1 / sqrt(2 / 3), 4 degrees of freedom
    assert one_sided_p(np.ones(3), np.zeros(3)) == 0 and one_sided_p(np.ones(3), np.ones(3)) == 1
    assert math.isnan(one_sided_p(np.ones(1), np.zeros(3)))


def account(item: Found, **changed) -> dict:
    cost = {name: value for name, value in dump(item.record)["cost"].items() if name != "temp_bytes"}
    return {"program_hash": item.record.code.program_hash, **cost, **changed}


def test_accounts():
    item, here = found(), (submissions.CODE, "0.11.2", "cpu")
    assert judge_account(item, account(item), *here).word == SAME
    assert judge_account(item, None, *here).word == FAILED
    verdict = judge_account(item, account(item, parameters=9), *here)
    assert [one.leaf for one in verdict.refused] == ["cost.parameters"]
    verdict = judge_account(item, account(item, flops_per_env_step={"value": 1.0, "by": "jaxpr@1"}), *here)
    assert [one.leaf for one in verdict.refused] == ["cost.flops_per_env_step.value"]
    other = account(item, program_hash="0" * 64)
    assert [one.leaf for one in judge_account(item, other, *here).refused] == ["code.program_hash"]
    # Programs of another jaxlib or device have another text, those of other code may be anything.
    assert judge_account(item, other, submissions.CODE, "0.11.3", "cpu").word == WITHIN
    assert judge_account(item, other, submissions.CODE, "0.11.2", "gpu").word == WITHIN
    verdict = judge_account(item, other, "0" * 64, "0.11.2", "cpu")
    assert verdict.word == OTHER and "of commit 01234567: check that out" in verdict.said and not verdict.refused


# --- what is drawn ---


def test_draws_depend_on_the_submission_and_the_number(filled):
    items = read_submission(filled.results).found
    assert cell_count(items) == 4
    drawn = {(hash_, seed): drawn_records(items, 2, hash_, seed) for hash_ in "abcd" for seed in range(4)}
    assert all(len(chosen) == 2 == len({item.place for item in chosen}) for chosen in drawn.values())
    assert drawn["a", 0] == drawn_records(items, 2, "a", 0)
    assert len({tuple(item.place for item in chosen) for chosen in drawn.values()}) > 2
    assert len(drawn_records(items, 99, "a", 0)) == 4


def test_fresh_seeds_are_new_and_repeatable():
    seeds = fresh_seeds("hash", 3)
    assert seeds == fresh_seeds("hash", 3) == tuple(sorted(set(seeds))) and len(seeds) == 5
    assert all(seed in FRESH_RANGE for seed in seeds) and 10_000 not in FRESH_RANGE
    assert not set(seeds) & (set(fresh_seeds("hash", 4)) | set(fresh_seeds("other", 3)))


# --- tier 2 ---


def test_an_entry_stands_unless_fresh_seeds_are_worse():
    item = found(mean=0.9)
    worse, likewise = found(mean=0.2), found(mean=0.899)
    (standing,) = standings([Again(item, (worse,))], [item], TASKS)
    assert standing.entry == "ppo/gru" and standing.p == pytest.approx(1 / 252)
    assert standing.submitted > 0.9 > 0.7 > standing.fresh  # between the bounds -1 and 1
    assert [one.leaf for one in standing.refused] == ["results.final"] and "p 0.004" in str(standing.refused[0])
    for other in (likewise, found(mean=0.99)):
        assert standings([Again(item, (other,))], [item], TASKS)[0].refused == ()


def test_all_seeds_that_were_submitted_count_and_diverged_ones_as_the_least():
    item = found(seeds=(0, 1, 2), mean=0.9)
    more = dataclasses.replace(found(seeds=(3, 4), mean=0.9), place="other")
    fresh = [found(seeds=(7, 8), mean=0.2), found(seeds=(9, 10, 11), mean=0.2, diverged=[9, 10, 11])]
    (standing,) = standings([Again(item, tuple(fresh))], [item, more], TASKS)
    assert standing.p == pytest.approx(1 / 252) and standing.fresh == pytest.approx(0.6 * 2 / 5, abs=0.03)


def test_a_cell_that_failed_says_nothing():
    assert standings([Again(found(), (), "out of memory")], [found()], TASKS) == ()


# --- the verb ---


@pytest.fixture
def again(monkeypatch):
    """`verify` on a machine of which `again.answer` says what becomes of every record; `again.asked` were traced."""
    seen = SimpleNamespace(asked=[], answer=lambda item: Again(item, (item,)))

    def traced(machine, suite, items):
        seen.asked += items
        return [account(item) for item in items]

    machine = SimpleNamespace(device_kind="cpu")
    monkeypatch.setattr(verifying, "_machine", lambda launcher: contextlib.nullcontext(machine))
    monkeypatch.setattr(machines, "accounts", traced)
    monkeypatch.setattr(machines, "code_of", lambda suite, item: submissions.CODE)
    monkeypatch.setattr(machines, "run_again", lambda machine, suite, items, seeds=(): [*map(seen.answer, items)])
    return seen


def test_all_is_traced_and_some_is_run_again(filled, again, capsys):
    assert verify_path(filled.results, [], Asked(tier=2, cells=3, seed=7)) == errors.EXIT_OK
    said = capsys.readouterr().out
    assert len(again.asked) == 4 and "tier 1: 4 records traced: 4 with the programs and costs of this code" in said
    assert "tier 1: 3 of 4 cells run again, drawn by --seed 7" in said and said.count("the same, bit for bit") == 3
    assert said.endswith("valid by tier 2\n")


def test_what_fails_is_neither_valid_nor_refused(filled, again, capsys):
    again.answer = lambda item: Again(item, (), "RuntimeError: out of memory")
    assert verify_path(filled.results, [], Asked(tier=1)) == errors.EXIT_CELLS_FAILED
    said = capsys.readouterr().out
    assert "failed: RuntimeError: out of memory" in said and "nothing refused, but 2 could not be run again" in said


def test_code_of_ones_own_is_never_executed(tmp_path, monkeypatch, again, capsys):
    (tmp_path / "mine.py").write_text("import dataclasses\n\n@dataclasses.dataclass\nclass Cell:\n    features: int\n")
    suite = load_suite("smoke", ["seeds=2", "+torsos.mine=mine:Cell", "torsos=[mine,gru]"], path=[tmp_path])
    submissions.fill(tmp_path / "results", suite)
    assert verify_path(tmp_path / "results", [], Asked(tier=1)) == errors.EXIT_OK
    said = capsys.readouterr().out
    assert {item.record.cell.torso for item in again.asked} == {"gru"}
    assert "2 records of a user's own code: never executed, never ranked" in said
    assert "a user's own code, which is shown and never ranked" in said
