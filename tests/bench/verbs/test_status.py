"""`memorax-bench status`: what runs on a results folder, as another process sees it."""

import dataclasses
import json
import math

import pytest

from memorax_bench.cell.progress import Progress
from memorax_bench.records import claims
from memorax_bench.records.claims import Process
from memorax_bench.records.store import Store, cell_path_parts
from memorax_bench.running.failures import make_failure
from memorax_bench.running.job import failed, jobs_of
from memorax_bench.running.plan import code_hashes, plan
from memorax_bench.suite.load import load_suite
from memorax_bench.verbs.status import status_json, status_text, underway

PROGRESS = Progress(2048, 4096, (0.5, math.nan), 1000.0)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def made(store):
    suite = load_suite("smoke")
    return plan(suite, store.scan(suite.label), code_hashes(suite), "cpu")


def start(store, job, progress=PROGRESS, process=None):
    """What a process leaves that works on a job."""
    claim = claims.acquire(store.work_dir(job.id), claims.Observer(5.0), process)
    about = {"suite": job.suite.label, "cell": job.action.cell.labels, "seeds": job.run.seeds}
    store.note_progress(job.id, {**about, **dataclasses.asdict(progress)})
    return claim


def jobs(store, made):
    return [job for action in made.actions for job in jobs_of(made.suite, action, store.root, ())]


def test_nothing_runs(store, tmp_path):
    assert status_text(store, None) == f"nothing is running in {tmp_path}"
    assert json.loads(status_json(store, None)) == {"running": []}


def test_what_runs_is_told(store, made):
    first, *_ = jobs(store, made)
    start(store, first)
    (run,) = underway(store)
    assert (run.suite, run.cell, run.seeds, run.progress.env_step) == (
        "smoke@0",
        first.action.cell.labels,
        (0, 1),
        2048,
    )
    assert run.left == 2048 / (1000 / 2)  # of two seeds, each of which makes half of the steps
    (line,) = status_text(store, None).splitlines()
    for part in (
        "smoke@0",
        "repeat-previous",
        "ppo/mlp",
        "#####-----  50%",
        "return .50, 1 NaN (2 seeds)",
        "0:04 left",
    ):
        assert part in line
    assert len(line) <= 120


def test_of_a_suite_cells_are_counted_once(store, made):
    first, second, third, _ = jobs(store, made)
    start(store, first)
    parts = cell_path_parts(made.suite.label, second.action.cell)
    store.record_failure(parts, make_failure(second, "cpu", failed(second.id, "crash", "it crashed")))
    again = plan(made.suite, store.scan(made.suite.label), code_hashes(made.suite), "cpu")
    assert status_text(store, again).splitlines()[0] == "smoke@0: 4 cells: 1 running, 1 failed, 2 left"
    start(store, third)
    data = json.loads(status_json(store, again))
    assert data["cells"] == {"done": 0, "running": 2, "failed": 1, "left": 1}
    assert data["seconds_left"] is None
    assert [run["returns"] for run in data["running"]] == [[0.5, None]] * 2


def test_other_suites_are_left_out_where_one_is_asked_for(store, made):
    first, *_ = jobs(store, made)
    other = dataclasses.replace(first, suite=dataclasses.replace(first.suite, label="other@1"))
    start(store, other)
    assert len(status_text(store, None).splitlines()) == 1
    assert status_text(store, made) == "smoke@0: 4 cells: 4 left"


def test_what_has_ended_is_not_running(store, made):
    first, second, third, fourth = jobs(store, made)
    start(store, first).release()
    start(store, second, process=dataclasses.replace(claims.this_process(), started="1"))  # dead: another has its pid
    start(store, third)
    store.discard_work(third.id)
    (store.work_dir(fourth.id) / "progress.json").write_text("{")
    assert underway(store) == []


def test_silence_is_told(store, made):
    first, *_ = jobs(store, made)
    start(store, first, process=Process("another host", 7, "1"))
    folder = store.work_dir(first.id)
    noted = (folder / "progress.json").stat().st_mtime
    (run,) = underway(store, clock=lambda: noted + 125)
    assert run.age == pytest.approx(125, abs=1)


def test_work_of_the_store_is_left_alone(store, made):
    start(store, jobs(store, made)[0])
    before = sorted(path for path in store.root.rglob("*"))
    status_text(store, made)
    assert sorted(path for path in store.root.rglob("*")) == before
