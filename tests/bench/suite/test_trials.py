"""The trials of the track lr4: which cells they are, what they share, and who cannot be tried or run."""

import pytest

from memorax_bench.errors import UsageProblems
from memorax_bench.running.plan import compile_group
from memorax_bench.suite.choices import choices_text
from memorax_bench.suite.load import load_suite
from memorax_bench.suite.schema import Tuned
from memorax_bench.suite.tracks import RATES, SHARE
from memorax_bench.suite.trials import make_trials, refuse_untuned

TUNING = """\
schema: 1
name: trial
version: 0
protocol: {total_env_steps: 8192, eval_every: 4096, eval_episodes: 4, eval_policy: greedy,
           inputs: [observation, start], discount: 0.9, precision: float32, min_seeds: 1}
tasks:
  chain: {id: "gymnax::MemoryChain-bsuite", kwargs: {memory_length: 4}, task_version: 1, family: M,
          hard_min: -1, hard_max: 1, floor: 0.0, ceiling: 1.0}
  lag: {id: "popgym::RepeatPrevious", kwargs: {k: 3}, task_version: 1, family: R,
        hard_min: -1, hard_max: 1, floor: -0.5, ceiling: 1.0}
entries: {seeds: 1, algorithms: {ppo: {}}, torsos: {gru: {features: 8}}}
"""
LR4 = ["track=lr4", "overrides=[]", "torsos=[mlp,gru]"]


@pytest.fixture
def tuned_on(write_suite):
    """Resolves the suite of the trials, with overrides."""
    path = write_suite(text=TUNING, name="trial.yaml")
    return lambda *overrides: load_suite(path, ["algorithms.ppo.num_envs=32", *overrides])


def refused(target, tuned_on) -> str:
    with pytest.raises(UsageProblems) as caught:
        make_trials(target, tuned_on)
    return str(caught.value)


def test_every_entry_is_tried_at_every_rate_in_every_task(write_suite, tuned_on):
    target = load_suite(write_suite(), LR4)
    trials = make_trials(target, tuned_on())
    assert len(trials.suite.cells) == 2 * 2 * 4
    assert (trials.suite.label, trials.suite.seeds) == ("trial@0", (1_000_000, 1_000_001))
    assert list(trials.settings) == ["ppo/mlp", "ppo/gru"]
    assert trials.usual == {"ppo/mlp": 1e-3, "ppo/gru": 1e-3}
    tuning = trials.tuning
    assert (tuning.trials, tuning.seeds, tuning.env_steps) == (4, (1_000_000, 1_000_001), 4 * 2 * 2 * 8192)
    assert (tuning.suite, tuning.benchmark_hash) == ("trial@0", tuned_on().benchmark_hash)
    for word, rate in RATES.items():
        cells = trials.cells("ppo/gru", word)
        assert [cell.labels for cell in cells] == [(task, f"ppo-{word}", "gru") for task in ("chain", "lag")]
        assert {cell.config["algorithm"]["settings"]["learning_rate"] for cell in cells} == {rate}


def test_a_trial_is_the_entry_in_the_tasks_and_by_the_protocol_of_the_other_suite(write_suite, tuned_on):
    target, other = load_suite(write_suite(), LR4), tuned_on()
    entry = next(cell for cell in target.cells if cell.torso_label == "gru")
    task = next(cell for cell in other.cells if cell.task_label == "chain")
    trial = make_trials(target, other).cells("ppo/gru", "1e-3")[0]
    assert trial.config["task"] == task.config["task"]
    assert trial.config["protocol"] == task.config["protocol"]
    assert trial.config["algorithm"] == entry.config["algorithm"]  # 1e-3 is what the suite has, too
    assert trial.config["network"] == entry.config["network"]
    assert trial.config["torso"] == {**entry.config["torso"], "inputs": ["observation", "start"]}
    blind = make_trials(target, other).cells("ppo/mlp", "1e-3")[0]
    assert blind.config["torso"]["inputs"] == blind.config["protocol"]["inputs"] == ["observation"]
    assert (trial.track, trial.task, blind.role) == ("fixed", task.task, "control")


def test_the_rates_of_an_entry_share_their_program_and_no_configuration(write_suite, tuned_on):
    trials = make_trials(load_suite(write_suite(), LR4), tuned_on())
    cells = [trials.cells("ppo/gru", word)[0] for word in RATES]
    assert len({compile_group(cell.config, 2) for cell in cells}) == 1
    assert len({cell.config_hash for cell in cells}) == 4


def test_who_is_not_tried(write_suite, tuned_on, discrete_only):
    path = write_suite()
    assert "entries.track = fixed\n  nothing to tune" in refused(load_suite(path), tuned_on())
    short = load_suite(path, [*LR4, "protocol.total_env_steps=32_768"])
    assert f"8,192 environment steps, more than {SHARE:.0%} of these" in refused(short, tuned_on())
    uneven = load_suite(path, [*LR4, "algorithms.ppo.num_envs=128", "algorithms.ppo.num_minibatches=8"])
    assert "not a multiple of one update of ppo" in refused(uneven, tuned_on())
    swing = (
        '+tasks.swing={id: "gymnax::Pendulum-v1", task_version: 1, family: P, hard_min: -2e3, hard_max: 0, floor: -9}'
    )
    with pytest.raises(UsageProblems, match=r"algorithms\.ppo\n  cannot be tuned: ppo acts in discrete action spaces"):
        make_trials(load_suite(path, LR4), tuned_on(swing), discrete_only)


# --- who cannot be run ---


def why_refused(suite, *arguments) -> str:
    with pytest.raises(UsageProblems) as caught:
        refuse_untuned(suite, arguments)
    return str(caught.value)


def test_an_entry_that_was_not_tuned_is_refused_with_the_command_that_tunes_it(write_suite, tuned_on, tmp_path):
    arguments = ["suite=tiny.yaml", *LR4]
    target = load_suite(write_suite(), LR4)
    text = why_refused(target, *arguments)
    assert "entries.track = lr4\n  not tuned yet: ppo/mlp, ppo/gru\n" in text
    assert "memorax-bench tune suite=tiny.yaml track=lr4 'overrides=[]' 'torsos=[mlp,gru]'; or run untuned" in text

    trials = make_trials(target, tuned_on())
    scores = dict.fromkeys(RATES.values(), 0.5)
    chosen = {"ppo/gru": Tuned(learning_rate=1e-4, scores=scores, settings=trials.settings["ppo/gru"])}
    (tmp_path / "tuned.yaml").write_text(choices_text("tiny", trials.tuning, chosen))
    known = load_suite(target.file, [*LR4, "include=tuned.yaml"])
    assert "not tuned yet: ppo/mlp\n" in why_refused(known, *arguments)
    changed = load_suite(target.file, [*LR4, "include=tuned.yaml", "torsos.gru.features=32"])
    assert "not tuned yet: ppo/mlp; tuned with other settings: ppo/gru\n" in why_refused(changed, *arguments)
    refuse_untuned(load_suite(target.file, [*LR4[:2], "torsos=gru", "include=tuned.yaml"]), arguments)
    refuse_untuned(load_suite(target.file), arguments)
