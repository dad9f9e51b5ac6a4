"""`memorax-bench compare` as it is typed: the screen, the Markdown, the exit codes."""

import pytest

from fixtures import submissions
from memorax_bench import errors
from memorax_bench.suite.load import load_suite

QUICK = load_suite("quick", ["seeds=5"])


@pytest.fixture
def side(tmp_path):
    def side(name, **means):
        for cell in QUICK.cells:
            if cell.torso_label in means:
                code = name * 64
                made = submissions.make_record(QUICK, cell, range(5), mean=means[cell.torso_label], code_hash=code)
                submissions.publish(tmp_path / name, QUICK, cell, *made)
        (tmp_path / name).mkdir(exist_ok=True)

    return side


def test_no_regression(call, side):
    side("a", gru=0.8, lru=0.5)
    side("b", gru=0.9, lru=0.5)
    code, said, _ = call("compare", "a", "b")
    lines = said.splitlines()
    assert code == errors.EXIT_OK
    assert lines[0] == "A: a   B: b"
    assert lines[1] == "quick@1  normalised score at the last evaluation, B - A [95% bootstrap]"
    assert lines[2] == " p by Holm over 2 entries, and over 4 cells; a regression: p < 0.05, and B - A below -0.05"
    assert lines[4].split()[:2] == ["ppo/gru", "1/1"] and lines[4].endswith("1.00x  better")
    assert lines[5].endswith("no difference shown")
    assert lines[-1] == "no regression: 2 entries, 4 cells compared"


def test_a_regression_and_its_markdown(call, side, tmp_path):
    side("a", gru=0.9, lru=0.8)
    side("b", gru=0.5)
    code, said, _ = call("compare", "a", "b", "--markdown", "x.md")
    assert code == errors.EXIT_REGRESSION
    last = "regression: ppo/gru, repeat-previous ppo/gru, higher-lower ppo/gru (exit 4)"
    assert said.splitlines()[-1] == last and "only in A: repeat-previous ppo/lru, higher-lower ppo/lru" in said
    text = (tmp_path / "x.md").read_text()
    assert text.startswith(f"### a → b\n\n**{last}**\n\n#### quick@1\n")
    assert "| entry | tasks | n | A | B | B - A | p | speed | verdict |" in text
    assert "<details><summary>By task</summary>" in text and "(p &lt;" not in text and "p &lt; 0.05" in text
    assert call("compare", "a", "b", "--margin", "0.9")[0] == errors.EXIT_OK
    assert call("compare", "a", "b", "suite=quick", "tasks=[higher-lower]", "torsos=[gru]")[1].count("ppo/gru") == 3


def test_nothing_to_compare(call, side, tmp_path):
    side("a", gru=0.9)
    side("b")
    code, said, _ = call("compare", "a", "b")
    assert code == errors.EXIT_NOTHING_MEASURED
    assert said.splitlines()[-2:] == [
        "not compared: no record in B, b",
        "nothing to compare: 0 entries, 0 cells compared (exit 5)",
    ]
    side("c", lru=0.9)
    code, said, _ = call("compare", "a", "c")
    assert code == errors.EXIT_NOTHING_MEASURED and "only in B: repeat-previous ppo/lru" in said
    (tmp_path / "c" / "quick@1").rename(tmp_path / "c" / "mine@1")
    assert "mine@1: no record in A" in call("compare", "a", "c")[1]


def test_mistakes(call, tmp_path):
    code, _, said = call("compare", "nowhere", "nothing")
    assert code == errors.EXIT_USAGE and "'nowhere' is neither a folder nor a revision" in said
    assert call("compare", "nowhere")[0] == errors.EXIT_USAGE
