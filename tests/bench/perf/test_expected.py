"""bench/expected.json: what is a difference, and that a file says what was counted."""

from dataclasses import replace

import pytest

from memorax_bench.perf.expected import (
    GONE,
    LESS,
    MORE,
    TOLERANCE,
    UNKNOWN,
    Counts,
    differences,
    encode_expected,
    read_expected,
)

COUNTS = Counts(flops=1000, numbers=500.5, argument_bytes=64, temporary_bytes=10_000, compilations=1)


def found(**changes) -> list[tuple[str, str]]:
    return [(d.counter, d.verdict) for d in differences({"a": COUNTS}, {"a": replace(COUNTS, **changes)})]


def test_equal_counts_do_not_differ():
    assert found() == []


@pytest.mark.parametrize("counter", TOLERANCE)
def test_each_counter_is_seen_both_ways(counter):
    value = getattr(COUNTS, counter)
    assert found(**{counter: 2 * value}) == [(counter, MORE)]
    assert found(**{counter: 0}) == [(counter, LESS)]


def test_only_what_is_no_exact_count_has_room():
    assert found(numbers=540.0, temporary_bytes=10_400) == []
    assert found(numbers=560.0) == [("numbers", MORE)]
    assert found(temporary_bytes=10_600) == [("temporary_bytes", MORE)]
    assert found(flops=1001, argument_bytes=65, compilations=2) == [
        *(("flops", MORE), ("argument_bytes", MORE), ("compilations", MORE))
    ]


def test_what_is_not_in_the_file_and_what_is_gone_are_told():
    assert found(compilations=None) == [("compilations", GONE)]
    bare = Counts(1, 1, 1)
    assert {(d.program, d.verdict) for d in differences({"old": bare}, {"new": bare})} == {
        *(("old", GONE), ("new", UNKNOWN))
    }


def test_the_file_is_sorted_one_line_a_program_and_reads_back(tmp_path):
    expected = {"0.2.0": {"b": COUNTS, "a": Counts(1.5, 2, 3)}, "0.1.0": {"a": Counts(0, 0, 0)}}
    file = tmp_path / "expected.json"
    file.write_text(encode_expected(expected))
    assert read_expected(file) == expected
    lines = file.read_text().splitlines()
    assert [line.split(":")[0].strip() for line in lines if ":" in line] == ['"0.1.0"', '"a"', '"0.2.0"', '"a"', '"b"']
    assert encode_expected(read_expected(file)) == file.read_text()


def test_without_a_file_nothing_is_expected(tmp_path):
    assert read_expected(tmp_path / "none.json") == {}
