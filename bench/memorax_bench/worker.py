"""A worker process: `python -m memorax_bench.worker`. Does the jobs that come in on stdin, says events on stdout.

Both are pickles, one after the other. A worker ends when its stdin does, even in the middle of a job: whoever started
it is gone. What the code of a cell prints goes to stderr, which is kept for the case that the process dies.
"""

import os
import pickle
import queue
import signal
import sys
import threading
from dataclasses import dataclass
from typing import Any, BinaryIO

from memorax_bench.job import Event, Job


@dataclass(frozen=True)
class Setup:
    """The first message: where modules are found."""

    path: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """What does a job's cell compile to at this width?"""

    job: Job
    width: int


@dataclass(frozen=True)
class Answer:
    """The hash of the programs, or None."""

    program_hash: str | None


class Terminated(BaseException):
    """SIGTERM: claims are released on the way out."""


def main() -> None:
    """The process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    signal.signal(signal.SIGTERM, _terminate)
    say = _Voice(os.fdopen(os.dup(sys.stdout.fileno()), "wb"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    received: queue.SimpleQueue[Any] = queue.SimpleQueue()
    setup = pickle.load(sys.stdin.buffer)
    sys.path[:] = setup.path
    threading.Thread(target=_receive, args=(sys.stdin.buffer, received), daemon=True).start()
    try:
        _serve(received, say)
    except Terminated:
        os._exit(128 + signal.SIGTERM)  # not by way of threads that may wait for a device


def _serve(received: queue.SimpleQueue, say: "_Voice") -> None:
    from memorax_bench.device import use_compilation_cache
    from memorax_bench.work import Workbench

    use_compilation_cache()
    bench = Workbench()
    while True:
        message = received.get()
        if isinstance(message, Question):
            say(Answer(bench.program_hash(message.job, message.width)))
        else:
            bench.do(message, say)


def _receive(stream: BinaryIO, received: queue.SimpleQueue) -> None:
    try:
        while True:
            received.put(pickle.load(stream))
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
    from memorax_bench.worker import main as run  # so that classes are of the module, not of __main__

    run()
