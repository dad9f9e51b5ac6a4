"""The launchers of clusters against clusters that are made up: nodes are lost, odd, or slow to tell."""

import itertools
import pickle
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from memorax_bench.cell.progress import Progress
from memorax_bench.cli import Interrupted
from memorax_bench.errors import UsageProblems
from memorax_bench.running import ray_launcher, slurm_launcher, slurm_queue, slurm_task
from memorax_bench.running.job import Began, Ended, Moved, Question
from memorax_bench.running.launchers import make_launcher, parse_options
from memorax_bench.running.ray_launcher import RayCluster
from memorax_bench.running.ray_node import Refused
from memorax_bench.running.slurm_launcher import SlurmArrays
from memorax_bench.running.slurm_queue import Task


def answer_to(question: Question) -> str:
    return f"{question.job.id} {question.width}"


def job(name: str) -> SimpleNamespace:
    """As much of a job as a launcher looks at."""
    return SimpleNamespace(id=name, action=SimpleNamespace(cell=SimpleNamespace(labels=("task", "ppo", name))))


def moved(name: str, step: int) -> Moved:
    return Moved(name, Progress(step, 100, (0.0,), 1.0))


DONE = Ended("a", "done")


class Heard(list):
    """What an engine hears."""

    def __call__(self, event) -> None:
        self.append(event)


# --- what is asked of a cluster ---


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        ((), {}),
        (("partition=gpu,time=60",), {"partition": "gpu", "time": "60"}),
        (("nodelist=n1,n2,cpus-per-task=4",), {"nodelist": "n1,n2", "cpus_per_task": "4"}),
        (("gres=gpu:1", "time=1-00:00:00"), {"gres": "gpu:1", "time": "1-00:00:00"}),
    ],
)
def test_options_are_read(texts, options):
    assert parse_options(texts) == options


@pytest.mark.parametrize("text", ["partition", "=gpu", "partition="])
def test_options_that_are_none(text):
    with pytest.raises(UsageProblems, match="is not KEY=VALUE"):
        parse_options([text])


@pytest.mark.parametrize(
    ("name", "package", "install"), [("ray", "ray", "[ray]"), ("slurm", "submitit", "[slurm]")], ids=["ray", "slurm"]
)
def test_a_missing_package_says_what_to_install(name, package, install, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageProblems) as raised:
        make_launcher(name, results=tmp_path)
    assert f"pip install 'memorax-bench{install}'" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "options", "timeout", "said"),
    [
        ("local", {"partition": "gpu"}, None, "local has no options of its own; allowed: with ray, with slurm"),
        ("ray", {"adress": "x"}, None, "no option 'adress'; allowed: address, accelerator\n  did you mean 'address'?"),
        ("slurm", {}, 60.0, "--launcher-options time=HH:MM:SS"),
        ("slurm", {"jobs": "some"}, None, "jobs is a number from 1 up"),
    ],
)
def test_what_a_launcher_does_not_take(name, options, timeout, said, tmp_path):
    with pytest.raises(UsageProblems) as raised:
        make_launcher(name, options=options, results=tmp_path, timeout=timeout)
    assert said in str(raised.value)


def test_slurm_says_which_command_is_missing_and_what_is_not_to_be_set(monkeypatch, tmp_path):
    pytest.importorskip("submitit", reason="needs submitit: pip install 'memorax-bench[slurm]'")
    monkeypatch.setattr(slurm_queue.shutil, "which", lambda name: None)
    with pytest.raises(UsageProblems) as raised:
        SlurmArrays(tmp_path, {"array": "0-3"})
    assert "'array' is set by the launcher" in str(raised.value)
    assert "sbatch, squeue, scancel, srun: no such command here" in str(raised.value)


# --- Ray ---


class RayError(Exception):
    pass


class RayActorError(RayError):
    pass


class MadeUpRay:
    """A cluster whose nodes do what `script` says: lists of events, an exception, or `...` for nothing yet."""

    exceptions = SimpleNamespace(RayError=RayError, RayActorError=RayActorError)

    def __init__(self, cpus: int):
        self.cpus, self.script, self.kinds, self.ended = cpus, {}, itertools.repeat("cpu"), []

    def cluster_resources(self):
        return {"CPU": float(self.cpus)}

    def remote(self, kind):
        make = SimpleNamespace(remote=lambda path: MadeUpActor(self, next(self.kinds)))
        return SimpleNamespace(options=lambda **_: make)

    def wait(self, references, num_returns=1, timeout=None):
        ready = [reference for reference in references if reference() is not ...]
        return ready, [reference for reference in references if reference not in ready]

    def get(self, reference, timeout=None):
        told = reference()
        if isinstance(told, Exception):
            raise told
        return told

    def kill(self, actor):
        self.ended.append(actor)

    def shutdown(self):
        self.cpus = 0


class MadeUpActor:
    """An actor of it; a reference is a function of no arguments."""

    def __init__(self, ray: MadeUpRay, kind: str):
        self.ray, self.kind, self.job = ray, kind, None
        for name in ("device_kind", "begin", "listen", "ask", "stop", "close"):
            setattr(self, name, SimpleNamespace(remote=lambda *given, name=name: self.call(name, *given)))

    def call(self, name, *given):
        if name == "device_kind":
            return lambda: self.kind
        if name == "begin":
            self.job = given[0]
            refused = [Refused(self.kind)] if self.kind != given[1] else []
            return lambda: refused
        if name == "ask":
            lost = any(question.width == 0 for question in given[0])
            return lambda: LOST if lost else [answer_to(question) for question in given[0]]
        told = self.ray.script[self.job.id].pop(0) if name == "listen" else None
        return lambda: told


@pytest.fixture
def ray(monkeypatch):
    """A made-up cluster of two CPUs; looked at, and jobs submitted again, at once."""
    made = MadeUpRay(cpus=2)
    monkeypatch.setattr(ray_launcher, "_connect", lambda options: (made, True))
    monkeypatch.setattr(ray_launcher, "LOOK_AGAIN", 0.0)
    monkeypatch.setattr(ray_launcher, "PAUSE", 0.0)
    return made


def polled(launcher, times: int = 12) -> Heard:
    heard = Heard()
    for _ in range(times):
        launcher.poll(0.0, heard)
    return heard


LOST = RayActorError("the node died")


def test_a_job_whose_node_is_lost_is_done_elsewhere_and_nobody_hears_of_it(ray, capsys):
    ray.script["a"] = [[Began("a")], [moved("a", 10)], LOST, [Began("a"), moved("a", 10)], [DONE]]
    with RayCluster() as launcher:
        launcher.submit(job("a"))
        assert polled(launcher) == [Began("a"), moved("a", 10), moved("a", 10), DONE]
        assert len(ray.ended) == 1
        assert len(launcher.nodes) == 1
    assert "lost the node or the process of task ppo a" in capsys.readouterr().err


def test_a_job_that_costs_every_node_its_life_is_given_up(ray):
    ray.script["a"] = [[Began("a")], LOST, [Began("a")], LOST, [Began("a")], LOST]
    with RayCluster() as launcher:
        launcher.submit(job("a"))
        began, ended = polled(launcher)
    assert began == Began("a")
    assert (ended.how, ended.kind, ended.tail) == ("failed", "crash", ("the node died",))
    assert "lost 3 times" in ended.message


def test_a_job_that_gets_further_each_time_is_not_given_up(ray):
    ray.script["a"] = [part for step in range(10, 90, 10) for part in ([moved("a", step)], LOST)] + [[DONE]]
    with RayCluster() as launcher:
        launcher.submit(job("a"))
        assert polled(launcher, 60)[-1] == DONE


def test_an_odd_node_is_set_aside(ray, capsys):
    ray.kinds = iter(["cpu", "other", "cpu"])
    ray.script = {"a": [...] * 9, "b": [[Ended("b", "done")]]}
    with RayCluster() as launcher:
        launcher.submit(job("a"))
        assert launcher.slots == 2
        launcher.submit(job("b"))
        assert polled(launcher, 5) == [Ended("b", "done")]
        assert launcher.slots == 1
    assert "not used: a worker on 'other'; this run is on 'cpu'" in capsys.readouterr().err


def test_an_idle_node_that_may_be_lost_too_gets_no_job(ray):
    ray.script = {"a": [[DONE]], "b": [[Began("b")], [moved("b", 10)], LOST, [Ended("b", "done")]]}
    with RayCluster() as launcher:
        launcher.submit(job("a"))
        launcher.submit(job("b"))
        both = [placed.actor for placed in launcher.nodes]
        assert polled(launcher)[-1] == Ended("b", "done")
        assert {*both} == {*ray.ended}


def test_an_interruption_in_the_middle_of_ray_is_one(ray, monkeypatch):
    def wait(*_, **__):
        try:
            raise Interrupted  # by a signal handler, while native code runs
        except Interrupted as error:
            raise SystemError("returned a result with an exception set") from error

    with RayCluster() as launcher:
        launcher.submit(job("a"))
        monkeypatch.setattr(ray, "wait", wait)
        with pytest.raises(Interrupted):
            launcher.poll(0.0, Heard())
        monkeypatch.undo()


def test_nobody_at_the_address_is_said_at_once(tmp_path):
    pytest.importorskip("ray", reason="needs Ray: pip install 'memorax-bench[ray]'")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UsageProblems, match=r"no Ray cluster could be reached: .*refused"):
            make_launcher("ray", options={"address": address}, results=tmp_path)


def test_questions_are_shared_among_the_nodes_and_answered_in_order(ray):
    with RayCluster() as launcher:
        questions = [Question("programs", job(name), width) for width, name in enumerate("abcde", start=1)]
        assert launcher.ask(questions) == ["a 1", "b 2", "c 3", "d 4", "e 5"]
        assert len(launcher.nodes) == 2
        assert launcher.ask([*questions[:3], Question("programs", job("d"), 0)]) == ["a 1", None, "c 3", None]
        assert len(launcher.nodes) == 1


def test_slots_follow_the_cluster_unless_their_number_is_said(ray):
    with RayCluster() as launcher:
        assert launcher.slots == 2
        ray.cpus = 5
        polled(launcher, 1)
        assert launcher.slots == 5
    with RayCluster(workers=3) as launcher:
        assert launcher.slots == 3


def test_what_is_stopped_is_not_heard_of_again_and_its_node_is_free(ray):
    ray.script = {"a": [..., [DONE]], "b": [[Ended("b", "done")]]}
    with RayCluster() as launcher:
        launcher.submit(job("a"))
        polled(launcher, 1)
        launcher.stop("a")
        launcher.submit(job("b"))
        assert polled(launcher) == [Ended("b", "done")]
        assert len(launcher.nodes) == 1


# --- Slurm ---


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
