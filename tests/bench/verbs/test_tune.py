"""The verb `tune`, once from beginning to end: trials, choice, file, and a record that says where its rate is from."""

import pytest

from fixtures import runs
from memorax_bench.cell import runner
from memorax_bench.records.store import Store
from memorax_bench.report.choosing import choose
from memorax_bench.running import work
from memorax_bench.suite.choices import choices_text, read_choices
from memorax_bench.suite.load import load_suite
from memorax_bench.suite.tracks import RATES, SUITE
from memorax_bench.suite.trials import make_trials
from memorax_bench.verbs.run import Options
from memorax_bench.verbs.tune import default_file, tune_suite

TRIAL = """\
schema: 1
name: trial
version: 0
protocol: {total_env_steps: 512, eval_every: 512, eval_episodes: 4, eval_policy: sample,
           inputs: [observation, start], discount: 0.99, precision: float32, min_seeds: 1}
tasks:
  chain: {id: "gymnax::MemoryChain-bsuite", kwargs: {memory_length: 3}, task_version: 1, family: M,
          hard_min: -1, hard_max: 1, floor: 0.0, ceiling: 1.0}
entries: {seeds: 1, algorithms: {ppo: {num_envs: 8, num_steps: 64}}, torsos: {gru: {features: 8}}}
"""
INLINE = Options(launcher="inline")


@pytest.fixture
def tune(tmp_path, monkeypatch):
    """`tune` of smoke's mlp on a trial of one update, its checks left out, which others test -> exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "measure_torso", lambda *_: {})
    monkeypatch.setattr(runner, "measure_agent", lambda *_: {"pass": True})
    monkeypatch.setattr(runner, "step_seconds", lambda *_: 1e-4)
    (tmp_path / "trial.yaml").write_text(TRIAL)

    def tune(*more):
        arguments = ["torsos=mlp", "track=lr4", *more]
        target, tuned_on = load_suite("smoke", arguments), load_suite("trial.yaml")
        return tune_suite(target, tuned_on, ["suite=smoke", *arguments], tmp_path / "r", INLINE, tmp_path / "mine.yaml")

    return tune


def test_tune_chooses_writes_and_goes_on_where_it_was(tune, tmp_path, capsys, monkeypatch):
    traced = []
    trace = work.trace
    monkeypatch.setattr(work, "trace", lambda *args: traced.append(args) or trace(*args))
    assert tune() == 0
    said = capsys.readouterr().out
    assert "trial@0: 4 cells: 4 new" in said
    assert f"1 chosen -> {tmp_path / 'mine.yaml'}" in said
    assert f"to use it: +include={tmp_path / 'mine.yaml'}" in said
    assert len(traced) == 1, "rates share their programs"

    stored = runs.records(tmp_path / "r")
    assert {record.cell.track for record in (one.record for one in stored)} == {"fixed"}
    chosen = read_choices(tmp_path / "mine.yaml").tuned["ppo/mlp"]
    by_rate = {one.record.cell.algorithm: one.record.results.auc for one in stored}
    for word, rate in RATES.items():
        assert chosen.scores[rate] == pytest.approx(sum(by_rate[f"ppo-{word}"]) / 2, abs=1e-4)

    before = (tmp_path / "mine.yaml").read_text()
    assert tune() == 0  # nothing runs again
    assert "nothing to do" in capsys.readouterr().out
    assert (len(traced), (tmp_path / "mine.yaml").read_text()) == (1, before)

    suite = load_suite("smoke", ["torsos=mlp", "tasks=higher-lower", "track=lr4", "+include=mine.yaml"])
    (cell,) = suite.cells
    assert cell.config["algorithm"]["settings"]["learning_rate"] == chosen.learning_rate
    assert cell.tuning.scores == chosen.scores


def test_an_entry_whose_trial_failed_is_left_out_and_said(tune, tmp_path, capsys, monkeypatch):
    def trace(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr(work, "trace", trace)
    assert tune() == 3
    said = capsys.readouterr().out
    assert "again: memorax-bench tune suite=smoke track=lr4 'torsos=[mlp]'" in said
    assert "nothing chosen, as trials are missing: ppo/mlp" in said
    assert not (tmp_path / "mine.yaml").exists()


def test_plan_and_run_refuse_what_is_not_tuned(call):
    for verb in ("plan", "run"):
        code, out, err = call(verb, "suite=smoke", "track=lr4")
        assert (code, out) == (2, "")
        assert "tune first: memorax-bench tune suite=smoke track=lr4; or run untuned: track=fixed" in err


def test_the_plan_of_the_trials(call):
    code, out, _ = call("tune", "suite=memory-core", "torsos=[gru]", "--plan")
    assert code == 0
    assert "2 tasks x 4 algorithms x 1 torso x 2 seeds" in out
    assert "8 cells: 8 new; 2 compile groups" in out


def test_the_choices_that_ship_are_those_of_the_records_that_ship():
    suite = load_suite("memory-core")
    assert suite.suite.entries.tuned
    assert all(cell.tuning is not None for cell in suite.cells), "entries were changed: tune them again"
    trials = make_trials(suite, load_suite(SUITE))
    found = choose(trials, Store(runs.ROOT / "results").scan(trials.suite.label))
    text = choices_text(suite.name, trials.tuning, found.tuned)
    assert default_file(suite).read_text() == text, "run: memorax-bench tune suite=memory-core"
