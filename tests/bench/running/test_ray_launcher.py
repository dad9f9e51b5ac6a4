"""The launcher of Ray against a cluster that is made up: nodes are lost, odd, or slow. A real one: test_ray.py."""

import itertools
import socket
from types import SimpleNamespace

import pytest

from fixtures.jobs import DONE, Heard, answer_to, job, moved, polled
from memorax_bench.cli import Interrupted
from memorax_bench.errors import UsageProblems
from memorax_bench.running import ray_launcher
from memorax_bench.running.job import Began, Ended, Question
from memorax_bench.running.launchers import make_launcher
from memorax_bench.running.ray_launcher import RayCluster
from memorax_bench.running.ray_node import Refused


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
