"""Jobs as arrays in a Slurm queue. The engine hands over all of them at once: when each runs is Slurm's to say.

A task of an array does several jobs, so that imports and compiled programs are paid for once. Where a task ends before
its jobs do (its time is up, its node is lost), they are submitted again and go on from their checkpoints.
"""

import contextlib
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from memorax_bench.records.store import Store
from memorax_bench.running import node, slurm_task
from memorax_bench.running.job import Began, Ended, Event, Job, Question, failed
from memorax_bench.running.launcher import Launcher
from memorax_bench.running.slurm_queue import Queue, Task

AT_ONCE = 256  # tasks that run at a time, where `workers` does not say
ROUNDS = 4  # tasks for each of those, so that one with slow cells does not keep all waiting
READ_AGAIN = 2.0  # seconds between two looks into the diaries
ASK_AGAIN = 10.0  # seconds between two looks at the queue
MISSED = 2  # looks in a row without a task that mean it is gone: what it wrote last has then arrived
OWN = {
    "device": "what jax calls the nodes' device; saves a short job that asks",
    "jobs": "how many cells' chunks a task does, one after another",
}


class SlurmArrays(Launcher):
    """`options` are `OWN` and any long option of sbatch; `workers` is how many tasks run at a time.

    Where this process is killed, its tasks go on and publish; run again, what they hold is waited for.
    """

    slots = 1_000_000

    def __init__(self, results: Path, options: Mapping[str, str] | None = None, workers: int | None = None):
        given = dict(options or {})
        self.own = {name: given.pop(name) for name in OWN if name in given}
        self.at_once = workers or AT_ONCE
        if not self.own.get("jobs", "1").isdecimal() or self.own.get("jobs") == "0":
            raise node.wrong_options("slurm", self.own, ["jobs is a number from 1 up"])
        self.folder = Store(results).work / "slurm" / uuid.uuid4().hex[:8]
        self.queue = Queue(self.folder, given)
        self.again = node.Resubmissions()
        self.waiting: list[Job] = []
        self.tasks: list[Task] = []
        self.read = self.asked = 0.0
        try:
            self.device_kind = self.own.get("device") or self._ask_device_kind()
        except BaseException:
            self.close()
            raise

    def submit(self, job: Job) -> None:
        self.waiting.append(job)

    def prepare(self, job: Job) -> None:
        """Does nothing: a task has its jobs from the beginning."""

    def poll(self, seconds: float, hear: Callable[[Event], None]) -> None:
        self._submit_waiting()
        if (left := self.read + READ_AGAIN - time.monotonic()) > 0:
            time.sleep(min(left, seconds))
            return
        self.read = time.monotonic()
        written = {diary.name for diary in self.folder.glob("*.diary")}  # one look, however many tasks still wait
        for task in [task for task in self.tasks if task.diary.name in written]:
            self._read(task, hear)
        for task in self._gone():
            self._lost(task, hear)

    def stop(self, job_id: str) -> None:
        self.waiting = [job for job in self.waiting if job.id != job_id]
        for task in [task for task in self.tasks if job_id in task.jobs]:
            self.queue.cancel([task])
            self.tasks.remove(task)
            self.waiting += [job for job in task.jobs.values() if job.id != job_id]

    def ask(self, questions: Sequence[Question]) -> list[Any]:
        each = self._share(len(questions))
        parts = [questions[start : start + each] for start in range(0, len(questions), each)]
        tasks = self.queue.submit(slurm_task.answer, [(part,) for part in parts], self.at_once)
        self.tasks += tasks
        answers: list[Any] = []
        for task, part in zip(tasks, parts, strict=True):
            told = self._wait_for(task)
            answers += told.values if told is not None else [None] * len(part)
        return answers

    def close(self) -> None:
        """Cancels what is still queued or running; the logs stay where that was something."""
        if self.tasks:
            self.queue.cancel(self.tasks)
        elif not self.again.given_up:
            shutil.rmtree(self.folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # other runs have theirs in it, or there is none
                self.folder.parent.rmdir()

    def _submit_waiting(self) -> None:
        if self.waiting:
            each = self._share(len(self.waiting))
            parts = [self.waiting[start : start + each] for start in range(0, len(self.waiting), each)]
            calls = [(tuple(part), self.device_kind) for part in parts]
            self.tasks += self.queue.submit(slurm_task.work, calls, self.at_once, parts)
            self.waiting = []

    def _share(self, number: int) -> int:
        """Jobs a task."""
        tasks = min(ROUNDS * self.at_once, self.queue.limit)
        return int(self.own.get("jobs", 0)) or max(1, -(-number // tasks))

    def _read(self, task: Task, hear: Callable[[Event], None]) -> None:
        for event in task.read():
            if event.job_id not in task.jobs:
                continue
            if isinstance(event, Began):
                task.at = event.job_id
            if isinstance(event, Ended):
                del task.jobs[event.job_id]
                task.at = None
            if self.again.follow(event):
                hear(event)
        if not task.jobs:
            self.tasks.remove(task)

    def _gone(self) -> list[Task]:
        """The tasks that left the queue with jobs that have not ended."""
        if not self.tasks or time.monotonic() - self.asked < ASK_AGAIN:
            return []
        self.asked = time.monotonic()
        living = self.queue.living()
        if living is None:
            return []
        for task in self.tasks:
            task.missed = 0 if task.slurm_id in living else task.missed + 1
        return [task for task in self.tasks if task.missed >= MISSED]

    def _lost(self, task: Task, hear: Callable[[Event], None]) -> None:
        """What it was at counts as lost, all of its jobs where it began none; the others had no chance."""
        self.tasks.remove(task)
        for job in task.jobs.values():
            if task.at in (None, job.id) and self.again.give_up(job.id):
                message = f"its Slurm task ended {self.again.LIMIT} times before it got further; last log: {task.log}"
                ended = failed(job.id, "lost", message, task.said_last())
                self.again.follow(ended)
                hear(ended)
            else:
                self.waiting.append(job)
        if self.waiting:
            cells = f"{len(self.waiting)} cell{'' if len(self.waiting) == 1 else 's'}"
            print(f"\nSlurm task {task.slurm_id} ended early; {cells} submitted again", file=sys.stderr)

    def _ask_device_kind(self) -> str:
        print("asking a node for its device (--launcher-options device=... saves this job) ...", file=sys.stderr)
        (task,) = self.queue.submit(slurm_task.tell_device_kind, [()], 1)
        self.tasks.append(task)
        told = self._wait_for(task)
        if told is None:
            message = "\n  ".join(["the job that asks for the device gave no answer; its log ends:", *task.said_last()])
            fix = "its nodes need the same installation and results folder at the same paths as here: docs/scale.md"
            raise node.wrong_options("slurm", self.queue.options, [message], fix)
        return told.name

    def _wait_for(self, task: Task):
        """The one message of a task; None where it ends without."""
        while True:
            told = task.read()
            if told:
                self.tasks.remove(task)
                return told[0]
            if task in self._gone():
                self.tasks.remove(task)
                return None
            time.sleep(READ_AGAIN / 4)
