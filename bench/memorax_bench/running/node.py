"""What a node of a cluster needs to do jobs: no jax in the process that talks to the cluster, a worker beside it."""

import os
import sys
from collections.abc import Mapping, Sequence

from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.running.job import Ended, Event, Job, Moved, failed

PASSED_ON = ("JAX_", "XLA_")  # beginnings of the variables that decide what is computed, and how


def environment() -> dict[str, str]:
    """The variables by which a process elsewhere finds our modules, and computes as one here would."""
    mine = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    return {**mine, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def other_device(job: Job, kind: str, planned: str, fix: str) -> Ended:
    """The end of a job that came to a device on which its numbers would be others than its run_id promises."""
    return failed(job.id, "other device", f"planned for '{planned}', but came to a node with '{kind}'; {fix}")


def not_installed(launcher: str, package: str) -> UsageProblems:
    """A launcher whose package is missing."""
    fix = f"pip install 'memorax-bench[{launcher}]'"
    problem = Problem(f"{package} is not installed", "argument --launcher", "--launcher", launcher, fix=fix)
    return UsageProblems([problem])


def wrong_options(launcher: str, options: Mapping[str, str], problems: Sequence[str], fix: str | None = None):
    """What a launcher, or the cluster behind it, does not accept of `--launcher-options`."""
    given = ",".join(f"{name}={value}" for name, value in options.items())
    where = f"argument --launcher {launcher}" + (f" --launcher-options {given}" if given else "")
    return UsageProblems([Problem(problem, where, fix=fix) for problem in problems])


class Resubmissions:
    """Jobs whose process or node was lost are submitted again, and to the engine look as if nothing had happened.

    A job that is lost `LIMIT` times without getting further in between is given up.
    """

    LIMIT = 3

    def __init__(self):
        self.lost: dict[str, int] = {}
        self.furthest: dict[str, int] = {}  # environment steps
        self.begun: set[str] = set()
        self.given_up = 0

    def follow(self, event: Event) -> bool:
        """Takes note of an event; False for one that the engine has heard before."""
        job_id = event.job_id
        if isinstance(event, Moved) and event.progress.env_step > self.furthest.get(job_id, 0):
            self.furthest[job_id] = event.progress.env_step
            self.lost.pop(job_id, None)
        if isinstance(event, Ended):
            self.lost.pop(job_id, None)
            self.furthest.pop(job_id, None)
            if event.how != "held":  # what is held will be submitted again
                self.begun.discard(job_id)
            return True
        if isinstance(event, Moved):
            return True
        known = job_id in self.begun
        self.begun.add(job_id)
        return not known

    def give_up(self, job_id: str) -> bool:
        """Counts a loss; whether it was one too many."""
        self.lost[job_id] = self.lost.get(job_id, 0) + 1
        gives_up = self.lost[job_id] >= self.LIMIT
        self.given_up += gives_up
        return gives_up
