"""What a task of a Slurm array runs on its node: jobs, one after another, in a worker process beside it.

It tells what happens in a diary, a file on the shared file system: pickled messages, one after the other, written by
this task alone and read by the launcher that submitted it. As submitit's own files it is as safe as the folder it lies
in: who may write into a results folder of a running command may run code as its user.
"""

import contextlib
import os
import pickle
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from memorax_bench.running import node, platforms
from memorax_bench.running.job import Ended, Event, Job, Moved, Question
from memorax_bench.running.local import LocalWorkers
from memorax_bench.running.worker import Terminated

MOVED_EVERY = 2.0  # seconds: a diary on a network is not for more
LISTEN = 1.0
ENDS = (signal.SIGTERM, signal.SIGUSR2)  # cancelled; the time limit is near, or another user comes first


@dataclass(frozen=True)
class DeviceKind:
    """What the node's device is."""

    name: str


@dataclass(frozen=True)
class Answers:
    """To questions, in their order."""

    values: tuple[Any, ...]


def tell_device_kind(diary: Path) -> None:
    """Writes what the device of this node is."""
    with _writing(diary) as diary_file:
        _write(diary_file, DeviceKind(platforms.device_kind()))


def answer(questions: Sequence[Question], diary: Path) -> None:
    """Writes the answers."""
    with _writing(diary) as diary_file, _workers() as workers:
        _write(diary_file, Answers(tuple(workers.ask(questions))))


def work(jobs: Sequence[Job], planned: str, diary: Path) -> None:
    """Does what has not ended yet: a task that Slurm has put back into the queue goes on where it was."""
    over = {message.job_id for message in read_diary(diary, 0)[0] if isinstance(message, Ended)}
    left = [job for job in jobs if job.id not in over]
    kind = platforms.device_kind()
    with _writing(diary) as diary_file, _workers() as workers:
        tell = _Teller(diary_file)
        for job in left:
            if kind != planned:
                fix = "let Slurm give equal nodes: --launcher-options constraint=..., or partition=..."
                tell(node.other_device(job, kind, planned, fix))
                continue
            tell.ended = False
            workers.submit(job)
            while not tell.ended:
                workers.poll(LISTEN, tell)


def read_diary(diary: Path, offset: int) -> tuple[list[Any], int]:
    """The whole messages from an offset on, and where the next one begins."""
    messages = []
    with contextlib.suppress(FileNotFoundError), diary.open("rb") as file:  # opened anew: so NFS looks at the server
        file.seek(offset)
        with contextlib.suppress(EOFError, pickle.UnpicklingError):  # the rest of the last one is still to come
            while True:
                messages.append(pickle.load(file))
                offset = file.tell()
    return messages, offset


class _Teller:
    """Writes events; of those that only show progress, not all."""

    def __init__(self, diary_file: BinaryIO):
        self.diary_file, self.ended, self.moved = diary_file, False, 0.0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Moved):
            if time.monotonic() - self.moved < MOVED_EVERY:
                return
            self.moved = time.monotonic()
        self.ended = isinstance(event, Ended)
        _write(self.diary_file, event)


@contextlib.contextmanager
def _workers() -> Iterator[LocalWorkers]:
    """One worker, which releases its claims where Slurm ends this task."""
    for number in ENDS:  # in place of submitit's, which know nothing of claims
        signal.signal(number, _terminate)
    with LocalWorkers() as workers:
        yield workers


@contextlib.contextmanager
def _writing(diary: Path) -> Iterator[BinaryIO]:
    """A diary, opened at its end; a message that an earlier task of it did not finish is cut off."""
    end = read_diary(diary, 0)[1]
    with diary.open("ab") as diary_file:
        diary_file.truncate(end)
        yield diary_file


def _write(diary_file: BinaryIO, message: Any) -> None:
    diary_file.write(pickle.dumps(message))
    diary_file.flush()
    os.fsync(diary_file.fileno())


def _terminate(*_: object) -> None:
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)  # once is enough
    raise Terminated
