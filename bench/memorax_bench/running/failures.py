"""Why a run ended without a record, as it is kept. No jax: the process that ran may be dead."""

from datetime import UTC, datetime

from memorax_bench.records.record import Failure
from memorax_bench.running.job import Ended, Job


def make_failure(job: Job, device_kind: str, ended: Ended) -> Failure:
    """What goes into failures/<n>.json."""
    return Failure(
        run_id=job.id,
        config_hash=job.action.cell.config_hash,
        code_hash=job.action.code_hash,
        device_kind=device_kind,
        seeds=job.run.seeds,
        created_utc=now(),
        kind=ended.kind,
        message=ended.message,
        traceback_tail=ended.tail,
    )


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
