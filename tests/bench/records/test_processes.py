"""Work shared out among copies of a process: all of it is done, and what fails is not silent."""

import subprocess
import sys
from pathlib import Path

import pytest

from memorax_bench.records.processes import cores, share_out

BENCH = Path(__file__).parents[3] / "bench"
PROGRAM = """
import sys
from pathlib import Path
from memorax_bench.records.processes import share_out

def work(i):
    if i == {fails}:
        raise ValueError(f"no {{i}}")
    Path(sys.argv[1], str(i)).write_text("done")
    return i * i

print("said once")
assert share_out([lambda i=i: work(i) for i in range(5)], {processes}) == [0, 1, 4, 9, 16]
"""


def run(folder, processes, fails=None):
    """In a process without threads: they do not survive being copied."""
    code = PROGRAM.format(processes=processes, fails=fails)
    return subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, cwd=BENCH)


@pytest.mark.parametrize("processes", [1, 2, 9])
def test_all_is_done_once(tmp_path, processes):
    done = run(tmp_path, processes)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "said once\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == list("01234")


@pytest.mark.parametrize("fails", [0, 1])
def test_a_failure_is_raised_and_told(tmp_path, fails):
    """0 is done by this process, 1 by a copy; the other does its part."""
    done = run(tmp_path, 2, fails)
    assert done.returncode == 1 and f"ValueError: no {fails}" in done.stderr
    assert "1 of 2 processes failed" in done.stderr or not fails
    assert {"1", "3"} <= {path.name for path in tmp_path.iterdir()} or fails


def test_one_process_copies_nothing():
    done = []
    assert share_out([lambda: done.append(1) or 5, lambda: done.append(2) or 6], 1) == [5, 6]
    assert done == [1, 2] and cores() >= 1
