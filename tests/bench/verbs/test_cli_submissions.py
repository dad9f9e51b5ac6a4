"""`memorax-bench board submit` and `board verify` as they are typed: what is said, and the exit codes."""

import pytest

from fixtures import submissions
from memorax_bench import errors
from memorax_bench.records.record import read_record
from memorax_bench.suite.load import load_suite

SMOKE = load_suite("smoke", ["seeds=2"])


@pytest.fixture
def filled(tmp_path):
    return submissions.fill(tmp_path / "results", SMOKE)


def test_a_submission_from_results_to_results(call, filled, tmp_path):
    code, said, _ = call("board", "submit", "suite=smoke")
    assert code == errors.EXIT_OK
    assert "smoke@0  4 records, submission" in said
    assert "ppo/gru  1/1    0-1    cpu     no: a draft suite is never ranked; n<5: seeds 2-4 are missing" in said
    assert "written: smoke@0.tar.gz" in said and "memorax-bench board verify smoke@0.tar.gz\n" in said
    written = (tmp_path / "smoke@0.tar.gz").read_bytes()
    assert call("board", "submit", "suite=smoke", "--out", "again.tar.gz")[0] == errors.EXIT_OK
    assert (tmp_path / "again.tar.gz").read_bytes() == written

    code, said, _ = call("board", "verify", "smoke@0.tar.gz", "--into", "other")
    assert code == errors.EXIT_OK
    assert "tier 0: 4 records computed anew, nothing refused\nvalid by tier 0\n4 records new in other\n" in said
    for folder in filled:
        copy = tmp_path / "other" / folder.relative_to(tmp_path / "results")
        assert {file.name: file.read_bytes() for file in copy.iterdir()} == {
            file.name: file.read_bytes() for file in folder.iterdir()
        }
    assert "0 records new in other" in call("board", "verify", "smoke@0.tar.gz", "--into", "other")[1]
    assert call("board", "verify", "other")[1].splitlines()[-1] == "valid by tier 0"


def test_numbers_that_are_there_otherwise_are_not_replaced(call, filled, tmp_path):
    cell = SMOKE.cells[0]
    submissions.publish(tmp_path / "other", SMOKE, cell, *submissions.make_record(SMOKE, cell, mean=0.1))
    code, said, _ = call("board", "verify", "results", "--into", "other")
    assert code == errors.EXIT_INVALID and "3 records new in other" in said
    assert "is there with other numbers, and was left as it is" in said


def test_a_part_of_the_results(call, filled):
    code, said, _ = call("board", "submit", "suite=smoke", "torsos=[gru]", "tasks=[higher-lower]")
    assert code == errors.EXIT_OK and "1 record," in said and "incomplete: repeat-previous" in said


def test_what_is_refused_is_named_and_not_written(call, filled, tmp_path):
    record = read_record(filled[0] / "record.json")
    forged = submissions.altered(record, "results.final.1", lambda value: value + 0.1)
    submissions.rewrite(filled[0], submissions.sealed_anew(forged))
    code, said, _ = call("board", "submit", "suite=smoke")
    assert code == errors.EXIT_INVALID and "results.final.1: " in said and "not written: 1 value refused" in said
    assert not list(tmp_path.glob("*.tar.gz"))
    code, said, _ = call("board", "verify", "results", "--into", "other")
    assert code == errors.EXIT_INVALID and "not valid: 1 value refused in 1 of 4 records (exit 6)" in said
    assert "by its curve it is" in said and not (tmp_path / "other").exists()


def test_nothing_to_submit_or_verify(call, tmp_path):
    code, _, said = call("board", "submit", "suite=smoke")
    assert code == errors.EXIT_NOTHING_MEASURED and "make them: memorax-bench run suite=smoke" in said
    (tmp_path / "results").mkdir()
    assert call("board", "verify", "results")[0] == errors.EXIT_NOTHING_MEASURED
    code, _, said = call("board", "verify", "nowhere.tar.gz")
    assert code == errors.EXIT_USAGE and "there is no nowhere.tar.gz" in said


def test_what_is_no_submission(call, tmp_path):
    (tmp_path / "x.tar.gz").write_bytes(b"PK\x03\x04\x1b[2J")
    code, said, _ = call("board", "verify", "x.tar.gz")
    assert code == errors.EXIT_INVALID and "the archive: not gzip" in said and "\x1b" not in said


def test_a_suite_that_does_not_ship_is_given(call, tmp_path):
    arguments = ["suite=smoke", "seeds=2", "protocol.total_env_steps=8192"]
    submissions.fill(tmp_path / "results", load_suite("smoke", arguments[1:]))
    code, said, _ = call("board", "submit", *arguments, "--out", "x.tar.gz")
    assert code == errors.EXIT_OK and f"board verify x.tar.gz {' '.join(arguments)}\n" in said
    code, said, _ = call("board", "verify", "x.tar.gz")
    assert code == errors.EXIT_INVALID and "give them as suite=NAME KEY=VALUE" in said
    assert call("board", "verify", "x.tar.gz", *arguments)[0] == errors.EXIT_OK
