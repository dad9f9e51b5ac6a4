"""The launchers by name."""

from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.launcher import Launcher

LAUNCHERS = {
    "local": "worker processes of this machine",
    "inline": "this process, one job at a time; for a debugger",
}


def make_launcher(name: str, workers: int | None = None) -> Launcher:
    """The launcher of that name. Raises UsageProblems."""
    if name == "inline":
        from memorax_bench.inline import Inline

        return Inline()
    if name == "local":
        from memorax_bench.local import LocalWorkers
        from memorax_bench.platforms import worker_environments

        return LocalWorkers(worker_environments(workers))
    problem = Problem("no such launcher", "argument --launcher", key="--launcher", value=name, allowed=list(LAUNCHERS))
    raise UsageProblems([problem])
