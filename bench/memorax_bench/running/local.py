"""Worker processes of this machine, one a device: a crash, a hang, a lack of memory costs the cell and no other.

A worker lives on from job to job, so that imports, compiled programs and the device are made ready once.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from memorax_bench.records import claims
from memorax_bench.records.store import Store
from memorax_bench.running.job import OUT_OF_MEMORY, Ended, Event, Job, Question, failed
from memorax_bench.running.launcher import Launcher
from memorax_bench.running.worker import Answer, Prepare, Setup

GRACE = 2.0  # seconds that a worker has to release its claims before it is killed
_TAIL = 20  # lines of what a dead worker said last


class LocalWorkers(Launcher):
    """One worker for each of `environments`, the variables that show it its device. The first starts at once, the
    others when they are needed. `cores` are those of each worker; without, all share all.

    `compile_ahead`: a busy worker compiles the next cell. For accelerators: on a CPU it would take the cores whose
    speed is being measured.
    """

    def __init__(
        self,
        environments: Sequence[Mapping[str, str]] = ({},),
        compile_ahead: bool = False,
        cores: Sequence[tuple[int, ...]] = (),
    ):
        self.compile_ahead = compile_ahead
        self.cores = cores or [()] * len(environments)
        self.slots = self.devices = len(environments)
        self.environments = environments
        self.workers: list[_Worker | None] = [None] * self.slots
        self.heard: queue.SimpleQueue[tuple[_Worker, Any]] = queue.SimpleQueue()
        self._worker(0)  # it imports while other things are done here

    def submit(self, job: Job) -> None:
        free = [slot for slot, worker in enumerate(self.workers) if worker is None or worker.job is None]
        ready = [slot for slot in free if self.workers[slot] and job.id in self.workers[slot].prepared]
        worker = self._worker((ready or free)[0])
        worker.job = job
        worker.send(job)

    def prepare(self, job: Job) -> None:
        if self.compile_ahead:
            busy = [worker for worker in self.workers if worker is not None and worker.job is not None]
            worker = min(busy, key=lambda worker: len(worker.prepared))
            worker.prepared.add(job.id)
            worker.send(Prepare(job))

    def poll(self, seconds: float, hear: Callable[[Event], None]) -> None:
        while True:
            try:
                worker, message = self.heard.get(timeout=seconds)
            except queue.Empty:
                return
            seconds = 0  # what else is there already
            if message is None:
                self._lost(worker, hear)
            elif worker.job is not None:
                if isinstance(message, Ended):
                    worker.job = None
                hear(message)

    def stop(self, job_id: str) -> None:
        for worker in self.workers:
            if worker is not None and worker.job is not None and worker.job.id == job_id:
                self._end(worker)

    def ask(self, questions: Sequence[Question]) -> list[Any]:
        answers: list[Any] = [None] * len(questions)
        todo, asked = list(enumerate(questions)), {}
        while todo or asked:
            for slot in range(self.slots):
                worker = self._worker(slot) if todo else None
                if worker is not None and worker not in asked:
                    asked[worker], question = todo.pop(0)
                    worker.send(question)
            worker, message = self.heard.get()
            number = asked.pop(worker, None)
            if isinstance(message, Answer) and number is not None:
                answers[number] = message.value
            elif message is None:  # it died over the question, which is then not answered
                self._lost(worker, lambda event: None)
        return answers

    def close(self) -> None:
        living = [worker for worker in self.workers if worker is not None]
        for worker in living:
            worker.process.send_signal(signal.SIGTERM)
        until = time.monotonic() + GRACE
        for worker in living:
            self._end(worker, max(0.0, until - time.monotonic()))

    def _worker(self, slot: int) -> "_Worker":
        if self.workers[slot] is None:
            self.workers[slot] = _start(self.environments[slot], self.cores[slot], self.heard)
        return self.workers[slot]

    def _end(self, worker: "_Worker", grace: float = GRACE) -> None:
        """Kills it if it does not end by itself, and frees what it held."""
        worker.process.send_signal(signal.SIGTERM)
        try:
            worker.process.wait(grace)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        self._forget(worker)

    def _lost(self, worker: "_Worker", hear: Callable[[Event], None]) -> None:
        """A worker has died by itself."""
        if worker in self.workers:
            code, job = worker.process.wait(), worker.job
            self._forget(worker)
            if job is not None:
                hear(failed(job.id, *_cause(code), worker.said_last()))

    def _forget(self, worker: "_Worker") -> None:
        self.workers[self.workers.index(worker)] = None
        if worker.job is not None:
            claims.release_for(Store(worker.job.results).work_dir(worker.job.id), worker.process.pid)
        with contextlib.suppress(OSError):
            worker.process.stdin.close()


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen
    log: Any
    job: Job | None = None
    prepared: set[str] = field(default_factory=set)
    reader: threading.Thread = field(default=None)

    def send(self, message: Any) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has just died: the reader says so
            pickle.dump(message, self.process.stdin)
            self.process.stdin.flush()

    def said_last(self) -> tuple[str, ...]:
        """The end of its stderr."""
        self.log.seek(0, os.SEEK_END)
        self.log.seek(max(0, self.log.tell() - 8192))
        return tuple(self.log.read().decode(errors="replace").splitlines()[-_TAIL:])


def _start(environment: Mapping[str, str], cores: tuple[int, ...], heard: queue.SimpleQueue) -> _Worker:
    log = tempfile.TemporaryFile()  # noqa: SIM115  (it is read when the process has died)
    process = subprocess.Popen(
        [sys.executable, "-m", "memorax_bench.running.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        start_new_session=True,  # Ctrl-C reaches this process only, which ends the workers in order
    )
    worker = _Worker(process, log)
    worker.send(Setup(tuple(sys.path), cores))
    worker.reader = threading.Thread(target=_listen, args=(worker, heard), daemon=True)
    worker.reader.start()
    return worker


def _listen(worker: _Worker, heard: queue.SimpleQueue) -> None:
    try:
        while True:
            heard.put((worker, pickle.load(worker.process.stdout)))  # of our own child, over a pipe of ours
    except (EOFError, pickle.UnpicklingError, OSError, ValueError):
        heard.put((worker, None))


def _cause(code: int) -> tuple[str, str]:
    """The kind and the words of a worker's death."""
    if code == -signal.SIGKILL:
        return OUT_OF_MEMORY, "the worker process was killed, as systems do when memory runs out"
    if code < 0:
        name = signal.Signals(-code).name
        return "crash", f"the worker process crashed: {name}"
    return "crash", f"the worker process ended by itself with exit code {code}"
