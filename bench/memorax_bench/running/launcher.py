"""Where jobs are done: in worker processes of this machine, in this process, on a cluster. No jax."""

import abc
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, final

from memorax_bench.running.job import Event, Job, Question


class Launcher(abc.ABC):
    """Does jobs, `slots` of them at a time, and tells what becomes of each.

    A job that was submitted ends with exactly one `Ended`, also where the process that did it has died; unless it was
    stopped, then with none.
    """

    slots: int
    devices: int = 1  # that are known to be there: with fewer jobs, seeds are spread over them
    in_this_process: bool = False  # are jobs done here
    device_kind: str | None = None  # of the devices that jobs are done on, where it is not that of this machine

    @abc.abstractmethod
    def submit(self, job: Job) -> None:
        """Starts a job; to be called while fewer than `slots` are under way."""

    @abc.abstractmethod
    def prepare(self, job: Job) -> None:
        """Gets ready for a job that is likely to be submitted next. May do nothing."""

    @abc.abstractmethod
    def poll(self, seconds: float, hear: Callable[[Event], None]) -> None:
        """Tells `hear` what has happened; waits at most that long where nothing has."""

    @abc.abstractmethod
    def stop(self, job_id: str) -> None:
        """Ends a job at once; what it held is free for others."""

    @abc.abstractmethod
    def ask(self, questions: Sequence[Question]) -> list[Any]:
        """The answers, in order. To be called while no job is under way."""

    @abc.abstractmethod
    def close(self) -> None:
        """Ends everything; claims are released."""

    @final
    def __enter__(self) -> Self:
        return self

    @final
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
