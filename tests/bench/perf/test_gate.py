"""`memorax-bench perf gate` and `perf counters` as their user meets them, on repositories that pretend to measure."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import runs
from memorax_bench.perf import timing

FAST = {"a": 0.01, "b": 0.02, "c": 0.03}


@pytest.fixture
def two(repository):
    """`two(head, **counts)`: a commit with FAST, and one with other seconds, and counters where given."""

    def commits(head: dict, **counts: int) -> None:
        repository.serves("a", "b", "c", "new")
        repository.expects(a=1, b=1, c=1, new=1)
        repository.commit({**FAST, "new": 0.01})
        repository.commit(head, counts)

    return commits


def verdicts(out: str) -> dict[str, str]:
    """program -> the rest of its row."""
    return {line.split()[0]: line for line in out.splitlines() if line.split() and line.split()[0] in ("new", *"abc")}


def test_equal_code_passes(call, repository, two):
    two({**FAST, "new": 0.01})
    code, out, err = call("perf", "gate", "HEAD~1", "--budget", "1", "--json", "found.json")
    assert code == 0, out
    assert "4 programs counted, jaxlib 1.2.3: as bench/expected.json says" in out
    assert out.splitlines()[-1] == "no regression: 4 programs counted, 3 programs timed in turns (exit 0)"
    assert "[4/4] counting new" in err and "[3/3] timed c: not slower" in err and "counting" not in out
    assert repository.worktrees() == 0
    found = json.loads((repository.path / "found.json").read_text())
    assert (found["exit_code"], found["regressions"], found["unmeasured"]) == (0, [], [])
    assert {row["verdict"] for row in found["timed"]} == {"not slower"} and found["timed"][0]["ratio"]["pairs"] == 10


def test_a_slowdown_is_a_regression(call, two):
    two({**FAST, "new": 0.01, "b": 0.026})
    code, out, err = call("perf", "gate", "HEAD~1", "HEAD", "--tier", "2", "--budget", "1")
    assert code == 4 and out.splitlines()[-1] == "regression: b (exit 4)"
    rows = verdicts(out)
    base, head, ratio = map(float, rows["b"].split()[1:4])
    assert (base, head, ratio) == pytest.approx((20, 26, 1.3), rel=0.03) and rows["b"].endswith(" slower")
    assert rows["a"].endswith("not slower")
    assert "again, by fresh processes: b" in err


def test_the_other_way_round_it_is_quicker(call, two):
    two({**FAST, "new": 0.01, "b": 0.026})
    code, out, _ = call("perf", "gate", "HEAD", "HEAD~1", "--tier", "2", "--only", "b", "--budget", "1")
    assert code == 0 and verdicts(out)["b"].endswith("faster")


def test_what_one_side_cannot_do_is_not_passed_over(call, two):
    two({"a": 0.01, "b": None, "new": 0.01})
    code, out, _ = call("perf", "gate", "HEAD~1", "--tier", "2", "--budget", "1")
    rows = verdicts(out)
    assert code == 5 and out.splitlines()[-1] == "not measurable: b, c (exit 5)"
    assert "not measured: head (" in rows["b"] and "ended with exit code 1" in rows["b"]
    assert "not measured: head (" in rows["c"] and "AttributeError: no c here" in rows["c"]
    assert rows["a"].endswith("not slower")


def test_more_work_is_a_regression_and_less_is_told(call, two):
    two({**FAST, "new": 0.01}, a=2, b=0)
    code, out, _ = call("perf", "gate", "HEAD~1", "--tier", "1")
    assert code == 4 and out.splitlines()[-1] == "regression: a (exit 4)"
    assert verdicts(out)["a"].split()[1:] == ["flops", "1", "2", "2.00x", "more"]
    assert verdicts(out)["b"].split()[-1] == "less"
    assert "renew bench/expected.json and review it: memorax-bench perf counters --write" in out


def test_what_cannot_be_counted_hides_nothing(call, two):
    two({"a": 0.01, "b": 0.02, "new": 0.01}, a=2)
    code, out, _ = call("perf", "gate", "HEAD~1", "--tier", "1")
    assert code == 4 and out.splitlines()[-1] == "regression: a; not measurable: 1 (exit 4)"
    assert "c cannot be counted: AttributeError: no c here" in out


def test_a_reviewed_change_is_shown_and_passes(call, repository, two):
    two({**FAST, "new": 0.01}, a=2)
    repository.expects(a=2, b=1, c=1, new=1)
    repository.commit()
    code, out, _ = call("perf", "gate", "HEAD~1", "--tier", "1")
    assert code == 0 and "bench/expected.json itself says otherwise than at base" in out
    assert verdicts(out)["a"].split()[1:5] == ["flops", "1", "2", "2.00x"]


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"0.0.1": {}}, "bench/expected.json knows jaxlib 0.0.1, not 1.2.3: memorax-bench perf counters --write"),
        (None, "bench/expected.json knows jaxlib (none), not 1.2.3"),
        ({"1.2.3": {"a": {"flops": 1, "numbers": 1, "argument_bytes": 8}}}, "not measurable: b, c, new (exit 5)"),
    ],
)
def test_what_is_not_in_the_file_is_not_measurable(call, repository, two, expected, said):
    two({**FAST, "new": 0.01})
    (repository.path / "bench" / "expected.json").unlink()
    if expected is not None:
        repository.write("bench/expected.json", json.dumps(expected))
    repository.commit()
    code, out, _ = call("perf", "gate", "HEAD~1", "--tier", "1")
    assert code == 5 and said in out and out.splitlines()[-1].startswith("not measurable: ")


def test_counters_of_the_working_tree(call, repository, two):
    two({**FAST, "new": 0.01})
    assert call("perf", "counters")[0] == 0
    repository.write("memorax/__init__.py", f"SECONDS = {FAST | {'new': 1}}\nCOUNTS = {{'c': 7}}\n")
    code, out, _ = call("perf", "counters", "--only", "c")
    assert code == 4 and verdicts(out)["c"].split()[1:] == ["flops", "1", "7", "7.00x", "more"]
    assert call("perf", "counters", "--write")[0] == 0
    assert '"c": {"flops": 7' in (repository.path / "bench" / "expected.json").read_text()
    assert call("perf", "counters")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "against which commit?"),
        (("main", "main", "main"), "two commits at most, not main, main, main"),
        (("nonesuch",), "'nonesuch' is no revision here"),
        (("main", "--tier", "2", "--only", "nwe"), "no program is called 'nwe'; allowed: a, b, c, new\n  did you mean"),
        (("main", "--tier", "4"), "Invalid value for '--tier'"),
        (("main", "first"), "has no bench/speed/serve.py: it is older than the gate"),
    ],
)
def test_mistakes(call, repository, two, arguments, said):
    repository.commit({})
    repository.git("tag", "first")
    two({**FAST, "new": 0.01})
    code, _, err = call("perf", "gate", *arguments)
    assert code == 2 and said in err and repository.worktrees() == 0


def test_outside_a_checkout(call):
    code, _, err = call("perf", "gate", "main")
    assert code == 2 and "lies in no checkout of memorax-bench" in err


def test_help_teaches(call):
    assert "memorax-bench perf gate main" in call("perf", "--help")[1]
    for verb in ("gate", "counters", "scores"):
        code, text, _ = call("perf", verb, "--help")
        assert code == 0 and f"memorax-bench perf {verb}" in text and "4 a regression" in " ".join(text.split())


@pytest.mark.skipif(not Path("/proc").exists(), reason="asks /proc which processes there are")
def test_ctrl_c_leaves_nothing_behind(repository, two):
    two({**FAST, "new": 0.01})
    command = [sys.executable, "-m", "memorax_bench.cli", "perf", "gate", "HEAD~1", "--tier", "2", "--budget", "60"]
    environment = runs.environment(TMPDIR=str(repository.path))
    with subprocess.Popen(command, cwd=repository.path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while "compiling a" not in process.stderr.readline():
            assert process.poll() is None
        started = sides(process.pid)
        assert len(started) == 2 and repository.worktrees() == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    assert repository.worktrees() == 0 and not list(repository.path.glob("memorax-perf-*"))
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


def sides(parent: int) -> list[str]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [pid for pid in children if b"speed.serve" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_real_programs_end_to_end(call, jax_repository, monkeypatch):
    """Three times the work, and a state that comes back with another type: by time, by counters, by compilations."""
    monkeypatch.setattr(timing, "AGAIN", 0)
    says = "import jax.numpy as jnp\nWORK, RETURNED = {}, jnp.{}\n"
    jax_repository.write("memorax/__init__.py", says.format(300, "float32"))
    assert call("perf", "counters", "--write")[0] == 0
    jax_repository.commit()
    jax_repository.write("memorax/__init__.py", says.format(900, "float16"))
    jax_repository.commit()
    code, out, _ = call("perf", "gate", "main~1", "--budget", "1", "--only", "*spin")
    assert code == 4, out
    counted = {tuple(line.split()[:2]): line.split() for line in out.splitlines()}
    assert counted["spin", "flops"][-2:] == ["3.00x", "more"]
    assert counted["train/spin", "compilations"] == ["train/spin", "compilations", "1", "2", "2.00x", "more"]
    assert next(line for line in out.splitlines() if line.startswith("spin ") and "[" in line).endswith("slower")
    assert out.splitlines()[-1].startswith("regression: spin")
