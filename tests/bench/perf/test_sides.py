"""The processes that measure: each with its own library, and lost by name."""

import os

import pytest

from memorax_bench.perf.sides import Refused, SideLost, side

SERVER = """\
import json, os, signal, sys, time
from pathlib import Path
import memorax
for line in sys.stdin:
    request = json.loads(line)
    match request["do"]:
        case "describe": answer = {"memorax": str(Path(memorax.__file__).parent), "name": memorax.NAME}
        case "refuse": answer = {"error": "ValueError: no"}
        case "exit": sys.exit("last words")
        case "crash": os.kill(os.getpid(), signal.SIGSEGV)
        case "hang": time.sleep(60)
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def folders(tmp_path):
    """Two libraries, and the benchmarks of the second."""
    for name in ("old", "new"):
        package = tmp_path / name / "memorax"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"NAME = '{name}'\n")
    speed = tmp_path / "new" / "bench" / "speed"
    speed.mkdir(parents=True)
    (speed / "__init__.py").write_text("")
    (speed / "serve.py").write_text(SERVER)
    return tmp_path / "old", tmp_path / "new"


def test_each_side_has_its_own_library(folders):
    old, new = folders
    with side("base", old, new / "bench", {}) as base, side("head", new, new / "bench", {}) as head:
        assert (base.described["name"], head.described["name"]) == ("old", "new")
        with pytest.raises(Refused, match="ValueError: no"):
            base.ask("refuse")
        assert base.ask("describe")["name"] == "old"  # a refusal is an answer
    assert base.process.poll() is not None and head.process.poll() is not None


def test_another_library_is_never_measured(folders, tmp_path):
    (tmp_path / "empty").mkdir()
    old, new = folders
    installed = {"PYTHONPATH": os.pathsep.join(map(str, (old, new / "bench")))}
    lost = pytest.raises(SideLost, match=r"base imports .*old.* where it should import .*empty")
    with lost, side("base", tmp_path / "empty", new / "bench", installed):
        raise AssertionError("it started")


@pytest.mark.parametrize(
    ("request_", "said"),
    [("exit", "base ended with exit code 1\n  last words"), ("crash", "base was killed by SIGSEGV")],
)
def test_a_side_that_dies_says_so(folders, request_, said):
    with side("base", folders[0], folders[1] / "bench", {}) as base:
        with pytest.raises(SideLost) as lost:
            base.ask(request_)
        assert str(lost.value).startswith(said)
        with pytest.raises(SideLost):
            base.ask("describe")


def test_a_side_that_hangs_is_given_up(folders):
    given_up = pytest.raises(SideLost, match=r"base did not answer within 1\.5 s")
    with side("base", folders[0], folders[1] / "bench", {}, limit=1.5) as base, given_up:
        base.ask("hang")
    assert base.process.poll() is not None


def test_a_side_ends_with_the_block_whatever_happened(folders):
    with pytest.raises(KeyboardInterrupt), side("base", folders[0], folders[1] / "bench", {}) as base:
        raise KeyboardInterrupt
    assert base.process.poll() is not None
