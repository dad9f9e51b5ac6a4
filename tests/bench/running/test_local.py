"""Worker processes: whatever a cell does to its process costs that cell only, and is said."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from fixtures import runs
from memorax_bench.records.store import FAILURES, Store
from memorax_bench.running import platforms
from memorax_bench.running.engine import Engine, Policy, Screen
from memorax_bench.running.job import Ended, Moved, make_jobs
from memorax_bench.running.launcher import Launcher
from memorax_bench.running.local import LocalWorkers
from memorax_bench.running.plan import code_hashes, plan
from memorax_bench.suite.load import load_suite
from memorax_bench.verbs import run as run_module

TORSO = '''
"""A torso that does something to its process when it is traced."""
import os, signal, sys, time
import flax.linen as nn


class Cell(nn.Module):
    features: int = 4

    @nn.compact
    def __call__(self, x):
        if os.getpid() != {parent}:
            {deed}
        return nn.Dense(self.features)(x)
'''
ARGUMENTS = ("+torsos.mine=wild:Cell", "tasks=higher-lower", *runs.SHORT)
ENDLESS = ("protocol.total_env_steps=67108864", "protocol.eval_every=65536")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a cell whose torso does `deed`; -> exit code, what was shown, the failures that were kept."""
    monkeypatch.syspath_prepend(tmp_path)

    def run(deed, torsos="mine", **policy):
        (tmp_path / "wild.py").write_text(TORSO.format(parent=os.getpid(), deed=deed))
        code = runs.run(tmp_path / "results", *ARGUMENTS, f"torsos={torsos}", launcher="local", **policy)
        files = sorted(tmp_path.glob(f"results/*/higher-lower/ppo/mine/*/{FAILURES}/*.json"))
        return code, capsys.readouterr().out, [json.loads(file.read_text()) for file in files]

    return run


DEEDS = {
    "a segmentation fault": ("os.kill(os.getpid(), signal.SIGSEGV)", "crash", "the worker process crashed: SIGSEGV"),
    "an exit": ("os._exit(4)", "crash", "the worker process ended by itself with exit code 4"),
    "a kill": ("os.kill(os.getpid(), signal.SIGKILL)", "out of memory", "killed, as systems do when memory runs out"),
    "last words": ("print('my last words'), sys.stdout.flush(), os.abort()", "crash", "SIGABRT"),
}


@pytest.mark.parametrize(("deed", "kind", "said"), DEEDS.values(), ids=DEEDS)
def test_a_worker_that_dies_costs_its_cell_only(run, deed, kind, said):
    code, shown, (failure,) = run(deed, "[mine,mlp]" if kind == "out of memory" else "mine")
    assert code == 3
    assert " FAIL  higher-lower     ppo/mine" in shown and said in shown
    assert (" done  higher-lower     ppo/mlp" in shown) == (kind == "out of memory")
    assert failure["kind"] == kind
    assert said in failure["message"]
    assert any("last words" in line for line in failure["traceback_tail"]) == ("last words" in deed)


def test_a_cell_that_hangs_is_ended(run, tmp_path):
    begin = time.monotonic()
    code, _, (failure,) = run("time.sleep(600)", timeout=8.0)
    assert time.monotonic() - begin < 60
    assert code == 3
    assert failure["kind"] == "timeout"
    assert failure["message"] == "not done after 8 s (--timeout); its process was ended"
    (claim,) = tmp_path.glob("results/.work/*/claim.1")
    assert json.loads(claim.read_text())["released"]


def test_what_a_cell_prints_does_no_harm(run):
    code, shown, failures = run("print('x' * 100_000); sys.stdout.buffer.write(bytes(range(256)))")
    assert (code, failures) == (0, [])
    assert "xxx" not in shown


def test_a_failure_is_tried_again_as_often_as_asked(run, tmp_path):
    tried = str(tmp_path / "tried")
    deed = f"open({tried!r}, 'a').write('x'); os.path.getsize({tried!r}) < 3 and 1/0"
    code, shown, failures = run(deed, retry=2)
    assert code == 0
    assert shown.count("tried again") == 2
    assert [failure["kind"] for failure in failures] == ["ZeroDivisionError"] * 2


def test_a_worker_ends_with_its_parent(tmp_path):
    """Killed without warning, in the middle of a cell: the worker must not go on alone."""
    launcher = LocalWorkers()
    launcher.submit(jobs(tmp_path, *ENDLESS)[0])
    worker = launcher.workers[0].process
    time.sleep(1.0)
    os.close(worker.stdin.fileno())  # as the system does for a process that is killed
    worker.wait(timeout=20)
    launcher.workers[0].process.stdin = open(os.devnull, "wb")  # noqa: SIM115  (the descriptor is gone)
    launcher.close()


def test_workers_do_as_many_jobs_at_a_time_as_there_are(tmp_path):
    events = []
    cores = sorted(os.sched_getaffinity(0))
    own = [tuple(cores[:1]), tuple(cores[-1:])]
    with LocalWorkers([{"MINE": "0"}, {"MINE": "1"}], cores=own) as launcher:
        made = jobs(tmp_path, *runs.SHORT, tasks="[higher-lower,repeat-previous]")
        for job in made:
            launcher.submit(job)
        assert len({worker.process.pid for worker in launcher.workers}) == 2
        while sum(isinstance(event, Ended) for event in events) < len(made):
            launcher.poll(1.0, events.append)
        assert [tuple(os.sched_getaffinity(worker.process.pid)) for worker in launcher.workers] == own
    assert {event.job_id for event in events} == {job.id for job in made}
    assert all(event.how == "done" for event in events if isinstance(event, Ended))
    assert len(runs.records(tmp_path)) == 2


def jobs(results, *arguments, tasks="higher-lower"):
    suite = load_suite("smoke", [f"tasks={tasks}", "torsos=mlp", *arguments])
    return make_jobs(plan(suite, Store(results).scan(suite.label), code_hashes(suite), "cpu"), results, ())


class Scripted(Launcher):
    """Ends every job as a script says; keeps the widths that were asked for."""

    slots = 1

    def __init__(self, limit):
        self.limit, self.todo, self.seen, self.prepared = limit, [], [], []

    def submit(self, job):
        self.todo.append(job)
        self.seen.append((job.action.seed_batch, job.run.seeds))

    def prepare(self, job):
        self.prepared.append((job.action.seed_batch, job.run.seeds))

    def poll(self, seconds, hear):
        from memorax_bench.running.job import Began, Summary, failed

        while self.todo:
            job = self.todo.pop()
            hear(Began(job.id))
            if job.action.seed_batch > self.limit:
                hear(failed(job.id, "out of memory", "RESOURCE_EXHAUSTED"))
            else:
                hear(Ended(job.id, "done", summary=Summary((0.0,), 0.0, False, 1.0, {})))

    def stop(self, job_id):
        raise AssertionError

    def ask(self, questions):
        return []

    def close(self):
        pass


def scripted(tmp_path, limit, retry, seeds=12, seed_batch=8):
    suite = load_suite("smoke", ["tasks=higher-lower", "torsos=mlp", f"seeds={seeds}"])
    codes = code_hashes(suite)
    made = plan(suite, Store(tmp_path).scan(suite.label), codes, "cpu", seed_batch)
    launcher, events = Scripted(limit), []
    screen = Screen(lambda *_: None, lambda *_: None, events.append)
    engine = Engine(Store(tmp_path), launcher, screen, (), "cpu", Policy(retry=retry))
    return engine.execute(made, codes), launcher.seen, events


def test_without_memory_half_the_seeds_are_tried_together(tmp_path):
    outcome, seen, events = scripted(tmp_path, limit=2, retry=5)
    assert seen[:2] == [(8, tuple(range(8))), (4, (0, 1, 2, 3))]
    done = [(width, seeds) for width, seeds in seen if width == 2]
    assert done == [(2, (seed, seed + 1)) for seed in range(0, 12, 2)]
    assert (outcome.done, outcome.failed) == (6, 0)
    assert [event.again.action.seed_batch for event in events if event.kind == "retry"] == [4, 2]


def test_the_process_that_plans_leaves_accelerators_to_the_workers(tmp_path, monkeypatch):
    """jax takes most of a device's memory where it first uses it."""
    left = []
    monkeypatch.setattr(platforms, "leave_accelerators_alone", lambda: left.append(True))
    arguments = ("tasks=higher-lower", "torsos=mlp")
    monkeypatch.setattr(run_module, "make_launcher", lambda *_: Scripted(99))
    assert runs.run(tmp_path, *arguments) == 0
    assert left == [True]
    code = "from memorax_bench.running import platforms; platforms.leave_accelerators_alone(); "
    code += "import jax; print(jax.config.jax_platforms)"
    told = subprocess.run(
        [sys.executable, "-c", code], env=runs.environment(JAX_PLATFORMS=""), capture_output=True, text=True
    )
    assert told.stdout == "cpu\n"


@pytest.mark.parametrize(
    ("workers", "shares"),
    [
        (1, [()]),
        (2, [(0, 2), (3, 5, 7)]),
        (5, [(0,), (2,), (3,), (5,), (7,)]),
        (6, [()] * 6),
    ],
)
def test_workers_share_out_the_cores(workers, shares, monkeypatch):
    monkeypatch.setattr(platforms.os, "sched_getaffinity", lambda _: {0, 2, 3, 5, 7})
    assert platforms.worker_cores(workers) == shares


def test_an_accelerator_is_asked_for_its_kind_in_another_process(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(platforms, "_ACCELERATORS", (str(tmp_path),))
    monkeypatch.setenv("JAX_PLATFORMS", "made,up")

    def run(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, "a warning\nH1\n", "")

    monkeypatch.setattr(platforms.subprocess, "run", run)
    assert platforms.device_kind() == "H1"
    assert len(asked) == 1


def test_halving_ends_with_the_retries(tmp_path):
    outcome, seen, _ = scripted(tmp_path, limit=0, retry=1, seeds=2, seed_batch=2)
    assert seen == [(2, (0, 1)), (1, (0,)), (1, (1,))]
    assert (outcome.done, outcome.failed) == (0, 2)
    assert len(list(tmp_path.rglob(f"{FAILURES}/*.json"))) == 3


def test_the_next_cell_is_compiled_while_one_runs(tmp_path):
    """Its compilation ends before it begins: the worker that prepared it has it at hand."""
    made = [*jobs(tmp_path, *runs.SHORT, tasks="[higher-lower,repeat-previous]")]
    events, times = [], {}

    def hear(event):
        events.append(event)
        times[type(event).__name__, event.job_id] = time.monotonic()

    with LocalWorkers([{}, {}][:1], compile_ahead=True) as launcher:
        launcher.submit(made[0])
        while not any(isinstance(event, Moved) for event in events):  # the worker is up
            launcher.poll(1.0, hear)
        launcher.prepare(made[1])
        assert launcher.workers[0].prepared == {made[1].id}
        while not isinstance(events[-1], Ended):
            launcher.poll(1.0, hear)
        launcher.submit(made[1])
        while events[-1].job_id != made[1].id or not isinstance(events[-1], Ended):
            launcher.poll(1.0, hear)
    assert [event.how for event in events if isinstance(event, Ended)] == ["done", "done"]
    assert len(runs.records(tmp_path)) == 2


def test_signals_are_for_the_parent(tmp_path):
    """A worker ignores Ctrl-C; SIGTERM ends it at once, with its claim released."""
    launcher = LocalWorkers()
    launcher.submit(jobs(tmp_path, *ENDLESS)[0])
    events = []
    while not any(type(event).__name__ == "Moved" for event in events):
        launcher.poll(1.0, events.append)
    worker = launcher.workers[0].process
    worker.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert worker.poll() is None
    launcher.close()
    assert worker.poll() is not None
    (claim,) = tmp_path.glob(".work/*/claim.1")
    assert json.loads(claim.read_text())["released"]
