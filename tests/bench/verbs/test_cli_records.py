"""The verbs that read records, and the one that writes the catalogue."""

import json

import pytest

from memorax_bench.records.record import encode, seal
from memorax_bench.suite.catalogue import CATALOGUE_FILE
from memorax_bench.suite.load import load_suite, shipped_suites
from tests.bench import synthetic


@pytest.fixture
def recorded(tmp_path):
    """A suite in the working directory, tiny.yaml, with a record for each of its cells -> the suite."""
    suite = synthetic.resolve(tmp_path)
    synthetic.fill(tmp_path / "results", suite)
    return suite


def test_ls_results_and_plan(call, recorded):
    _, text, _ = call("ls", "results")
    assert text.count("tiny@1 ") == len(recorded.cells)
    assert "repeat-previous ppo/gru" in text
    assert "seeds 0-2" in text
    code, text, _ = call("plan", "suite=tiny.yaml")
    assert code == 0
    assert f"{len(recorded.cells)} cells: {len(recorded.cells)} stale" in text
    assert "resolve" not in text


def test_plan_says_how_many_seeds_resolve_a_difference(call, recorded):
    code, text, _ = call("plan", "suite=tiny.yaml", "--resolve", "0.05")
    assert code == 0
    assert "10 cells" in text and "\n ppo/lru - ppo/gru  0.005   3       ~2\n" in text


@pytest.mark.parametrize("difference", ["0", "-0.1", "nan", "inf", "much"])
def test_plan_resolves_no_difference_that_is_none(call, recorded, difference):
    code, text, error = call("plan", "suite=tiny.yaml", "--resolve", difference)
    assert (code, text) == (2, "") and f"'{difference}' is not a difference of normalised scores above 0" in error


def test_validate_is_content_with_what_is_valid(call, recorded):
    count = len(recorded.cells)
    assert call("validate", "suite=tiny.yaml") == (0, f"tiny@1: valid; {count} records checked, 0 problems\n", "")
    code, text, _ = call("validate")
    assert code == 0
    labels = ", ".join(load_suite(name).label for name in shipped_suites())
    assert text.startswith(f"{labels}: valid; 0 records checked")


def tamper(path):
    path.write_text(path.read_text().replace('"steps_done":', '"steps_done":1'))


def exceed(path):
    data = json.loads(path.read_text())
    data["results"]["final_returns"][0][0] = 7.0
    del data["result_hash"]
    path.write_bytes(encode(seal(data)))


WRONG = {
    "tampered": (tamper, "does not fit the contents"),
    "cut off": (lambda path: path.write_text(path.read_text()[:100]), "not JSON"),
    "out of bounds": (exceed, "1 returns outside [-1, 1], such as 7: the task or its bounds are wrong"),
    "other curves": (lambda path: path.with_name("curves.csv.gz").write_bytes(b""), "is not the file that the record"),
    "no curves": (lambda path: path.with_name("curves.csv.gz").unlink(), "its curves cannot be read: No such file"),
    "moved": (lambda path: path.parent.rename(path.parent.with_name("0" * 16)), "the record is about"),
}


@pytest.mark.parametrize(("damage", "said"), WRONG.values(), ids=WRONG)
def test_validate_finds_what_is_wrong(call, recorded, tmp_path, damage, said):
    path = sorted(tmp_path.glob("results/tiny@1/repeat-previous/ppo/gru/*/*/record.json"))[0]
    damage(path)
    code, out, err = call("validate", "suite=tiny.yaml")
    assert code == 6
    assert said in err
    assert "ppo/gru" in err
    assert out.endswith(" checked, 1 problem\n")


def test_report_without_records(call):
    code, out, err = call("report", "suite=smoke", "torsos=gru")
    assert (code, out) == (5, "")
    assert "no record of smoke@0 to report on\n  make them: memorax-bench run suite=smoke" in err


def test_report_with_records(call, recorded, tmp_path):
    code, out, _ = call("report", "suite=tiny.yaml", "--commands")
    assert code == 0
    assert "RepeatPrevious" in out
    assert "memorax-bench run suite=tiny.yaml" in out
    assert {path.suffix for path in (tmp_path / "reports").rglob("*.*")} >= {".png", ".svg", ".csv", ".md"}
    code, out, _ = call("report", "suite=tiny.yaml", "--top", "1")
    assert code == 0
    assert out.startswith("tiny@") and "RepeatPrevious" not in out and "\n rank " in out


def test_catalogue_is_the_one_that_ships(call):
    code, text, _ = call("catalogue")
    assert code == 0
    assert text == CATALOGUE_FILE.read_text(encoding="utf-8"), "run: memorax-bench catalogue --write"


def test_catalogue_is_written(call, tmp_path, monkeypatch):
    monkeypatch.setattr("memorax_bench.suite.catalogue.CATALOGUE_FILE", tmp_path / "catalogue.json")
    monkeypatch.setattr("memorax_bench.measured.inventory.catalogue_text", lambda: "{}\n")
    assert call("catalogue", "--write") == (0, f"written: {tmp_path / 'catalogue.json'}\n", "")
    assert (tmp_path / "catalogue.json").read_text() == "{}\n"
