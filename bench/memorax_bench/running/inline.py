"""Jobs done in this process, one at a time: for debuggers, and for tests that need no isolation."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from memorax_bench.cell.device import use_compilation_cache
from memorax_bench.running.job import Event, Job, Question
from memorax_bench.running.launcher import Launcher
from memorax_bench.running.work import Workbench


class Inline(Launcher):
    """A crash or a hang of a cell is one of the whole run; nothing can be stopped."""

    slots = 1
    in_this_process = True

    def __init__(self):
        use_compilation_cache()
        self.bench, self.todo = Workbench(), []

    def submit(self, job: Job) -> None:
        self.todo.append(job)

    def poll(self, seconds: float, hear: Callable[[Event], None]) -> None:
        """Does what was submitted."""
        if not self.todo:
            time.sleep(seconds)
        while self.todo:
            self.bench.do(self.todo.pop(), hear)

    def prepare(self, job: Job) -> None:
        """Does nothing: there is no other process to do it meanwhile."""

    def stop(self, job_id: str) -> None:
        """Does nothing: by the time that this could be called, the job is over."""

    def ask(self, questions: Sequence[Question]) -> list[Any]:
        return [self.bench.answer(question) for question in questions]

    def close(self) -> None:
        """Nothing is open."""
