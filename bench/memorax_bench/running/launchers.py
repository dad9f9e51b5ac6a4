"""The launchers by name."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.running.launcher import Launcher

LAUNCHERS = {
    "local": "worker processes of this machine",
    "inline": "this process, one job at a time; for a debugger",
    "ray": "a Ray cluster, or one started on this machine",
    "slurm": "arrays of jobs in a Slurm queue",
}
_CLUSTERS = ("ray", "slurm")


def make_launcher(
    name: str,
    workers: int | None = None,
    compile_ahead: bool = False,
    options: Mapping[str, str] | None = None,
    results: Path = Path("results"),
    timeout: float | None = None,
    on_cpu: bool = False,
) -> Launcher:
    """The launcher of that name; `options` are its own, `timeout` is what the engine will end jobs after, `on_cpu` says
    that what computes is the processor, which local workers then share out. Raises UsageProblems."""
    if options and name not in _CLUSTERS:
        message = f"--launcher {name} has no options of its own"
        raise UsageProblems([Problem(message, "argument --launcher-options", allowed=[f"with {c}" for c in _CLUSTERS])])
    if name == "inline":
        from memorax_bench.running.inline import Inline

        return Inline()
    if name == "local":
        from memorax_bench.running.local import LocalWorkers
        from memorax_bench.running.platforms import worker_cores, worker_environments

        environments = worker_environments(workers)
        return LocalWorkers(environments, compile_ahead, worker_cores(len(environments)) if on_cpu else ())
    if name == "ray":
        from memorax_bench.running.ray_launcher import RayCluster

        return RayCluster(options, workers)
    if name == "slurm":
        from memorax_bench.running.slurm_launcher import SlurmArrays

        if timeout is not None:
            message = "a job's time would be counted while it waits in Slurm's queue"
            fix = "ask Slurm for a limit instead: --launcher-options time=HH:MM:SS"
            raise UsageProblems([Problem(message, "argument --timeout", fix=fix)])
        return SlurmArrays(results, options, workers)
    problem = Problem("no such launcher", "argument --launcher", key="--launcher", value=name, allowed=list(LAUNCHERS))
    raise UsageProblems([problem])


def parse_options(texts: Iterable[str]) -> dict[str, str]:
    """`partition=gpu,time=60` -> its parts. A value may hold commas: the next option begins at the next name with an
    equals sign. Raises UsageProblems."""
    found: dict[str, str] = {}
    for text in texts:
        for part in re.split(r",(?=[\w-]+=)", text):
            name, equals, value = part.partition("=")
            if not equals or not name or not value:
                where = "argument --launcher-options"
                raise UsageProblems([Problem(f"'{part}' is not KEY=VALUE", where, fix="for example: partition=gpu")])
            found[name.replace("-", "_")] = value
    return found
