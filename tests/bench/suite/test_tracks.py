"""The tracks of a suite: what each lets entries differ in, and what a learning rate that was chosen holds for."""

import pytest

from memorax_bench.errors import UsageProblems
from memorax_bench.identity import sha256_json
from memorax_bench.suite.choices import choices_text, merge_choices, read_choices
from memorax_bench.suite.load import load_suite
from memorax_bench.suite.schema import Tuned, Tuning
from memorax_bench.suite.tracks import TrackChoice, best_rates, choose_rate, settings_hash

ON_LR4 = (
    ("  seeds: 3", "  seeds: 3\n  track: lr4"),
    ("\n  overrides: [{when: {torso: lru}, set: {algorithm.lea", "\n  #"),
)
SCORES = {1e-4: 0.1, 3e-4: 0.4, 1e-3: 0.2, 3e-3: -0.1}
TUNING = Tuning(suite="tuning@1", benchmark_hash="b" * 64, trials=4, seeds=[10**6, 10**6 + 1], env_steps=1000)


def problems(path, *overrides) -> str:
    with pytest.raises(UsageProblems) as caught:
        load_suite(path, overrides)
    return str(caught.value)


def cell_of(suite, torso="gru"):
    return next(cell for cell in suite.cells if cell.torso_label == torso)


def tuned_for(suite, torso="gru", tuning=TUNING, scores=SCORES) -> Tuned:
    settings = settings_hash(cell_of(suite, torso).config, tuning.benchmark_hash)
    return Tuned(learning_rate=choose_rate(scores, 1e-3), scores=scores, settings=settings)


@pytest.fixture
def on_lr4(write_suite, tmp_path):
    """The small suite on the track lr4, in which gru alone is tuned -> its path."""
    path = write_suite(*ON_LR4, ("  seeds: 3", "  seeds: 3\n  include: tuned/tiny.yaml"), name="lr4.yaml")
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / "tiny.yaml").write_text("tuned: {}\n")
    chosen = {"ppo/gru": tuned_for(load_suite(path))}
    (tmp_path / "tuned" / "tiny.yaml").write_text(choices_text("tiny", TUNING, chosen))
    return path


def test_without_a_track_nothing_was_searched_for(tiny):
    assert {(cell.track, cell.tuning) for cell in tiny.cells} == {("fixed", None)}


def test_on_lr4_an_entry_has_the_learning_rate_that_was_chosen_for_it(on_lr4, tiny):
    suite = load_suite(on_lr4)
    gru, lru = cell_of(suite), cell_of(suite, "lru")
    assert (gru.track, gru.tuning) == ("lr4", TUNING.model_copy(update={"scores": SCORES}))
    assert gru.config["algorithm"]["settings"]["learning_rate"] == 3e-4
    assert (lru.track, lru.tuning) == ("lr4", None)
    assert lru.config["algorithm"]["settings"]["learning_rate"] == 1e-3
    assert suite.benchmark_hash == tiny.benchmark_hash and suite.label == tiny.label
    fixed = cell_of(load_suite(on_lr4, ["track=fixed"]))
    assert (fixed.config, fixed.tuning) == (cell_of(tiny).config, None)


@pytest.mark.parametrize(
    "change",
    ["torsos.gru.features=32", "algorithms.ppo.num_envs=32", "network.encoder=[32]", "torsos.gru.inputs=[observation]"],
)
def test_what_was_chosen_holds_for_no_other_settings(on_lr4, change):
    assert cell_of(load_suite(on_lr4, [change])).tuning is None


@pytest.mark.parametrize("change", ["algorithms.ppo.learning_rate=0.5", "seeds=[7]", "tasks=[higher]"])
def test_what_was_chosen_holds_for_every_task_seed_and_former_learning_rate(on_lr4, change):
    assert cell_of(load_suite(on_lr4, [change])).tuning is not None


def test_what_was_chosen_on_other_tasks_does_not_hold(on_lr4, tmp_path):
    file = tmp_path / "tuned" / "tiny.yaml"
    file.write_text(file.read_text().replace("b" * 64, "c" * 64))
    assert cell_of(load_suite(on_lr4)).tuning is None


def test_a_file_of_ones_own_adds_to_what_the_suite_includes(on_lr4, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = ["+torsos.mine={type: lru, features: 32}", "torsos=[gru,mine]"]
    mine = tuned_for(load_suite(on_lr4, more), "mine")
    (tmp_path / "mine.yaml").write_text(choices_text("tiny", TUNING, {"ppo/mine": mine}))
    suite = load_suite(on_lr4, [*more, "+include=mine.yaml"])
    assert cell_of(suite).tuning is not None and cell_of(suite, "mine").tuning is not None
    instead = load_suite(on_lr4, [*more, "+include=mine.yaml", "include=[]"])
    assert cell_of(instead).tuning is None and cell_of(instead, "mine").tuning is not None
    assert "no file" in problems(on_lr4, "+include=none.yaml")
    assert "given twice" in problems(on_lr4, "+include=mine.yaml", "+include=mine.yaml")


def test_the_file_says_what_was_chosen_and_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "x.yaml"
    settings = sha256_json("x")[:16]
    tuned = {"ppo/gru": Tuned(learning_rate=3e-4, scores=SCORES, settings=settings)}
    file.write_text(choices_text("tiny", TUNING, tuned))
    assert "ppo/gru: {learning_rate: 3e-4, scores: {1e-4: 0.1, 3e-4: 0.4, 1e-3: 0.2, 3e-3: -0.1}" in file.read_text()
    assert read_choices(file) == TrackChoice(tuning=TUNING, tuned=tuned)
    assert read_choices(tmp_path / "none.yaml") == TrackChoice()


def test_a_choice_is_kept_beside_later_ones_of_the_same_tasks(tiny):
    old, new = tuned_for(tiny), tuned_for(tiny, scores={**SCORES, 3e-3: 0.9})
    known = TrackChoice(tuning=TUNING, tuned={"ppo/gru": old, "ppo/lru": old})
    assert merge_choices(known, TUNING, {"ppo/gru": new}) == {"ppo/gru": new, "ppo/lru": old}
    others = TUNING.model_copy(update={"benchmark_hash": "c" * 64})
    assert merge_choices(known, others, {"ppo/gru": new}) == {"ppo/gru": new}


CHOSEN = {
    "the best": ({1e-4: 0.1, 3e-4: 0.5, 1e-3: 0.2, 3e-3: 0.3}, 3e-4),
    "of equal ones the usual one": ({1e-4: 0.01, 3e-4: 0.0, 1e-3: 0.0, 3e-3: -0.005}, 1e-3),
    "else the smallest": ({1e-4: 0.1, 3e-4: 0.49, 1e-3: 0.2, 3e-3: 0.5}, 3e-4),
    "not equal": ({1e-4: 0.1, 3e-4: 0.48, 1e-3: 0.2, 3e-3: 0.5}, 3e-3),
}


@pytest.mark.parametrize(("scores", "expected"), CHOSEN.values(), ids=CHOSEN)
def test_which_rate_is_chosen(scores, expected):
    assert choose_rate(scores, usual=1e-3) == expected
    assert expected in best_rates(scores)


OPEN = ("  seeds: 3", "  seeds: 3\n  track: open\n  tuning: {trials: 40, seeds: [1_000_000], env_steps: 8e6}")
BAD = {
    "no such track": ([("  seeds: 3", "  seeds: 3\n  track: tuned")], "unknown value; allowed: fixed, lr4, open"),
    "nothing declared": ([("  seeds: 3", "  seeds: 3\n  track: open")], "says what finding its settings took"),
    "seeds of the evaluation": ([OPEN, ("[1_000_000]", "3")], "entries.tuning.seeds = 0\n  an entry is not evaluated"),
    "no trials": ([OPEN, ("trials: 40, ", "")], "entries.tuning.trials\n  missing key"),
    "a rate of one's own": ([("  seeds: 3", "  seeds: 3\n  track: lr4")], "on the track lr4 `memorax-bench tune` choo"),
    "fitted to a torso": (
        [ON_LR4[0], ("algorithm.learning_rate: 3e-4", "algorithm.num_minibatches: 2")],
        "only the learning rate is fitted to a torso",
    ),
    "fitted to a task": (
        [ON_LR4[0], ("{torso: lru}, set: {algorithm.learning_rate", "{task: repeat}, set: {torso.features")],
        "and nothing to a task",
    ),
    "not the best": (
        [
            *ON_LR4,
            ("  seeds: 3", "  seeds: 3\n  tuned: {ppo/gru: {learning_rate: 1, scores: {1: 0, 2: 1}, settings: a}}"),
        ],
        "entries.tuned.ppo/gru.learning_rate = 1.0\n  its score is not the best; allowed: 2",
    ),
    "chosen by nobody": (
        [*ON_LR4, ("  seeds: 3", "  seeds: 3\n  tuned: {ppo/gru: {learning_rate: 1, scores: {1: 0}, settings: a}}")],
        "the track lr4 says what finding its settings took",
    ),
}


@pytest.mark.parametrize(("changes", "message"), BAD.values(), ids=BAD)
def test_what_a_track_refuses(write_suite, changes, message):
    assert message in problems(write_suite(*changes))


def test_an_open_entry_declares_what_was_spent(write_suite):
    cell = cell_of(load_suite(write_suite(OPEN)))
    assert (cell.track, cell.tuning.trials, cell.tuning.seeds) == ("open", 40, (10**6,))
    assert cell.tuning.env_steps == 8_000_000


def test_the_shape_of_a_torso_may_depend_on_the_torso(write_suite):
    changed = ("algorithm.learning_rate: 3e-4", "torso.features: 32")
    assert cell_of(load_suite(write_suite(ON_LR4[0], changed)), "lru").config["torso"]["settings"]["features"] == 32
