"""A job is one chunk of seeds of one cell: all that a process anywhere needs to run it. No jax.

Whoever does a job (`work.do`) says what happens by events. Both are plain data, which goes through pipes and queues.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from memorax_bench.cell.progress import Progress
from memorax_bench.records.store import RECORD, cell_path_parts
from memorax_bench.running.plan import Action, Plan, PlannedRun
from memorax_bench.suite.load import ResolvedSuite

OUT_OF_MEMORY = "out of memory"  # the kind of such a failure


@dataclass(frozen=True)
class Job:
    """`suite` comes without its cells and `action` without the records to adopt: they are not needed, and large."""

    suite: ResolvedSuite
    action: Action
    run: PlannedRun
    results: Path
    argv: tuple[str, ...]
    checkpoint_every: float  # seconds; 0: at every evaluation

    @property
    def id(self) -> str:
        """The run_id of the record to be."""
        return self.run.run_id

    @property
    def path(self) -> Path:
        """The file of the record to be."""
        return self.results.joinpath(*cell_path_parts(self.suite.label, self.action.cell), self.id, RECORD)


@dataclass(frozen=True)
class Question:
    """About the cell of a job at a width: the hash of its `programs`, the `seconds` that a short piece of its training
    takes, or its `account`: both that hash and the costs that follow from the programs. The answer is None where that
    cannot be found out."""

    what: Literal["programs", "seconds", "account"]
    job: Job
    width: int


@dataclass(frozen=True)
class Summary:
    """Of a record that was published, what the screen says."""

    final: tuple[float | None, ...]
    compile_seconds: float
    cached: bool
    steps_per_s: float
    diverged: Mapping[int, int]  # seed -> environment step at which it was first seen not finite
    resumed_at: int = 0  # environment step of the checkpoint it went on from


@dataclass(frozen=True)
class Began:
    """A job is under way."""

    job_id: str


@dataclass(frozen=True)
class Moved:
    """An evaluation of a job is done."""

    job_id: str
    progress: Progress


@dataclass(frozen=True)
class Ended:
    """A job is over: `done`, `failed`, `elsewhere` (another process has published it), `held` (another process is at
    it) or `no room` (nothing can be written; `message` says why).

    `kind` of a failure is a word or two; `tail` the end of its traceback, or of what its process said last.
    """

    job_id: str
    how: str
    summary: Summary | None = None
    kind: str = ""
    message: str = ""
    tail: tuple[str, ...] = ()
    kept: bool = False  # the failure is on disk already


Event = Began | Moved | Ended


def make_jobs(plan: Plan, results: Path, argv: tuple[str, ...], checkpoint_every: float = 60.0) -> list[Job]:
    """A job for every run of a plan; cells that share a compiled program follow one another."""
    order: dict[str, int] = {}
    for action in plan.to_do:
        order.setdefault(action.compile_group, len(order))
    actions = sorted(plan.to_do, key=lambda action: order[action.compile_group])
    return [job for action in actions for job in jobs_of(plan.suite, action, results, argv, checkpoint_every)]


def jobs_of(
    suite: ResolvedSuite, action: Action, results: Path, argv: tuple[str, ...], checkpoint_every: float = 60.0
) -> list[Job]:
    """The jobs of one action."""
    lean = dataclasses.replace(suite, cells=(), not_applicable=(), origins={})
    own = dataclasses.replace(action, adoptable=())
    return [Job(lean, own, run, results.absolute(), argv, checkpoint_every) for run in action.runs]


def failed(job_id: str, kind: str, message: str, tail: tuple[str, ...] = ()) -> Ended:
    """An end without a record, not yet kept."""
    return Ended(job_id, "failed", kind=kind, message=message, tail=tail)
