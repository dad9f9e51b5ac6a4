"""Work shared out among copies of this process, where there is much of it: reading records, drawing figures.

A copy has all that this process has, starts at once, and ends with its work. What it answers comes through a pipe that
nobody else has.
"""

import os
import pickle
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple


class _Copy(NamedTuple):
    number: int
    answer: int  # what a pipe is read by


def cores() -> int:
    """How many this process may use; 1 where processes cannot be copied."""
    if not hasattr(os, "fork"):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_out[T](calls: Sequence[Callable[[], T]], processes: int) -> list[T]:
    """What the calls return, in their order; they are made by so many processes, this one among them.

    What a call changes in a copy is lost, but for files. Raises RuntimeError where one failed in a copy, which has said
    why on standard error; a call that fails here raises what it raises, when the copies have ended.
    """
    copies = [_copy(calls[first::processes]) for first in range(1, min(processes, len(calls)))]
    try:
        answers = [[call() for call in calls[::processes]]]
    finally:
        found = [_answer(copy) for copy in copies]
    if None in found:
        raise RuntimeError(f"{found.count(None)} of {len(found) + 1} processes failed; why is said above")
    answers += [pickle.loads(data) for data in found]
    return [answers[i % len(answers)][i // len(answers)] for i in range(len(calls))]


def _copy(calls: Sequence[Callable]) -> _Copy:
    """A copy of this process that makes these calls, and answers."""
    sys.stdout.flush(), sys.stderr.flush()  # or what waits there is written twice
    here, there = os.pipe()
    number = os.fork()
    if number:
        os.close(there)
        return _Copy(number, here)
    status = 1
    try:
        data = pickle.dumps([call() for call in calls], pickle.HIGHEST_PROTOCOL)
        with os.fdopen(there, "wb") as pipe:
            pipe.write(data)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _answer(copy: _Copy) -> bytes | None:
    """What it answered; None where it failed."""
    with os.fdopen(copy.answer, "rb") as pipe:
        data = pipe.read()
    return None if os.waitpid(copy.number, 0)[1] else data
