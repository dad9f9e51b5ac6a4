"""From what a chunk measured to its record."""

from hashlib import sha256
from importlib import metadata
from typing import Any

from memorax_bench.cell import device
from memorax_bench.cell.runner import ChunkResult
from memorax_bench.identity import KEY_SCHEME, sha256_json
from memorax_bench.records import curves, provenance
from memorax_bench.records.rankable import why_not_rankable
from memorax_bench.records.record import Record, seal
from memorax_bench.running.failures import now
from memorax_bench.running.job import Job
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.user_torso import is_user_path

SCHEMA = 1


def make_record(job: Job, program_hash: str, result: ChunkResult) -> Record:
    """The sealed record of one chunk."""
    suite, action, run = job.suite, job.action, job.run
    cell = action.cell
    checkout = provenance.checkout()
    failed = [name for name, gate in result.gates.items() if not gate["pass"]]
    reasons = why_not_rankable(suite.version == 0, suite.frozen_changed, checkout.dirty_sha256 is not None, failed)
    return seal(
        {
            "schema": SCHEMA,
            "run_id": run.run_id,
            "status": "ok",
            "rankable": not reasons,
            "not_rankable_because": reasons,
            "suite": {"name": suite.name, "version": suite.version, "benchmark_hash": suite.benchmark_hash},
            "cell": {
                "task": cell.task_label,
                "algorithm": cell.algorithm_label,
                "torso": cell.torso_label,
                "track": cell.track,
                "config": cell.config,
                "config_hash": cell.config_hash,
                "tuning": cell.tuning,
            },
            "comparable": _comparable(cell.config),
            "code": {
                "code_hash": action.code_hash,
                "program_hash": program_hash,
                "commit": checkout.commit,
                "dirty_sha256": checkout.dirty_sha256,
                "user_module_sha256": _user_modules(cell.config),
            },
            "seeds": run.seeds,
            "seed_batch": action.seed_batch,
            "key_scheme": KEY_SCHEME,
            "steps_done": result.steps_done,
            "results": {
                **result.results,
                "curves": {"file": curves.FILE, "sha256": sha256(result.curves).hexdigest(), "columns": curves.COLUMNS},
            },
            "gates": result.gates,
            "cost": result.cost,
            "numerics": device.numerics(),
            "versions": device.versions(),
            "volatile": {
                "created_utc": now(),
                "machine_label": provenance.machine_label(),
                "argv": job.argv,
                "load": provenance.load(),
                "timing": result.timing,
                "steps_per_s": result.steps_per_s,
                "resumed_at": result.resumed_at or None,
            },
        }
    )


def _user_modules(config: Any) -> str | None:
    """The hash of the user's own file, or of the hashes of two: that of the algorithm and that of the torso."""
    names = [config[part]["type"] for part in ("algorithm", "torso")]
    hashes = [provenance.user_module_hash(name) for name in names if is_user_path(name)]
    return hashes[0] if len(hashes) == 1 else sha256_json(hashes) if hashes else None


def _comparable(config: Any) -> dict[str, Any]:
    task = config["task"]
    package = load_catalogue().tasks[task["id"]].package
    return {
        "task_id": task["id"],
        "task_version": task["task_version"],
        "task_package": f"{package} {metadata.version(package)}",
        "protocol": config["protocol"],
    }
