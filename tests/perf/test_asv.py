"""The benchmarks for asv: what they cover, and what they do with a commit that lacks something."""

import itertools
from pathlib import Path

import pytest
from asv_runner.discovery import disc_benchmarks

from speed import buffers, sequence_models, steady
from speed.programs import PROGRAMS
from speed.steady import Counted, Timed, load

SPEED = Path(steady.__file__).parent


def subclasses(base: type) -> list[type]:
    list(disc_benchmarks(str(SPEED)))  # imports all of them, as asv does
    return base.__subclasses__()


def names(measured: type) -> list[str]:
    return ["/".join(parts) for parts in itertools.product(*measured.params)]


@pytest.mark.parametrize("base", [Timed, Counted])
def test_every_program_is_measured_once(base):
    covered = [name for measured in subclasses(base) for name in names(measured)]
    assert sorted(covered) == sorted(PROGRAMS)


def test_asv_finds_them_and_knows_the_units():
    found = {benchmark.name: benchmark for benchmark in disc_benchmarks(str(SPEED))}
    assert found["sequence_models.Speed.time_call"].unit == "seconds"
    assert found["algorithms.Work.track_compilations"].unit == "compilations"
    assert not [name for name in found if name.startswith("steady.")]
    assert all(benchmark.unit != "unit" for benchmark in found.values())


def test_what_a_commit_cannot_build_is_left_out(monkeypatch):
    monkeypatch.delitem(PROGRAMS, "step/gru")
    with pytest.raises(NotImplementedError, match="this commit cannot build 'step/gru'"):
        load("step/gru")
    with pytest.raises(NotImplementedError):
        sequence_models.State().setup("gru")


def test_a_time_is_that_of_a_call_that_was_made_before():
    measured, parts = buffers.Speed(), ("buffer", "uniform")
    measured.setup(*parts)
    program = measured.program
    measured.setup(*parts)
    assert measured.program is program  # asv sets up before every sample: nothing is compiled again
    measured.time_call(*parts)
    assert measured.number >= 1
