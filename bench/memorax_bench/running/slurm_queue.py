"""Slurm's commands, through submitit: arrays of tasks go in, and it is seen which are still there.

Accounting may be absent, so what has become of a task is not asked of Slurm: it says so itself, in its diary, and only
that it is gone is read from the queue.
"""

import re
import shlex
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memorax_bench.records.durable import make_folder
from memorax_bench.running import node
from memorax_bench.running.job import Job
from memorax_bench.running.slurm_task import read_diary

ARRAY_LIMIT = 1000  # tasks of an array, where Slurm does not say
_SET_BY_US = ("array", "output", "error", "open_mode", "signal")
_CPUS = '[ -z "$SLURM_CPUS_PER_TASK" ] || export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"'  # srun takes one else
_TAIL = 20  # lines of what a lost task said last


@dataclass(eq=False)
class Task:
    """A task of an array; `jobs` are those that have not ended, `at` is the one that it has begun."""

    slurm_id: str
    diary: Path
    log: Path
    jobs: dict[str, Job]
    at: str | None = None
    offset: int = 0
    missed: int = 0  # times in a row that it was not in the queue

    def read(self) -> list[Any]:
        """What is new in its diary."""
        messages, self.offset = read_diary(self.diary, self.offset)
        return messages

    def said_last(self) -> tuple[str, ...]:
        """The end of its log."""
        try:
            return tuple(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:])
        except OSError:
            return ()


class Queue:
    """Submits to Slurm; `options` are sbatch's, `folder` is on a file system that the nodes share."""

    def __init__(self, folder: Path, options: Mapping[str, str]):
        self.submitit = _submitit(options)
        self.folder, self.options = folder.absolute(), dict(options)
        self.limit = _array_limit()

    def submit(
        self, function: Callable[..., None], calls: Sequence[tuple[Any, ...]], at_once: int, jobs: Iterable = ()
    ) -> list[Task]:
        """A task for each call of a function of `slurm_task`, which gets a diary as its last argument; `at_once` of
        them run at a time. `jobs` are those of each call. Raises UsageProblems with what Slurm objects to."""
        make_folder(self.folder)
        jobs = list(jobs) or [()] * len(calls)
        tasks = []
        arrays = -(-len(calls) // self.limit)
        for start in range(0, len(calls), self.limit):
            part = [(*call, self.folder / f"{uuid.uuid4().hex}.diary") for call in calls[start : start + self.limit]]
            executor = self._executor(max(1, at_once // arrays))
            try:
                submitted = executor.map_array(function, *zip(*part, strict=True))
            except self.submitit.core.utils.FailedJobError as error:
                words = " ".join(str(error).split())
                raise node.wrong_options("slurm", self.options, [f"sbatch: {words}"], "see: man sbatch") from error
            for one, call, its_jobs in zip(submitted, part, jobs[start:], strict=False):
                own = {job.id: job for job in its_jobs}
                tasks.append(Task(one.job_id, call[-1], Path(one.paths.stderr), own))
        return tasks

    def living(self) -> set[str] | None:
        """The ids of this user's tasks that wait or run; None where Slurm does not answer."""
        asked = subprocess.run(
            ["squeue", "--me", "--array", "--noheader", "--format=%i"], capture_output=True, text=True
        )
        return None if asked.returncode else set(asked.stdout.split())

    def cancel(self, tasks: Iterable[Task]) -> None:
        """Ends tasks: they get SIGTERM, and release their claims."""
        ids = [task.slurm_id for task in tasks]
        for start in range(0, len(ids), 500):
            subprocess.run(["scancel", *ids[start : start + 500]], capture_output=True)

    def _executor(self, at_once: int) -> Any:
        executor = self.submitit.SlurmExecutor(self.folder)
        found = shlex.quote(node.environment()["PYTHONPATH"])
        executor.update_parameters(
            job_name="memorax-bench",
            time=None,  # as the partition has it, where the options do not say
            array_parallelism=at_once,
            wckey=None,
            setup=[f"export PYTHONPATH={found}", _CPUS],
            additional_parameters=self.options,
        )
        return executor


def _submitit(options: Mapping[str, str]) -> Any:
    try:
        import submitit
        import submitit.core.utils
    except ImportError:
        raise node.not_installed("slurm", "submitit") from None
    wrong = [f"'{name}' is set by the launcher" for name in _SET_BY_US if name in options]
    missing = [name for name in ("sbatch", "squeue", "scancel", "srun") if shutil.which(name) is None]
    if missing:
        wrong.append(f"{', '.join(missing)}: no such command here; run this on a node from which jobs are submitted")
    if wrong:
        raise node.wrong_options("slurm", options, wrong)
    return submitit


def _array_limit() -> int:
    """How many tasks an array may have."""
    asked = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True)
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", asked.stdout)
    return max(1, int(found[1]) - 1) if found else ARRAY_LIMIT
