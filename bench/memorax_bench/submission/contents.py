"""What a submission holds, entry by entry, and what it lacks for a ranking."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memorax_bench.records.pooling import Run, seed_ranges
from memorax_bench.records.store import Scan, StoredRecord
from memorax_bench.report.ranking import MIN_RANKED_SEEDS, ranked_tasks
from memorax_bench.report.recorded import as_recorded
from memorax_bench.report.tables import Row, Table, build_table
from memorax_bench.submission.checks.configuration import is_external
from memorax_bench.suite.load import ResolvedSuite

EXTERNAL = "a user's own code, which is shown and never ranked"


@dataclass(frozen=True)
class Held:
    """An entry, an algorithm and a torso by their labels: the tasks it has records of, the seeds that all of these
    have, where they were made, and why it would not rank (empty: it would)."""

    algorithm: str
    torso: str
    tasks: tuple[int, int]  # of those ranked: there, needed
    seeds: str
    devices: tuple[str, ...]
    lacks: tuple[str, ...]


def contents(suite: ResolvedSuite, stored: Sequence[StoredRecord]) -> tuple[Held, ...]:
    """In the order of the ranking. Raises NotComparable, as a table does."""
    suite = as_recorded(suite, (one.record for one in stored))
    table = build_table(suite, Scan(tuple(stored)))
    return tuple(_held(suite, row, table) for row in table.rows if row.n[1])


def _held(suite: ResolvedSuite, row: Row, table: Table) -> Held:
    pools = [pool for key, pool in table.pools.items() if key[1:] == (row.algorithm, row.torso) and pool.runs]
    ranked = ranked_tasks(suite.suite)
    external = any(is_external(pool.cell.config) for pool in pools)
    draft = ("a draft suite is never ranked",) if table.draft else ()
    lacks = (*draft, *row.why_unranked, *([EXTERNAL] if external else []))
    seeds = _common(pool.runs for pool in pools)
    return Held(
        algorithm=row.algorithm,
        torso=row.torso,
        tasks=(sum(pool.cell.task_label in ranked for pool in pools), len(ranked)),
        seeds=seed_ranges(seeds),
        devices=row.devices,
        lacks=tuple(_told(reason, seeds, suite) for reason in lacks if reason != "draft suite"),
    )


def _told(reason: str, seeds: set[int], suite: ResolvedSuite) -> str:
    """Where seeds are missing, which."""
    if not reason.startswith("n<"):
        return reason
    missing = set(range(max(MIN_RANKED_SEEDS, suite.suite.protocol.min_seeds))) - seeds
    return f"{reason}: seeds {seed_ranges(missing)} are missing"


def _common(runs: Iterable[Iterable[Run]]) -> set[int]:
    seeds = [{run.seed for run in own} for own in runs]
    return set.intersection(*seeds) if seeds else set()
