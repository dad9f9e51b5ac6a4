"""Jobs on a Ray cluster: an actor for each GPU, or for each CPU where there are none.

Ray places the actors and tells when one is lost with its node; its job is then submitted again, goes on from its
checkpoint on another node, and the engine never learns of it. The nodes share the results folder and the installation.
"""

import contextlib
import logging
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memorax_bench.errors import did_you_mean
from memorax_bench.running import node
from memorax_bench.running.job import Ended, Event, Job, Question, failed
from memorax_bench.running.launcher import Launcher
from memorax_bench.running.ray_node import Node, Refused

OPTIONS = {
    "address": "of a running cluster, or `local` for one on this machine. Default: RAY_ADDRESS, a running one, local",
    "accelerator": "only such GPUs, as Ray calls them: H100, A100, ...",
}
LISTEN = 1.0  # seconds that a node waits for something to tell
PAUSE = 3.0  # seconds before the job of a lost node is submitted again: Ray does not know at once that it is lost
LOOK_AGAIN = 5.0  # seconds between two looks at how large the cluster is
PATIENCE = 10.0  # seconds after which it is said what is waited for, and in which nodes are to end what they do


class RayCluster(Launcher):
    """`workers` is how many jobs are under way at a time; None: one a GPU, also of nodes that join later."""

    def __init__(self, options: Mapping[str, str] | None = None, workers: int | None = None):
        self.options, self.workers = dict(options or {}), workers
        _check(self.options)
        self.ray, self.started = _connect(self.options)
        self.nodes: list[_Placed] = []
        self.again = node.Resubmissions()
        self.waiting: list[tuple[float, Job]] = []  # when to submit them again
        self.size, self.looked = 0, 0.0
        self._measure()
        try:
            self.device_kind = self._ask_first()
        except BaseException:
            self.close()
            raise

    @property
    def slots(self) -> int:
        """How many jobs the cluster has room for now; 0 where all of its nodes are lost, until others join."""
        other = sum(placed.other_kind for placed in self.nodes)
        return self.workers or max(0, self.size - other)

    def submit(self, job: Job) -> None:
        idle = [placed for placed in self.nodes if placed.job is None and not placed.other_kind]
        placed = idle[0] if idle else self._place()
        placed.job = job
        placed.heard = placed.actor.begin.remote(job, self.device_kind)

    @property
    def devices(self) -> int:
        """The same: all of them are known."""
        return max(1, self.slots)

    def prepare(self, job: Job) -> None:
        """Does nothing: the worker that a job comes to is not known before."""

    def poll(self, seconds: float, hear: Callable[[Event], None]) -> None:
        self._measure()
        due = [(when, job) for when, job in self.waiting if when <= time.monotonic()]
        for entry in due:
            self.waiting.remove(entry)
            self.submit(entry[1])
        busy = {placed.heard: placed for placed in self.nodes if placed.job is not None}
        if not busy:
            time.sleep(seconds)
            return
        with _interruptible():
            self.ray.wait(list(busy), num_returns=1, timeout=seconds)
            ready, _ = self.ray.wait(list(busy), num_returns=len(busy), timeout=0)
            for reference in ready:
                self._take(busy[reference], reference, hear)

    def stop(self, job_id: str) -> None:
        self.waiting = [(when, job) for when, job in self.waiting if job.id != job_id]
        for placed in [placed for placed in self.nodes if placed.job is not None and placed.job.id == job_id]:
            placed.job = None
            try:
                self.ray.get(placed.actor.stop.remote(job_id), timeout=PATIENCE)
            except self.ray.exceptions.RayError:  # lost, or not even placed yet
                self._forget(placed)

    def ask(self, questions: Sequence[Question]) -> list[Any]:
        answers: list[Any] = [None] * len(questions)
        number = max(1, min(self.slots, len(questions)))
        while len(self.nodes) < number:
            self._place()
        asked = {
            placed: placed.actor.ask.remote(questions[first::number])
            for first, placed in enumerate(self.nodes[:number])
            if questions[first::number]
        }
        for first, (placed, reference) in enumerate(asked.items()):
            try:
                with _interruptible():
                    answers[first::number] = self.ray.get(reference)
            except self.ray.exceptions.RayError:  # then these are not answered, and their cells run again
                self._forget(placed)
        return answers

    def close(self) -> None:
        """Gives the cluster its resources back; one that was started here ends."""
        ending = [placed.actor.close.remote() for placed in self.nodes if placed.job is not None]
        if ending:
            self.ray.wait(ending, num_returns=len(ending), timeout=PATIENCE)
        for placed in list(self.nodes):
            self._forget(placed)
        if self.started:
            self.ray.shutdown()

    def _ask_first(self) -> str:
        """The device of the first node, which all others are to have."""
        asked = self._place().actor.device_kind.remote()
        try:
            with _interruptible():
                if not self.ray.wait([asked], timeout=PATIENCE)[0]:
                    print("waiting for the Ray cluster to have room for a worker ...", file=sys.stderr)
                return self.ray.get(asked)
        except self.ray.exceptions.RayError as error:
            fix = "its nodes need the same installation and results folder at the same paths as here: docs/scale.md"
            message = f"no worker could be started on the cluster: {_words(error)}"
            raise node.wrong_options("ray", self.options, [message], fix) from error

    def _place(self) -> "_Placed":
        """A new actor; Ray starts it once there is room."""
        resources: dict[str, Any] = {"num_cpus": 1, "num_gpus": 1 if self.gpus else 0}
        if "accelerator" in self.options:
            resources["accelerator_type"] = self.options["accelerator"]
        make = self.ray.remote(Node).options(
            **resources, scheduling_strategy="SPREAD", runtime_env={"env_vars": node.environment()}
        )
        self.nodes.append(_Placed(make.remote(tuple(sys.path))))
        return self.nodes[-1]

    def _take(self, placed: "_Placed", reference: Any, hear: Callable[[Event], None]) -> None:
        """What a node has to tell, or that it is lost."""
        job = placed.job
        try:
            events = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            self._forget(placed)
            for other in [other for other in self.nodes if other.job is None]:
                self._forget(other)  # it may be lost as well, and would cost a job a try
            self._lost(job, error, hear)
            return
        for event in events:
            if isinstance(event, Refused):
                self._set_aside(placed, event)
                return
            if isinstance(event, Ended):
                placed.job = None
            if self.again.follow(event):
                hear(event)
        placed.heard = None if placed.job is None else placed.actor.listen.remote(LISTEN)

    def _lost(self, job: Job, error: Exception, hear: Callable[[Event], None]) -> None:
        name = " ".join(job.action.cell.labels)
        if self.again.give_up(job.id):
            times = node.Resubmissions.LIMIT
            message = f"its node or process was lost {times} times before it got further; last: {_words(error)}"
            ended = failed(job.id, "crash", message, tuple(str(error).splitlines()[-20:]))
            self.again.follow(ended)
            hear(ended)
            return
        print(f"\nlost the node or the process of {name}; it is submitted again", file=sys.stderr)
        self.waiting.append((time.monotonic() + PAUSE, job))

    def _set_aside(self, placed: "_Placed", refused: Refused) -> None:
        """It keeps its device, or Ray would offer the same one again."""
        print(f"\nnot used: a worker on '{refused.device_kind}'; this run is on '{self.device_kind}'", file=sys.stderr)
        placed.other_kind = True
        job, placed.job = placed.job, None
        self.submit(job)

    def _forget(self, placed: "_Placed") -> None:
        self.nodes.remove(placed)
        with contextlib.suppress(Exception):  # it is dead already, or its cluster is
            self.ray.kill(placed.actor)

    def _measure(self) -> None:
        if self.looked and time.monotonic() - self.looked < LOOK_AGAIN:
            return
        self.looked = time.monotonic()
        there = self.ray.cluster_resources()
        self.gpus = "GPU" in there or "accelerator" in self.options
        self.size = int(there.get("GPU" if self.gpus else "CPU", 0))


@dataclass(eq=False)
class _Placed:
    """An actor, and what it does."""

    actor: Any
    job: Job | None = None
    heard: Any = None  # the reference to what it tells next
    other_kind: bool = False


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """What a signal handler raises inside Ray's native code comes out as itself, not as a SystemError."""
    try:
        yield
    except SystemError as error:
        raise (error.__cause__ or error.__context__ or error) from None


def _connect(options: Mapping[str, str]) -> tuple[Any, bool]:
    """The package, connected; and whether that is to be undone in the end."""
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise node.not_installed("ray", "Ray") from None
    if ray.is_initialized():
        return ray, False
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # of a cluster on this machine: nothing is sent anywhere
    ends = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        _knock(options.get("address") or os.environ.get("RAY_ADDRESS", ""))
        ray.init(address=options.get("address"), log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        message = f"no Ray cluster could be reached: {_words(error)}"
        raise node.wrong_options("ray", options, [message], "started with: ray start --head") from error
    finally:
        for number, handler in ends.items():  # Ray installs its own, which know nothing of claims
            signal.signal(number, handler)
    return ray, True


def _knock(address: str) -> None:
    """Raises OSError where nobody listens at host:port; Ray would wait for minutes."""
    found = re.fullmatch(r"([^/:]+):(\d+)", address)
    if found:
        socket.create_connection((found[1], int(found[2])), timeout=PATIENCE).close()


def _check(options: Mapping[str, str]) -> None:
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        allowed = ", ".join(OPTIONS)
        problems = [f"no option '{name}'; allowed: {allowed}" for name in unknown]
        raise node.wrong_options("ray", options, problems, did_you_mean(unknown[0], OPTIONS))


def _words(error: Exception) -> str:
    """The first line of an error that says something."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
