"""From a suite and its records to rankings, one for each track: who stands where, and why others do not."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from memorax_bench import stats
from memorax_bench.board.drawn import Drawn, drawn
from memorax_bench.board.recorded import changes, type_of, with_recorded
from memorax_bench.records.pooling import Pool
from memorax_bench.records.record import Record
from memorax_bench.records.store import Scan, StoredRecord
from memorax_bench.report.costs import CostRow, cost_rows
from memorax_bench.report.ranking import interval_settings, ranked_tasks
from memorax_bench.report.standings import Standing, standings
from memorax_bench.report.tables import ALL_SEEING, Row, Table, build_table
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.user_torso import is_user_path

EXTERNAL = "external code, which is not part of this library"
DRAFT = "the suite is a draft, in which nothing is ranked"

Name = tuple[str, str]  # algorithm and torso label


@dataclass(frozen=True)
class Entry:
    """A row of a ranking, with at least one record.

    `standing` holds its statistics; None where it is not complete, failed a gate, or is an oracle. `why` says why it
    has no rank. `pools` maps the tasks that were run to their seeds, `samples` to the seeds' scores: normalised, or raw
    where the task has no ceiling. `changes` says in what it is configured otherwise than the suite says now.
    """

    row: Row
    why: tuple[str, ...]
    standing: Standing | None
    cost: CostRow
    pools: Mapping[str, Pool]
    samples: Mapping[str, np.ndarray]
    changes: tuple[str, ...]

    @property
    def name(self) -> Name:
        """Algorithm and torso label."""
        return self.row.algorithm, self.row.torso

    @property
    def rank(self) -> stats.Rank | None:
        """Among the ranked entries of its algorithm; None for one that is not ranked."""
        return self.standing.rank if self.standing else None

    @property
    def kind(self) -> str:
        """`ranked`, `control` (which may have a rank), `oracle`, or `unranked`."""
        return "unranked" if set(self.why) - {ALL_SEEING} else self.row.role or "ranked"

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
        return self.row.n[0] < stats.FEW_SEEDS

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
    """One suite on one track. `entries` are in the order of the page: by algorithm those that are ranked or stand there
    to compare with, by their mean, then all others. `not_run` are entries of the suite without any record, `data` what
    is drawn, `arguments` the command line that chose it.
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
    def above(self) -> dict[str, tuple[Entry, ...]]:
        """algorithm -> its ranked entries, controls and oracles between them. Ranks are within one algorithm."""
        found: dict[str, tuple[Entry, ...]] = {}
        for entry in self.entries:
            if entry.kind != "unranked":
                found[entry.name[0]] = (*found.get(entry.name[0], ()), entry)
        return found

    @property
    def below(self) -> tuple[Entry, ...]:
        """Those that are shown and not ranked."""
        return tuple(entry for entry in self.entries if entry.kind == "unranked")


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
    run = [row for row in table.rows if (row.algorithm, row.torso) in costs]
    kept = dataclasses.replace(table, rows=tuple(_without_externals(table, row) for row in run))
    found = {(one.row.algorithm, one.row.torso): one for one in standings(kept)}
    entries = [_entry(resolved, kept, row, found, costs) for row in kept.rows]
    order = list(dict.fromkeys(cell.algorithm_label for cell in resolved.cells))
    entries.sort(key=lambda entry: _place(entry, order))
    return Ranking(
        resolved=resolved,
        arguments=arguments,
        track=track,
        table=kept,
        entries=tuple(entries),
        not_run=tuple((row.algorithm, row.torso) for row in table.rows if row not in run),
        data=drawn(kept),
        scan=scan,
    )


def _without_externals(table: Table, row: Row) -> Row:
    """The row; one whose code is not the library's does not rank."""
    pools = (pool for pool in table.pools_by_row[row.algorithm, row.torso].values() if pool.runs)
    types = [type_of(pool.cell.config, part) for pool in pools for part in ("algorithm", "torso")]
    if not any(map(is_user_path, types)):
        return row
    return dataclasses.replace(row, why_unranked=(*row.why_unranked, EXTERNAL))


def _entry(
    resolved: ResolvedSuite,
    table: Table,
    row: Row,
    found: Mapping[Name, Standing],
    costs: Mapping[Name, CostRow],
) -> Entry:
    name = row.algorithm, row.torso
    pools = {task: pool for task, pool in table.pools_by_row[name].items() if pool.runs}
    return Entry(
        row=row,
        why=((DRAFT, *(why for why in row.why_unranked if why != "draft suite")) if table.draft else row.why_unranked),
        standing=found.get(name),
        cost=costs[name],
        pools=pools,
        samples={task: table.scores[task, *name] for task in pools},
        changes=tuple(dict.fromkeys(str(one) for pool in pools.values() for one in changes(resolved, pool.cell))),
    )


def _place(entry: Entry, algorithms: list[str]) -> tuple:
    mean = entry.row.primary
    order = np.inf if mean is None else -mean.value
    if entry.kind == "unranked":
        return 1, not entry.sound, order, entry.name
    algorithm = algorithms.index(entry.name[0]) if entry.name[0] in algorithms else len(algorithms)
    return 0, algorithm, entry.name[0], order, entry.name
