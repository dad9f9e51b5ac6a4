"""Work that ends in files, shared out among processes: figures are drawn by one core each."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence


def cores() -> int:
    """How many this process may use; 1 where processes cannot be copied."""
    if not hasattr(os, "fork"):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share_out(calls: Sequence[Callable[[], object]], processes: int) -> None:
    """Makes every call, each in one of so many copies of this process, or in this one alone.

    What calls return is lost, and what they change but files. Raises RuntimeError where one failed in a copy, which has
    said why on standard error; a call that fails here raises what it raises, when the others have ended.
    """
    copies = [_copy(calls[first::processes]) for first in range(1, min(processes, len(calls)))]
    try:
        for call in calls[::processes]:
            call()
    finally:
        failed = [copy for copy in copies if os.waitpid(copy, 0)[1]]
    if failed:
        raise RuntimeError(f"{len(failed)} of {processes} processes that draw figures failed; why is said above")


def _copy(calls: Sequence[Callable[[], object]]) -> int:
    """The id of a copy of this process that makes these calls, and ends."""
    sys.stdout.flush(), sys.stderr.flush()  # or what waits there is written twice
    copy = os.fork()
    if copy:
        return copy
    status = 1
    try:
        for call in calls:
            call()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
