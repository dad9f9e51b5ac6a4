"""From a suite and its records to rankings, one for each track: who stands where, how surely, and why others do not."""

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from memorax_bench import stats
from memorax_bench.board.drawn import Drawn, drawn
from memorax_bench.board.recorded import changes, type_of, with_recorded
from memorax_bench.records.pooling import Pool
from memorax_bench.records.record import Record
from memorax_bench.records.store import Scan, StoredRecord
from memorax_bench.report.costs import CostRow, cost_rows
from memorax_bench.report.ranking import interval_settings, ranked_tasks
from memorax_bench.report.tables import ALL_SEEING, Row, Table, build_table, cell_scores
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.user_torso import is_user_path

FEW_SEEDS = 10  # fewer are marked
EXTERNAL = "external code, which is not part of this library"
DRAFT = "the suite is a draft, in which nothing is ranked"

Name = tuple[str, str]  # algorithm and torso label
Standing = Literal["ranked", "control", "oracle", "unranked"]  # a control is measured to compare with, and has no rank


@dataclass(frozen=True)
class Entry:
    """A row of a ranking, with at least one record.

    `why` says why it is not ranked and is empty where it is, or is there to compare with. `rank` is known for those
    that are ranked, `iqm` for those that are complete. `pools` maps the tasks that were run to their seeds, `samples`
    to the seeds' scores: normalised, or raw where the task has no ceiling. `changes` says in what it is configured
    otherwise than the suite says now.
    """

    row: Row
    standing: Standing
    why: tuple[str, ...]
    rank: stats.Rank | None
    iqm: stats.Estimate | None
    cost: CostRow
    pools: Mapping[str, Pool]
    samples: Mapping[str, np.ndarray]
    changes: tuple[str, ...]

    @property
    def name(self) -> Name:
        """Algorithm and torso label."""
        return self.row.algorithm, self.row.torso

    @property
    def stored(self) -> tuple[StoredRecord, ...]:
        """The records behind the row with their places on disk, in the order of the suite's tasks."""
        return tuple({one.record.run_id: one for pool in self.pools.values() for one in pool.stored}.values())

    @property
    def records(self) -> tuple[Record, ...]:
        """The same records alone."""
        return tuple(one.record for one in self.stored)

    @property
    def few(self) -> bool:
        """Whether a task has so few seeds that the row is marked."""
        return self.row.n[0] < FEW_SEEDS

    @property
    def sound(self) -> bool:
        """Whether every gate was passed: numbers of one that was not mean nothing."""
        return all(self.row.gates.values())

    @property
    def date(self) -> str:
        """The day of the newest record, as it wrote it."""
        return max(record.volatile.created_utc for record in self.records)[:10]


@dataclass(frozen=True)
class Ranking:
    """One suite on one track. `entries` are in the order of the page: ranked ones and those there for comparison by
    their mean, then the others. `not_run` are entries of the suite without any record, `data` what figures draw,
    `arguments` the command line that chose it.
    """

    resolved: ResolvedSuite
    arguments: tuple[str, ...]
    track: str
    table: Table
    entries: tuple[Entry, ...]
    not_run: tuple[Name, ...]
    data: Drawn
    scan: Scan

    @property
    def ranked_tasks(self) -> tuple[str, ...]:
        """The tasks that count, in the suite's order."""
        return ranked_tasks(self.table.suite)

    @property
    def families(self) -> dict[str, str]:
        """task -> family."""
        return {label: task.family for label, task in self.table.suite.tasks.items()}

    @property
    def interval(self) -> dict[str, Any]:
        """The keyword arguments of its intervals."""
        return interval_settings(self.table.suite)

    @property
    def above(self) -> tuple[Entry, ...]:
        """The ranked entries, and controls and oracles between them."""
        return tuple(entry for entry in self.entries if entry.standing != "unranked")

    @property
    def below(self) -> tuple[Entry, ...]:
        """Those that are shown and not ranked."""
        return tuple(entry for entry in self.entries if entry.standing == "unranked")


def build_rankings(
    resolved: ResolvedSuite, scan: Scan, arguments: tuple[str, ...], outsiders: bool = True
) -> tuple[Ranking, ...]:
    """A Ranking for each track that has records, the suite's own track first; none without records.

    `outsiders`: whether entries that the suite does not have are shown, too. Raises NotComparable.
    """
    same = [one for one in scan.records if one.record.suite.benchmark_hash == resolved.benchmark_hash]
    own_track, found = resolved.suite.entries.track, []
    for track in sorted({one.record.cell.track for one in same}, key=lambda track: (track != own_track, track)):
        mine = [one.record for one in same if one.record.cell.track == track]
        wider = with_recorded(resolved, mine, track, outsiders)
        own = dataclasses.replace(scan, records=tuple(one for one in scan.records if one.record.cell.track == track))
        table = build_table(wider, own) if wider.cells else None
        if table is not None and table.records:
            found.append(_ranking(resolved, arguments, track, table, own))
    return tuple(found)


def _ranking(resolved: ResolvedSuite, arguments: tuple[str, ...], track: str, table: Table, scan: Scan) -> Ranking:
    costs = {(cost.algorithm, cost.torso): cost for cost in cost_rows(table)}
    rows = [row for row in table.rows if (row.algorithm, row.torso) in costs]
    kept = dataclasses.replace(table, rows=tuple(rows))
    entries = [_entry(resolved, kept, row, costs[row.algorithm, row.torso]) for row in rows]
    ranks = _ranks(kept, [entry for entry in entries if entry.standing == "ranked"])
    entries = [dataclasses.replace(entry, rank=ranks.get(entry.name)) for entry in entries]
    entries.sort(key=_place)
    not_run = tuple((row.algorithm, row.torso) for row in table.rows if row not in rows)
    return Ranking(
        resolved=resolved,
        arguments=arguments,
        track=track,
        table=kept,
        entries=tuple(entries),
        not_run=not_run,
        data=drawn(kept),
        scan=scan,
    )


def _place(entry: Entry) -> tuple:
    primary = entry.row.primary
    return entry.standing == "unranked", not entry.sound, np.inf if primary is None else -primary.value, entry.name


def _entry(resolved: ResolvedSuite, table: Table, row: Row, cost: CostRow) -> Entry:
    pools = {pool.cell.task_label: pool for key, pool in table.pools.items() if key[1:] == (row.algorithm, row.torso)}
    pools = {task: pool for task, pool in pools.items() if pool.runs}
    samples = {task: cell_scores(pool) for task, pool in pools.items()}
    types = [type_of(pool.cell.config, part) for pool in pools.values() for part in ("algorithm", "torso")]
    why = [DRAFT] * table.draft + [*row.why_unranked] + [EXTERNAL] * any(map(is_user_path, types))
    against = [reason for reason in why if reason != ALL_SEEING]  # which is what an oracle is there for
    return Entry(
        row=row,
        standing="unranked" if against else row.role or "ranked",
        why=tuple(why),
        rank=None,
        iqm=None if row.primary is None else _iqm(table, samples),
        cost=cost,
        pools=pools,
        samples=samples,
        changes=tuple(dict.fromkeys(str(one) for pool in pools.values() for one in changes(resolved, pool.cell))),
    )


def _iqm(table: Table, samples: Mapping[str, np.ndarray]) -> stats.Estimate:
    counted, families = _counted(table)
    statistic = functools.partial(stats.weighted_iqm, families=families)
    return stats.estimate({task: samples[task] for task in counted}, statistic, **interval_settings(table.suite))


def _ranks(table: Table, ranked: list[Entry]) -> dict[Name, stats.Rank]:
    if not ranked:
        return {}
    counted, families = _counted(table)
    methods = {"/".join(entry.name): {task: entry.samples[task] for task in counted} for entry in ranked}
    found = stats.rank_intervals(methods, families, **interval_settings(table.suite))
    return {entry.name: found["/".join(entry.name)] for entry in ranked}


def _counted(table: Table) -> tuple[tuple[str, ...], dict[str, str]]:
    tasks = ranked_tasks(table.suite)
    return tasks, {task: table.suite.tasks[task].family for task in tasks}
