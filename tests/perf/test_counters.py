"""Tier 1 of the gate, of the files as they are: every program does what bench/expected.json says, and the file is
renewed where that was meant to change: `memorax-bench perf counters --write`."""

from pathlib import Path

import jaxlib
import pytest

from memorax_bench.perf import counters, expected
from speed.gated import CALLED, COMPILED, TIMED
from speed.programs import PROGRAMS

FILE = Path(__file__).parents[2] / expected.FILE
EXPECTED = expected.read_expected(FILE)
known = pytest.mark.skipif(
    jaxlib.__version__ not in EXPECTED, reason=f"{expected.FILE} knows jaxlib {', '.join(EXPECTED)}: {expected.WRITE}"
)


@known
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_does_what_is_expected(program):
    benchmark, wanted = PROGRAMS[program], EXPECTED[jaxlib.__version__]
    found = counters.count(benchmark.make, benchmark.steps, compiled=program in COMPILED)
    assert program in wanted, expected.WRITE
    differing = expected.differences({program: wanted[program]}, {program: found})
    assert [d for d in differing if d.counter != "compilations"] == [], f"if it is meant to: {expected.WRITE}"


@known
@pytest.mark.parametrize("program", CALLED)
def test_training_compiles_as_often_as_expected(program):
    assert counters.count_compilations(PROGRAMS[program].make) == EXPECTED[jaxlib.__version__][program].compilations


def test_the_file_is_complete_and_of_the_pinned_version():
    pins = (FILE.parents[1] / "constraints.txt").read_text().splitlines()
    (pinned,) = [line.partition("==")[2] for line in pins if line.startswith("jaxlib==")]
    assert sorted(EXPECTED[pinned]) == sorted(PROGRAMS)
    assert FILE.read_text() == expected.encode_expected(EXPECTED)


def test_what_the_gate_takes_exists():
    assert {*TIMED, *COMPILED, *CALLED} <= set(PROGRAMS) and set(CALLED) <= set(COMPILED)
