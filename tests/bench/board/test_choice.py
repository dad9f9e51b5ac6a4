"""Which suites a board is of, and what `board build` says of what it cannot do."""

import pytest

from memorax_bench.board.build import NothingToShow, build_board
from memorax_bench.board.choice import choose, restricts
from memorax_bench.errors import NotComparable, UsageProblems
from speed.made_up import make_record
from tests.bench.board.conftest import add, altered, put, resolve_board
from tests.bench.synthetic import find_cell


def quiet(line: str) -> None:
    """For `say`."""


def test_what_follows_a_suite_belongs_to_it(tmp_path):
    file = f"suite={resolve_board(tmp_path).file}"
    chosen, remarks = choose([file, "torsos=[gru,lru]", "seeds=2", "suite=quick"], tmp_path)
    assert [given for _, given in chosen] == [(file, "torsos=[gru,lru]", "seeds=2"), ("suite=quick",)]
    board, quick = (resolved for resolved, _ in chosen)
    assert board.seeds == (0, 1) and {cell.torso_label for cell in board.cells} == {"gru", "lru"}
    assert quick.name == "quick" and remarks == []
    assert restricts(chosen[0][1]) and not restricts(chosen[1][1])


def test_without_arguments_it_is_every_shipped_suite_that_has_records(tmp_path):
    from memorax_bench.suite.load import load_suite

    for label in ("quick@1", "quick@1+0123abcd", "board@1", "tuning@1", ".work", "speed"):
        (tmp_path / label).mkdir()
    (tmp_path / load_suite("smoke").label).mkdir()
    chosen, remarks = choose([], tmp_path)
    assert [given for _, given in chosen] == [("suite=quick",), ("suite=smoke",)]  # a draft last; no trials
    assert len(remarks) == 2
    assert any("quick@1+0123abcd: the shipped suite is quick@1" in remark for remark in remarks)
    assert any("board@1: it is no shipped suite" in remark for remark in remarks)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seeds=5"], "of which suite"),
        (["suite=quick", "suite=quick"], "quick@1 is asked for twice"),
        (["suite=nothing"], "no suite 'nothing'"),
    ],
)
def test_mistakes(tmp_path, arguments, message):
    with pytest.raises(UsageProblems, match=message):
        choose(arguments, tmp_path)


def test_nothing_to_show_names_the_command_and_writes_nothing(tmp_path):
    file = f"suite={resolve_board(tmp_path).file}"
    with pytest.raises(NothingToShow, match=f"no record to show\n  make some: memorax-bench run {file}") as found:
        build_board([file], tmp_path / "results", tmp_path / "site", say=quiet)
    assert found.value.exit_code == 5 and not (tmp_path / "site").exists()


def test_rows_with_other_keys_make_no_site(tmp_path):
    suite, results = resolve_board(tmp_path), tmp_path / "results"
    add(results, suite, "ppo", "gru", tasks=["repeat-previous"])
    record, curves = make_record(suite, find_cell(suite, "repeat-previous", "lru"), [0.5] * 5)
    put(results, suite.label, altered(record, comparable={"task_package": "memorax 0.0.9"}), curves)
    with pytest.raises(NotComparable, match=r"repeat-previous: comparable\.task_package is memorax") as refused:
        build_board([f"suite={suite.file}"], results, tmp_path / "site", pictures=False, say=quiet)
    assert refused.value.exit_code == 6 and not (tmp_path / "site").exists()


def test_the_verb_builds_and_says_where(call, board_results, tmp_path):
    arguments = [f"suite={board_results / 'board.yaml'}", "--results", str(board_results / "results")]
    code, out, err = call("board", "build", *arguments, "torsos=[gru,lru]", "--no-pictures", "--out", "here")
    assert code == 0 and out.startswith("here/index.html  ") and "comparing 3 entries" in err
    assert (tmp_path / "here" / "board@1" / "fixed" / "entries" / "ppo" / "lru.html").is_file()
    assert not (tmp_path / "here" / "board@1" / "fixed" / "entries" / "ppo" / "mine.html").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["suite=quick", "--out", "full"], 2, "full\n  holds something else than a site"),
        (["suite=quick"], 5, "no record to show\n  make some: memorax-bench run suite=quick"),
        ([], 5, "make some: memorax-bench run suite=quick"),
    ],
)
def test_the_verb_says_what_it_cannot_do(call, tmp_path, arguments, code, message):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    found, out, err = call("board", "build", *arguments)
    assert (found, out) == (code, "") and message in err
