"""What a suite says of lengths, extrapolations and oracles: what it becomes, and what is refused."""

import pytest

from memorax_bench.cell.preflight import refuse_settings
from memorax_bench.errors import UsageProblems
from memorax_bench.report.tables import build_table
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.grid import cell_roots
from memorax_bench.suite.load import load_suite
from tests.bench.synthetic import SUITE, fill, find_cell, resolve

CHAIN = """\
  chain: {id: "gymnax::MemoryChain-bsuite", task_version: 1, family: Chain, kwargs: {memory_length: 5}, horizon: 4,
    hard_min: -1, hard_max: 1, floor: 0.0, ceiling: 1.0, kind: exact, extrapolate: {2x: {kwargs: {memory_length: 9}}}}
"""
PAIRS = """\
  pairs: {id: "popgym::Concentration", task_version: 1, family: Pairs, kwargs: {deck_type: ranks},
    oracle: {observation: state}, hard_min: -1, hard_max: 1, floor: 0.0, ceiling: 1.0, kind: exact}
"""
ORACLE = "    mlp-state: {type: mlp, features: 64, role: oracle, inputs: [observation]}\n"
TEXT = SUITE.replace("scoring:", f"{CHAIN}{PAIRS}scoring:").replace("  torsos:\n", f"  torsos:\n{ORACLE}")


def suite_of(folder, *replacements, overrides=(), text=TEXT):
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return resolve(folder, overrides, text)


def refused(folder, *replacements, **how):
    with pytest.raises(UsageProblems) as caught:
        suite_of(folder, *replacements, **how)
    return str(caught.value)


def test_the_shipped_length_is_the_steps_that_are_asked_back():
    """One less than the options say: RepeatPrevious counts the card now shown, MemoryChain shows its bit twice."""
    tasks = load_suite("horizon").suite.tasks
    for label, task in tasks.items():
        assert label.endswith(f"-{task.horizon}")
        assert int(task.kwargs["k" if "k" in task.kwargs else "memory_length"]) == task.horizon + 1
        for name, there in (task.extrapolate or {}).items():
            assert int(there.kwargs["memory_length"]) == int(name[0]) * task.horizon + 1


def test_cells_of_shipped_questions():
    horizon, necessity = load_suite("horizon"), load_suite("necessity")
    assert {cell.role for cell in horizon.cells} == {"control", None} and not horizon.not_applicable
    controls = {cell.torso_label for suite in (horizon, necessity) for cell in suite.cells if cell.role == "control"}
    assert controls == {"mlp", "mlp-start", "mlp-prev"}
    families = {cell.task.family for cell in necessity.cells if cell.role == "oracle"}
    assert len(families) == 14 == len(necessity.suite.tasks)


def test_extrapolation_is_part_of_a_cell_only_where_it_is_given(tmp_path):
    suite = suite_of(tmp_path)
    chain, other = find_cell(suite, "chain", "gru"), find_cell(suite, "repeat-previous", "gru")
    assert chain.config["task"] == {
        "id": "gymnax::MemoryChain-bsuite",
        "kwargs": {"memory_length": 5},
        "task_version": 1,
        "extrapolate": {"2x": {"memory_length": 9}},
    }
    assert other.config["task"] == {"id": "popgym::RepeatPreviousEasy", "kwargs": {}, "task_version": 1}
    plain = suite_of(tmp_path, (", extrapolate: {2x: {kwargs: {memory_length: 9}}}", ""))
    assert find_cell(plain, "repeat-previous", "gru").config_hash == other.config_hash
    assert find_cell(plain, "chain", "gru").config_hash != chain.config_hash
    roots = [cell_roots(cell, load_catalogue()) for cell in (chain, other)]
    assert ["memorax_bench.cell.extrapolation" in names for names in roots] == [True, False]


def test_other_options_of_the_task_are_kept_elsewhere(tmp_path):
    cut = ("kwargs: {memory_length: 5}", "kwargs: {memory_length: 5, max_steps_in_episode: 50}")
    cell = find_cell(suite_of(tmp_path, cut), "chain", "gru")
    assert cell.config["task"]["extrapolate"] == {"2x": {"memory_length": 9, "max_steps_in_episode": 50}}


def test_length_and_bounds_judge_and_do_not_change_what_is_computed(tmp_path):
    cell = find_cell(suite_of(tmp_path), "chain", "gru")
    for change in (
        ("horizon: 4,", "horizon: 3,"),
        ("{kwargs: {memory_length: 9}}", "{kwargs: {memory_length: 9}, floor: -.5}"),
    ):
        assert find_cell(suite_of(tmp_path, change), "chain", "gru").config_hash == cell.config_hash


@pytest.mark.parametrize(
    "change",
    [
        ("horizon: 4,", ""),
        ("extrapolate: {2x", "extrapolate: {3x"),
        ("{memory_length: 9}", "{memory_length: 8}"),
        ("    oracle: {observation: state},", "   "),
        ("scoring: {", "scoring: {horizon_at: 0.6, "),
    ],
)
def test_the_questions_are_frozen(tmp_path, change):
    drop = (ORACLE, "")  # without the task's oracle this entry would have no task
    assert suite_of(tmp_path, drop, change).benchmark_hash != suite_of(tmp_path, drop).benchmark_hash


@pytest.mark.parametrize("change", [("{memory_length: 9}", "{memory_length: 9e0}"), ("horizon: 4,", "horizon: 4e0,")])
def test_spelling_does_not_matter(tmp_path, change):
    assert suite_of(tmp_path, change).benchmark_hash == suite_of(tmp_path).benchmark_hash


def test_an_oracle_sees_the_state_and_is_tested_nowhere_else(tmp_path):
    suite = suite_of(tmp_path, ("extrapolate: {", "oracle: {memory_length: 4}, extrapolate: {"))
    cell = find_cell(suite, "pairs", "mlp-state")
    assert cell.role == "oracle"
    assert cell.config["task"]["kwargs"] == {"deck_type": "ranks", "observation": "state"}
    assert find_cell(suite, "pairs", "gru").config["task"]["kwargs"] == {"deck_type": "ranks"}
    assert "extrapolate" not in find_cell(suite, "chain", "mlp-state").config["task"]


def test_an_oracle_without_a_state_is_not_applicable(tmp_path):
    suite = suite_of(tmp_path)
    assert {pair.name for pair in suite.not_applicable} == {
        f"{task} ppo/mlp-state" for task in ("repeat-previous", "higher-lower", "chain")
    }
    assert find_cell(suite, "repeat-previous", "gru")


def test_an_oracle_is_a_row_that_does_not_rank(tmp_path):
    suite = suite_of(tmp_path, overrides=["tasks=[pairs]", "torsos=[mlp-state,gru,mlp]"])
    finals = {("pairs", torso): (0.9, 0.8, 0.85) for torso in ("mlp-state", "gru", "mlp")}
    table = build_table(suite, fill(tmp_path / "results", suite, finals))
    rows = {row.torso: row for row in table.rows}
    assert rows["mlp-state"].role == "oracle" and rows["mlp-state"].gain is None
    assert "it is shown what the task hides" in rows["mlp-state"].why_unranked
    assert not any("shown what" in reason for reason in rows["gru"].why_unranked)


BAD = [
    (("{kwargs: {memory_length: 9}}", "{kwargs: {memory_lenght: 9}}"), "did you mean 'memory_length'?"),
    (("{kwargs: {memory_length: 9}}", "{kwargs: {memory_length: nine}}"), "2x.kwargs.memory_length = nine"),
    (("{kwargs: {memory_length: 9}}", "{memory_length: 9}"), "tasks.chain.extrapolate.2x.memory_length = 9\n  unknown"),
    (("{kwargs: {memory_length: 9}}", "{kwargs: {}}"), "empty; at least one is needed"),
    (("{2x: {", "{2 x: {"), "a label is a folder name"),
    (("{memory_length: 9}}", "{memory_length: 9}, floor: 2}"), "are not in this order: -1.0, 2.0, 1.0, 1.0"),
    (("floor: 0.0, ceiling: 1.0, kind: exact, extra", "floor: 0.0, extra"), "the task has no ceiling"),
    (("horizon: 4", "horizon: 0"), "tasks.chain.horizon = 0"),
    (("family: Pairs,", "family: Chain, horizon: 4,"), "'chain' of the family Chain has this length, too"),
    (("oracle: {observation: state}", "oracle: {observe: state}"), "did you mean 'observation'?"),
    (("oracle: {observation: state}", "oracle: {}"), "tasks.pairs.oracle\n  empty"),
    (("oracle: {observation: state},", ""), "no task is left: the suite does not say what its oracle sees"),
    (("scoring: {", "scoring: {horizon_at: 1.5, "), "must be less than or equal to 1"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_questions(tmp_path, change, message):
    assert message in refused(tmp_path, change)


OTHER_SPACES = [
    ("num_decks: 2", "num_decks = 2\n  changes the observation or action space; agents are trained with num_decks = 1"),
    ("observation: state", "extrapolate.more.kwargs.observation = state"),
    ("deck_type: colors", "agents are trained with deck_type = ranks"),
]
ELSEWHERE = "kind: exact, extrapolate: {{more: {{kwargs: {{{}}}}}}}}}\nscoring"


@pytest.mark.parametrize(("kwargs", "message"), OTHER_SPACES)
def test_an_extrapolation_into_other_spaces_is_refused_without_jax(tmp_path, kwargs, message):
    assert message in refused(tmp_path, ("kind: exact}\nscoring", ELSEWHERE.format(kwargs)))


def test_an_option_that_shapes_the_spaces_may_be_repeated(tmp_path):
    suite_of(tmp_path, ("kind: exact}\nscoring", ELSEWHERE.format("num_decks: 1, deck_type: ranks")))


def test_run_compares_the_spaces_themselves(tmp_path):
    """Also where the catalogue does not know of an option that it moves them."""
    suite_of(tmp_path, ("kind: exact}\nscoring", ELSEWHERE.format("deck_type: ranks")))
    text = (tmp_path / "tiny.yaml").read_text().replace("kwargs: {deck_type: ranks}}}", "kwargs: {num_decks: 2}}}")
    (tmp_path / "tiny.yaml").write_text(text)
    catalogue = load_catalogue()
    task = catalogue.tasks["popgym::Concentration"].model_copy(update={"shaped_by": ()})
    unaware = catalogue.model_copy(update={"tasks": {**catalogue.tasks, "popgym::Concentration": task}})
    suite = load_suite(str(tmp_path / "tiny.yaml"), ["tasks=pairs", "torsos=mlp"], catalogue=unaware)
    with pytest.raises(UsageProblems, match=r"extrapolate\.more\.kwargs.*\n.*trained on the observation space"):
        refuse_settings(suite)


def test_the_catalogue_knows_what_shapes_a_space():
    tasks = load_catalogue().tasks
    for name, task in tasks.items():
        assert set(task.shaped_by) <= set(task.parameters)
        assert ("observation" in task.shaped_by) == ("observation" in task.parameters), name
    assert tasks["popgym::RepeatPrevious"].shaped_by == ("observation",)
    assert tasks["popgym::Battleship"].shaped_by == ("board_size", "observation")
    assert tasks["gymnax::Pendulum-v1"].shaped_by == ("max_speed", "max_torque")  # the bounds of its Boxes
    assert tasks["gymnax::MemoryChain-bsuite"].shaped_by == ()
