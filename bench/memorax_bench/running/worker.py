"""A worker process, `python -m memorax_bench.running.worker`: does jobs that come in on stdin, says events on stdout.

Both are pickles, one after the other, over pipes that only this process and the one that started it have. A worker ends
when its stdin does, even in the middle of a job: whoever started it is gone. What the code of a cell prints goes to
stderr, which is kept for the case that the process dies.
"""

import os
import pickle
import queue
import signal
import sys
import threading
from dataclasses import dataclass
from typing import Any, BinaryIO

from memorax_bench.running.job import Event, Job, Question


@dataclass(frozen=True)
class Setup:
    """The first message: where modules are found, and the cores to keep to, empty for all."""

    path: tuple[str, ...]
    cores: tuple[int, ...] = ()


@dataclass(frozen=True)
class Prepare:
    """This job is likely to come next: compile its cell while the present one runs."""

    job: Job


@dataclass(frozen=True)
class Answer:
    """To a `Question`."""

    value: Any


class Terminated(BaseException):
    """SIGTERM: claims are released on the way out."""


def main() -> None:
    """The process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    signal.signal(signal.SIGTERM, _terminate)
    say = _Voice(os.fdopen(os.dup(sys.stdout.fileno()), "wb"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    inbox = _Inbox()
    setup = pickle.load(sys.stdin.buffer)
    sys.path[:] = setup.path
    if setup.cores:  # before jax asks how many threads to make
        os.sched_setaffinity(0, setup.cores)
    threading.Thread(target=inbox.fill, args=(sys.stdin.buffer,), daemon=True).start()
    try:
        _serve(inbox, say)
    except Terminated:
        os._exit(128 + signal.SIGTERM)  # not by way of threads that may wait for a device


def _serve(inbox: "_Inbox", say: "_Voice") -> None:
    from memorax_bench.cell.device import use_compilation_cache
    from memorax_bench.running.work import Workbench

    use_compilation_cache()
    bench = inbox.bench = Workbench()
    while True:
        message = inbox.messages.get()
        if isinstance(message, Question):
            say(Answer(bench.answer(message)))
        else:
            bench.do(message, say)


class _Inbox:
    """What comes in, for the main thread; what is to be prepared goes past it."""

    def __init__(self):
        self.messages: queue.SimpleQueue[Job | Question] = queue.SimpleQueue()
        self.bench: Any = None

    def fill(self, stream: BinaryIO) -> None:
        try:
            while True:
                message = pickle.load(stream)
                if not isinstance(message, Prepare):
                    self.messages.put(message)
                elif self.bench is not None:
                    self.bench.prepare(message.job)
        except BaseException:
            os._exit(0)  # nobody is there to hear the rest


def _terminate(*_: object) -> None:
    raise Terminated


@dataclass(frozen=True)
class _Voice:
    """Writes events."""

    stream: BinaryIO

    def __call__(self, message: Event | Answer) -> None:
        pickle.dump(message, self.stream)
        self.stream.flush()


if __name__ == "__main__":
    from memorax_bench.running.worker import main as run  # so that classes are of the module, not of __main__

    run()
