"""The command line as its user meets it: words, exit codes, and what each verb has to load."""

import signal
import subprocess
import sys
import time

import pytest

from fixtures import runs
from memorax_bench.running import work

VERBS = (
    "run",
    "plan",
    "tune",
    "report",
    "profile",
    "ls",
    "show",
    "validate",
    "check-torso",
    "doctor",
    "catalogue",
    "bounds",
)


@pytest.mark.parametrize("verb", VERBS)
def test_help_teaches_by_example_and_names_the_exit_codes(call, verb):
    code, text, _ = call(verb, "--help")
    assert code == 0
    assert f"memorax-bench {verb}" in text or "suite=quick" in text
    assert "Exit: 0 " in text
    assert ("'+torsos.mine=my_module:Cell'" in text) == (
        verb in ("run", "plan", "tune", "report", "profile", "validate")
    )


def test_help_lists_the_verbs_and_where_to_start(call):
    code, text, _ = call("--help")
    assert code == 0
    assert all(f"\n  {verb} " in text for verb in VERBS)
    assert "Start with: memorax-bench run suite=quick" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "memorax-bench [OPTIONS] COMMAND"),
        (["runn"], "No such command 'runn'. Did you mean 'run'?"),
        (["plan", "suite=quick", "--fast"], "No such option: --fast"),
        (["run", "suite=quick", "--seed-batch", "0"], "Invalid value for '--seed-batch'"),
        (["ls"], "list what?; allowed: suites, tasks, algorithms, torsos, results\n  for example: memorax-bench ls"),
        (["ls", "torso"], "nothing called 'torso' to list; allowed: suites, tasks, algorithms, torsos, results\n  did"),
    ],
)
def test_mistakes_in_the_command(call, arguments, said):
    code, out, err = call(*arguments)
    assert code == 2
    assert said in out + err
    assert "Traceback" not in err


LISTED = {
    "suites": ["quick@1 ", "smoke@0 ", "(draft: never ranked)"],
    "tasks": ["popgym::RepeatPreviousEasy", "Discrete(4)", "gymnax::MemoryChain-bsuite", "arXiv 2303.01859"],
    "algorithms": ["ppo ", "clip_coefficient", "0.2", "memorax.algorithms.ppo:PPO; acts in: "],
    "torsos": ["gru ", "gtrxl ", "mamba2 ", "no memory", "50,000 parameters", "Gu and Dao 2023, arXiv 2312.00752"],
    "results": ["no results yet"],
}


@pytest.mark.parametrize(("kind", "said"), LISTED.items(), ids=LISTED)
def test_ls(call, kind, said):
    code, text, _ = call("ls", kind)
    assert code == 0
    assert all(part in text for part in said), text


def test_exit_code_of_failed_cells(call, monkeypatch):
    def trace(*_):
        raise RuntimeError("planted")

    monkeypatch.setattr(work, "trace", trace)
    code, out, _ = call("run", "suite=smoke", "torsos=gru", "tasks=higher-lower", "--launcher", "inline")
    assert code == 3
    assert "FAIL  higher-lower     ppo/gru         RuntimeError: planted" in out
    assert "again: memorax-bench run suite=smoke 'tasks=[higher-lower]' 'algorithms=[ppo]' 'torsos=[gru]'" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_exit_code_of_an_interruption(tmp_path, number):
    """In the middle of anything, here of planning: no traceback, and what to do next."""
    code = (
        "import sys, time; from memorax_bench import cli; from memorax_bench.running import plan;"
        "sys.argv = ['memorax-bench', 'plan', 'suite=smoke'];"
        "plan.code_hashes = lambda *_: (print('here', flush=True), time.sleep(30)); cli.main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=runs.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "here\n"
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == "\ninterrupted; what is done is kept: run the same command to go on\n"


def test_exit_code_of_an_internal_error(tmp_path):
    code = (
        "import sys; from memorax_bench import cli; from memorax_bench.running import plan;"
        "sys.argv = ['memorax-bench', 'plan', 'suite=smoke'];"
        "plan.code_hashes = None; cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=runs.environment(), capture_output=True)
    assert done.returncode == 1
    assert b"TypeError: 'NoneType' object is not callable" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["ls", "suites"], ["ls", "torsos"], ["plan", "suite=quick"], ["validate"]],
    ids=" ".join,
)
def test_verbs_that_need_no_accelerator_import_no_jax(tmp_path, arguments):
    code = (
        "import sys; from memorax_bench import cli; sys.argv = ['memorax-bench', *sys.argv[1:]]\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        "sys.exit('jax' in sys.modules or 'pandas' in sys.modules)"
    )
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, env=runs.environment(), capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert time.monotonic() - begin < 10  # under 1 s on a machine that does nothing else


def test_the_script_is_installed(tmp_path):
    done = runs.command("plan", "suite=smoke", "torsos=gru", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("smoke@0  2 tasks x 1 algorithm x 1 torso x 2 seeds  (draft: never ranked)\n")
    assert "2 cells: 2 new" in done.stdout
    assert runs.command("plan", "suite=smok", cwd=tmp_path).returncode == 2
