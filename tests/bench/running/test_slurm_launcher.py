"""The launcher of Slurm, and what a task does on its node, against a made-up queue. A real one: test_slurm.py."""

import itertools
import pickle
from pathlib import Path

import pytest

from fixtures.jobs import DONE, Heard, answer_to, job, moved, polled
from memorax_bench.errors import UsageProblems
from memorax_bench.running import slurm_launcher, slurm_task
from memorax_bench.running.job import Began, Ended, Question
from memorax_bench.running.slurm_launcher import SlurmArrays
from memorax_bench.running.slurm_queue import Task


class MadeUpQueue:
    """A queue whose tasks do nothing but answer, the first of several not; `living` is what squeue would say."""

    limit, kind = 1000, "made up"

    def __init__(self, folder: Path, options):
        self.folder, self.options, self.living_ids, self.cancelled = folder, options, set(), []
        self.calls, self.numbers = [], itertools.count()

    def submit(self, function, calls, at_once, jobs=()):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.calls.append((function, calls, at_once))
        tasks = []
        for its_jobs in list(jobs) or [()] * len(calls):
            name = f"1_{next(self.numbers)}"
            self.living_ids |= {name} if its_jobs else set()
            own = {one.id: one for one in its_jobs}
            tasks.append(Task(name, self.folder / f"{name}.diary", self.folder / f"{name}.log", own))
        if function is slurm_task.tell_device_kind and self.kind is None:
            tasks[0].log.write_text("ModuleNotFoundError: No module named 'memorax_bench'\n")
        elif function is slurm_task.tell_device_kind:
            tell(tasks[0], slurm_task.DeviceKind(self.kind))
        elif function is slurm_task.answer:
            for task, (questions,) in zip(tasks[1:], calls[1:], strict=True):  # the first is lost
                tell(task, slurm_task.Answers(tuple(answer_to(question) for question in questions)))
        return tasks

    def living(self):
        return self.living_ids

    def cancel(self, tasks):
        self.cancelled += [task.slurm_id for task in tasks]


@pytest.fixture
def slurm(monkeypatch, tmp_path):
    """Makes a launcher on a made-up queue; looked at without waiting."""
    monkeypatch.setattr(slurm_launcher, "Queue", MadeUpQueue)
    monkeypatch.setattr(slurm_launcher, "READ_AGAIN", 0.0)
    monkeypatch.setattr(slurm_launcher, "ASK_AGAIN", 0.0)

    def make(workers=None, **options) -> SlurmArrays:
        return SlurmArrays(tmp_path, {"device": "cpu", **options}, workers)

    return make


def test_the_device_of_the_nodes_is_asked_for(slurm, monkeypatch, capsys):
    with slurm(device="") as launcher:
        assert launcher.device_kind == "made up"
    assert "device=... saves this job" in capsys.readouterr().err
    monkeypatch.setattr(MadeUpQueue, "kind", None)
    with pytest.raises(UsageProblems) as raised:
        slurm(device="")
    assert "No module named 'memorax_bench'" in str(raised.value)
    assert "the same installation" in str(raised.value)


def test_questions_go_in_an_array_and_a_lost_task_answers_none(slurm):
    with slurm(jobs="2") as launcher:
        questions = [Question("programs", job(name), width) for width, name in enumerate("abcde", start=1)]
        assert launcher.ask(questions) == [None, None, "c 3", "d 4", "e 5"]
        assert launcher.tasks == []


def tell(task: Task, *messages, torn: bytes = b"") -> None:
    with task.diary.open("ab") as diary:
        diary.write(b"".join(map(pickle.dumps, messages)) + torn)


def parts(launcher) -> list[list[str]]:
    return [[*task.jobs] for task in launcher.tasks]


def test_all_jobs_go_in_one_array_of_equal_tasks(slurm):
    with slurm(workers=3) as launcher:
        for number in range(30):
            launcher.submit(job(f"{number:02}"))
        polled(launcher, 1)
        assert [len(part) for part in parts(launcher)] == [3] * 10  # 30 for 4 x 3 tasks, rounded up
        assert [name for part in parts(launcher) for name in part] == [f"{number:02}" for number in range(30)]
        ((function, calls, at_once),) = launcher.queue.calls
        assert (function, len(calls), at_once) == (slurm_task.work, 10, 3)
        polled(launcher, 1)
        assert len(launcher.queue.calls) == 1
    assert launcher.queue.cancelled == [f"1_{number}" for number in range(10)]


def test_a_diary_is_read_as_it_is_written(slurm):
    with slurm() as launcher:
        launcher.submit(job("a"))
        polled(launcher, 1)
        (task,) = launcher.tasks
        half = pickle.dumps(DONE)
        tell(task, Began("a"), moved("a", 10), torn=half[:7])
        assert polled(launcher) == [Began("a"), moved("a", 10)]
        tell(task, torn=half[7:])
        assert polled(launcher) == [DONE]
        assert launcher.tasks == []
    assert not launcher.folder.exists()


def test_of_a_lost_task_only_what_it_was_at_counts_as_lost(slurm, capsys):
    with slurm(jobs="3") as launcher:
        for name in "abc":
            launcher.submit(job(name))
        polled(launcher, 1)
        for _ in range(2):
            (task,) = launcher.tasks
            tell(task, Began(next(iter(task.jobs))))
            if "a" in task.jobs:
                tell(task, DONE, Began("b"))
            launcher.queue.living_ids.clear()
            assert not [event for event in polled(launcher, 3) if isinstance(event, Ended) and event != DONE]
            assert parts(launcher) == [["b", "c"]]
        (task,) = launcher.tasks
        tell(task, Began("b"))
        task.log.write_text("slurmstepd: error: node failure\n")
        launcher.queue.living_ids.clear()
        (ended,) = polled(launcher, 3)
        assert (ended.job_id, ended.how, ended.kind) == ("b", "failed", "lost")
        assert ended.tail == ("slurmstepd: error: node failure",)
        assert parts(launcher) == [["c"]]
        tell(launcher.tasks[0], Began("c"), Ended("c", "done"))
        assert polled(launcher, 3) == [Began("c"), Ended("c", "done")]
    assert "2 cells submitted again" in capsys.readouterr().err
    assert task.log.is_file()  # what a failure names stays


def test_tasks_that_never_begin_anything_are_given_up_too(slurm):
    with slurm(jobs="2") as launcher:
        launcher.submit(job("a"))
        launcher.submit(job("b"))
        heard = Heard()
        for _ in range(12):
            launcher.poll(0.0, heard)
            launcher.queue.living_ids.clear()
        assert [(event.job_id, event.kind) for event in heard] == [("a", "lost"), ("b", "lost")]


def test_a_silent_slurm_loses_nothing(slurm, monkeypatch):
    with slurm() as launcher:
        launcher.submit(job("a"))
        polled(launcher, 1)
        monkeypatch.setattr(launcher.queue, "living", lambda: None)
        assert polled(launcher) == []
        assert parts(launcher) == [["a"]]


def test_a_stopped_job_takes_no_other_with_it(slurm):
    with slurm(jobs="2") as launcher:
        for name in "ab":
            launcher.submit(job(name))
        polled(launcher, 1)
        launcher.stop("a")
        polled(launcher, 1)
        assert parts(launcher) == [["b"]]
        assert launcher.queue.cancelled == ["1_0"]


# --- what a task does on its node ---


class MadeUpWorkers:
    """Workers that have done everything at once."""

    def __init__(self):
        self.todo = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, one):
        self.todo.append(one)

    def poll(self, seconds, hear):
        while self.todo:
            name = self.todo.pop().id
            for event in (Began(name), moved(name, 10), moved(name, 20), Ended(name, "done")):
                hear(event)


@pytest.fixture
def on_a_node(monkeypatch):
    monkeypatch.setattr(slurm_task, "LocalWorkers", MadeUpWorkers)
    monkeypatch.setattr(slurm_task.signal, "signal", lambda *_: None)
    monkeypatch.setattr(slurm_task.platforms, "device_kind", lambda: "cpu")


def test_a_task_goes_on_where_it_was_put_back_into_the_queue(on_a_node, tmp_path):
    diary = tmp_path / "diary"
    diary.write_bytes(pickle.dumps(Began("a")) + pickle.dumps(DONE) + pickle.dumps(Began("b"))[:9])
    slurm_task.work([job("a"), job("b")], "cpu", diary)
    messages, offset = slurm_task.read_diary(diary, 0)
    assert messages == [Began("a"), DONE, Began("b"), moved("b", 10), Ended("b", "done")]
    assert offset == diary.stat().st_size


def test_no_run_is_made_on_another_device_than_planned(on_a_node, tmp_path):
    slurm_task.work([job("a"), job("b")], "NVIDIA H100", tmp_path / "diary")
    messages, _ = slurm_task.read_diary(tmp_path / "diary", 0)
    assert [(event.job_id, event.kind) for event in messages] == [("a", "other device"), ("b", "other device")]
    assert "planned for 'NVIDIA H100', but came to a node with 'cpu'" in messages[0].message
