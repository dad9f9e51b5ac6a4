"""Tier 0 beyond the numbers of a record: its texts and truth values, its curves, what it says of its suite."""

import hashlib
import re

import pytest

from fixtures import submissions
from fixtures.submissions import altered, sealed_anew
from memorax_bench.identity import config_hash, run_id
from memorax_bench.records.curves import FILE as CURVES
from memorax_bench.records.curves import decode_curves, encode_curves
from memorax_bench.records.record import Adoption, dump, read_record
from memorax_bench.records.store import Store
from memorax_bench.submission.reading import read_submission
from memorax_bench.submission.tier0 import tier0
from memorax_bench.suite.load import load_suite
from memorax_bench.suite.tracks import SEEDS


def said(filled, given=()) -> str:
    return "\n".join(map(str, tier0(read_submission(filled.results), given)))


@pytest.fixture
def forge(filled):
    """Changes one leaf of one record, makes every hash anew, and says what tier 0 finds."""
    folder = filled.folders[1]
    record = read_record(folder / "record.json")

    def forge(path, value) -> str:
        data = altered(record, path, lambda _: value)
        cell = data["cell"]
        cell["config_hash"] = config_hash(cell["config"])
        about = {"benchmark_hash": data["suite"]["benchmark_hash"], "task_label": cell["task"]}
        parts = data["code"]["code_hash"], data["numerics"]["device_kind"], data["seed_batch"], data["seeds"]
        data["run_id"] = run_id(cell["config_hash"], *parts, **about)
        submissions.rewrite(folder, sealed_anew(data))
        return said(filled)

    return forge


def test_nothing_is_wrong(filled):
    assert said(filled) == ""


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("cell.task", "other", "cell.task: 'other' is no task of smoke@0"),
        ("cell.config.task.id", "popgym::HigherLowerEasy", "cell.config.task.id: popgym::HigherLowerEasy; by smoke@0"),
        ("cell.config.task.kwargs", {"observation": "state"}, "cell.config.task.kwargs.observation: state; by smoke@0"),
        ("cell.config.protocol.eval_policy", "greedy", "cell.config.protocol.eval_policy: greedy; by smoke@0"),
        ("cell.config.protocol.inputs", ["start"], "cell.config.protocol.inputs: start; an entry may see"),
        ("cell.config.torso.inputs", ["observation"], "cell.config.torso.inputs: observation; the protocol"),
        ("cell.config.torso.settings.features", "16", "cell.config.torso.settings.features: '16' is text"),
        ("cell.config.torso.settings", {}, "cell.config.torso.settings.features: missing"),
        ("cell.config.torso.settings", {"features": 16, "x": 1}, "cell.config.torso.settings.x: unknown"),
        ("cell.config.torso.type", "no_such", "cell.config.torso.type: no_such is no torso of this library"),
        ("cell.config.torso", [1], "cell.config: its sections"),
        ("cell.config.network.share_torso", 1, "cell.config.network.share_torso"),
        ("cell.config.network", {"encoder": []}, "cell.config.network.embed: missing"),
        ("cell.config.algorithm.settings.num_minibatches", 0, "num_minibatches = 0: must be at least 1"),
        ("cell.config.algorithm.settings.anneal_steps", 10**6, "anneal_steps = 1000000: longer than"),
        ("cell.config", {}, "cell.config: its sections"),
        ("comparable.task_id", "popgym::HigherLowerEasy", "comparable.task_id"),
        ("comparable.task_package", "navix 0.1.0", "comparable.task_package: navix"),
        ("comparable.task_package", "memorax-bench 9.9", "comparable.task_package: 9.9; the record lists 0.1.0"),
        ("comparable.protocol.precision", "bfloat16", "comparable.protocol.precision: bfloat16; by the configuration"),
        ("code.commit", "main", "code.commit: main is no commit"),
        ("code.user_module_sha256", "0" * 64, "code.user_module_sha256"),
        ("suite.benchmark_hash", "0" * 64, "suite.benchmark_hash: 00000000; smoke@0 has"),
        ("suite.name", "mine", "suite.name: no suite 'mine' is known here"),
        ("not_rankable_because", ["gate causal"], "not_rankable_because: ['gate causal']; by the record it is"),
        ("results.curves.file", "../../x", "results.curves.file"),
        ("results.curves.sha256", "0" * 64, "results.curves.sha256"),
        ("results.best.0", 0.1, "results.best.0: 0.1; by its curve it is 0."),
        ("results.auc.0", 0.9, "results.auc.0: 0.9; by its curve it is 0."),
        ("gates.causal.pass", False, "gates.causal.max_rel: not passed with an error of 5e-06"),
        ("gates.causal.max_rel", 2e-5, "gates.causal.pass: passed with an error of 2e-05; allowed are 1e-05"),
        ("gates.causal.max_rel", None, "gates.causal.pass: passed with an error of None"),
        ("gates.causal.max_rel", -1.0, "gates.causal.max_rel: -1.0"),
        ("gates", {}, "gates.causal: missing"),
        ("cost.torso_parameters", 5000, "cost.torso_parameters: 5,000, more than the whole agent"),
        ("cost.flops_per_env_step.by", "guess", "cost.flops_per_env_step.by: guess; counters known here"),
        ("numerics.x64", True, "numerics.x64"),
        ("numerics.prng", "rbg", "numerics.prng"),
        ("numerics.matmul", "fast", "numerics.matmul"),
        ("numerics.jaxlib", "new", "numerics.jaxlib: new is no version"),
        ("versions.python", "\x1b[2J", "versions.python: holds what cannot be printed"),
        ("volatile.machine_label", "a\u202eb", "volatile.machine_label: holds what cannot be printed"),
        ("volatile.created_utc", "now", "volatile.created_utc"),
        ("volatile.steps_per_s", 1e9, "volatile.steps_per_s: 1e+09; by steps and times"),
        ("volatile.timing.steady", [0.5], "volatile.timing.steady: 1 segments; the protocol has 2"),
        ("volatile.timing.steady", [0.5, -0.5], "volatile.timing.steady: a segment takes time"),
    ],
)  # fmt: skip
def test_what_a_record_says_of_itself(forge, path, value, why):
    told = forge(path, value)
    assert why in told and "cannot be checked" not in told, told
    assert "\x1b" not in told and "\u202e" not in told


def rows_of(filled) -> list[dict]:
    return decode_curves((filled.folders[1] / CURVES).read_bytes())


@pytest.fixture
def recurve(filled):
    """Replaces the curves of a record, and what it says of their hash."""
    folder = filled.folders[1]

    def recurve(rows, text=None) -> str:
        data = text or encode_curves(rows)
        (folder / CURVES).write_bytes(data)
        record = dump(read_record(folder / "record.json"))
        record["results"]["curves"]["sha256"] = hashlib.sha256(data).hexdigest()
        submissions.rewrite(folder, sealed_anew(record))
        return said(filled)

    return recurve


@pytest.mark.parametrize(
    ("row", "column", "value", "why"),
    [
        (1, "mean", 2.0, "seed 0, step 2048: min"),
        (1, "min", -7.0, "seed 0, step 2048: -7.0 is outside of [-1, 1]"),
        (1, "max", 7.0, "seed 0, step 2048: 7.0 is outside of [-1, 1]"),
        (1, "sd", 0.9, "seed 0, step 2048: sd 0.9 is larger than episodes between"),
        (1, "sd", -0.1, "cannot be of the same episodes"),
        (1, "length", 0.0, "length 0.0 is no length"),
        (1, "n", 4, "due is seed 0, step 2048, n 8"),
        (1, "seed", 1, "due is seed 0, step 2048"),
        (0, "seed", 7, "seeds: 0-1; the curves are of 0-1,7"),
        (1, "env_step", 2047, "due is seed 0, step 2048"),
        (2, "mean", 0.6, "results.final.0"),
        (2, "sd", 0.2, "results.final_returns.0: the curve ends with other episodes: sd"),
        (2, "min", 0.31, "results.final_returns.0: the curve ends with other episodes: min"),
        (1, "mean", float("nan"), "returns are numbers up to where the seed diverged"),
    ],
)
def test_curves_that_cannot_be(filled, recurve, row, column, value, why):
    rows = rows_of(filled)
    rows[row][column] = value
    told = recurve(rows)
    assert why in told, told


def test_curves_that_are_not_of_the_seeds(filled, recurve):
    rows = rows_of(filled)
    assert "5 rows for 2 seeds and 3 evaluations" in recurve(rows[:-1])
    assert "seeds: 0-1; the curves are of " in recurve([])


def test_the_episode_that_was_altered_is_named_among_many(filled, forge):
    record = read_record(filled.folders[1] / "record.json")
    value = record.results.final_returns[1][5]
    assert "results.final_returns.1.5: the curve ends with other episodes: mean" in forge(
        "results.final_returns.1.5", value - 0.1
    )


def test_seeds_that_diverged_are_right_as_they_are(filled):
    cell, folder = filled.suite.cells[1], filled.folders[1]
    record, curves = submissions.make_record(filled.suite, cell, diverged=[1])
    (folder / CURVES).write_bytes(curves)
    submissions.rewrite(folder, dump(record))
    assert record.results.final[1] is None and said(filled) == ""
    data = altered(record, "results.auc.1", lambda _: 0.5)
    submissions.rewrite(folder, sealed_anew(data))
    assert "results.auc.1: a seed that diverged has none" in said(filled)


# --- several records ---


def add(filled, number: int, **settings):
    cell = filled.suite.cells[number]
    record, curves = submissions.make_record(filled.suite, cell, **settings)
    return submissions.publish(filled.results, filled.suite, cell, record, curves)


def test_more_seeds_of_a_cell_are_welcome(filled):
    add(filled, 1, seeds=(2, 3))
    assert said(filled) == ""


def test_seeds_that_were_left_out(filled):
    add(filled, 1, seeds=(4,), seed_batch=2)
    assert "seeds: 0-1,4; of the range from 0 on are left out: 2-3" in said(filled)


@pytest.mark.parametrize(
    ("seeds", "refusal"),
    [
        (SEEDS, ""),
        (SEEDS[:1], "seeds: 1000000; those of a trial are 1000000-1000001"),
        ((0, 1), "seeds: 0-1; those of"),
    ],
)
def test_seeds_of_trials(tmp_path, seeds, refusal):
    trials = load_suite("tuning")
    record, curves = submissions.make_record(trials, trials.cells[0], seeds=seeds, seed_batch=len(seeds))
    submissions.publish(tmp_path, trials, trials.cells[0], record, curves)
    found = "\n".join(map(str, tier0(read_submission(tmp_path), [trials])))
    assert refusal in found and ("seeds" in found) == bool(refusal)


def test_seeds_that_stand_twice(filled):
    add(filled, 1, seeds=(1, 2), mean=0.9)
    assert re.search(r"seeds: .*seed 1 is in \w+, \w+", said(filled))


@pytest.mark.parametrize(
    ("changed", "leaf"),
    [
        ({"parameters": (2238, 2032, 64)}, "cost.parameters"),
        ({"parameters": (2237, 2033, 64)}, "cost.torso_parameters"),
        ({"parameters": (2237, 2032, 65)}, "cost.state_bytes"),
    ],
)
def test_records_of_one_agent_agree_in_its_costs(filled, changed, leaf):
    add(filled, 1, seeds=(2, 3), **changed)
    assert f"{leaf}: " in said(filled)


def test_adoptions_of_another_program(filled):
    adoption = Adoption(
        code_hash="1" * 64, program_hash="2" * 64, jaxlib="0.11.2", commit=None, created_utc="2026-11-22T09:00:00Z"
    )
    Store(filled.results).record_adoption(filled.folders[0] / "record.json", adoption)
    assert "adoptions.0.program_hash: not that of the record" in said(filled)


# --- suites ---


def test_a_suite_of_ones_own_has_to_be_given(tmp_path, filled):
    suite = load_suite("smoke", ["protocol.total_env_steps=8192", "seeds=2"])
    assert suite.label != filled.suite.label
    submissions.fill(tmp_path / "other", suite)
    read = read_submission(tmp_path / "other")
    assert "suite.benchmark_hash" in "\n".join(map(str, tier0(read)))
    assert tier0(read, [suite]) == ()


def test_a_torso_of_ones_own_is_read_and_not_executed(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(
        "import dataclasses\nraise SystemExit('executed')\n\n@dataclasses.dataclass\nclass Cell:\n    features: int\n"
    )
    monkeypatch.chdir(tmp_path)
    suite = load_suite("smoke", ["seeds=2", "+torsos.mine=mine:Cell", "torsos=[mine]"], path=[tmp_path])
    submissions.fill(tmp_path / "results", suite)
    assert tier0(read_submission(tmp_path / "results")) == ()
