"""The actor that does jobs on a node of a Ray cluster: it holds the device, and a worker process that uses it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memorax_bench.running import platforms
from memorax_bench.running.job import Event, Job, Question
from memorax_bench.running.local import LocalWorkers


@dataclass(frozen=True)
class Refused:
    """A job did not begin: the node's device is of another kind than was planned for."""

    device_kind: str


class Node:
    """One job at a time. Nothing is said unasked: whoever submitted the job listens again and again."""

    def __init__(self, path: Sequence[str]):
        sys.path[:] = path
        self.kind: str | None = None
        self.workers = LocalWorkers()

    def device_kind(self) -> str:
        """What jax calls the device."""
        if self.kind is None:
            self.kind = platforms.device_kind()
        return self.kind

    def begin(self, job: Job, device_kind: str) -> list[Refused]:
        """Starts a job, or refuses it."""
        if self.device_kind() != device_kind:
            return [Refused(self.device_kind())]
        self.workers.submit(job)
        return []

    def listen(self, seconds: float) -> list[Event]:
        """What has happened since; waits at most that long where nothing has."""
        heard: list[Event] = []
        self.workers.poll(seconds, heard.append)
        return heard

    def stop(self, job_id: str) -> None:
        """Ends the job's process and frees what it held."""
        self.workers.stop(job_id)

    def ask(self, questions: Sequence[Question]) -> list[Any]:
        """As the launcher's."""
        return self.workers.ask(questions)

    def close(self) -> None:
        """Ends the worker process; its claim is released."""
        self.workers.close()
