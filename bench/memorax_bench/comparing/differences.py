"""What two sides differ in: scores entry by entry and cell by cell, and by how much at least."""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from memorax_bench import stats
from memorax_bench.comparing.speeds import Speed, speed_of
from memorax_bench.records.comparability import INPUTS, differences, dotted, key_of, shown
from memorax_bench.records.pooling import Key, Pool, cell_name, pool_grid
from memorax_bench.records.store import Scan
from memorax_bench.report.ranking import interval_settings, ranked_tasks
from memorax_bench.report.recorded import as_recorded
from memorax_bench.report.tables import cell_scores
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.schema import Suite

MARGIN = 0.05  # of the normalised score
BETTER, WORSE, REGRESSION = "better", "worse, within the margin", "regression"
UNSHOWN, UNSURE = "no difference shown", "worse by more than the margin, not significant"
SAME, UNKNOWN = "the same records", "one seed tells nothing"


@dataclass(frozen=True)
class Compared:
    """The means of both sides and their difference, B - A, in one unit; `p` is adjusted for all others of its kind.

    In normalised scores, but for a cell whose task has no ceiling (`raw`), which decides nothing.
    """

    a: float
    b: float
    difference: stats.Difference
    seeds: tuple[int, int]
    same: bool = False  # both sides have the same records
    raw: bool = False
    p: float = math.nan

    def verdict(self, margin: float, alpha: float) -> str:
        """In words: what is significant is better or worse, and a regression where it is worse by more than margin."""
        if self.same:
            return SAME
        if math.isnan(self.difference.p):
            return UNKNOWN
        far = self.difference.value < -margin and not self.raw
        if not self.p < alpha:
            return UNSURE if far else UNSHOWN
        if self.difference.value > 0:
            return BETTER
        return REGRESSION if far else WORSE


@dataclass(frozen=True)
class CellRow:
    """A cell that both sides have: raw mean returns, and the comparison of its scores."""

    task: str
    algorithm: str
    torso: str
    returns: tuple[float, float]
    compared: Compared
    speed: Speed


@dataclass(frozen=True)
class EntryRow:
    """An entry over the ranked tasks that both sides have of it, out of all ranked; None where there is none."""

    algorithm: str
    torso: str
    tasks: tuple[int, int]
    compared: Compared | None
    speed: Speed


@dataclass(frozen=True)
class Comparison:
    """Of one suite. `only`: the cells that only A, and only B, has; `refused`: cells that differ in what makes them
    comparable, by the field; `notes`: what else is not equal."""

    label: str
    suite: Suite
    entries: tuple[EntryRow, ...]
    cells: tuple[CellRow, ...]
    only: tuple[tuple[str, ...], tuple[str, ...]]
    refused: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def alpha(self) -> float:
        """The level of significance: what the suite's intervals leave out."""
        return 1 - self.suite.scoring.interval.level

    def regressions(self, margin: float) -> tuple[str, ...]:
        """Entries and cells that are worse: significantly, and by more than the margin."""
        rows = [*((f"{row.algorithm}/{row.torso}", row.compared) for row in self.entries)]
        rows += [(f"{row.task} {row.algorithm}/{row.torso}", row.compared) for row in self.cells]
        found = [(name, one) for name, one in rows if one is not None]
        return tuple(name for name, one in found if one.verdict(margin, self.alpha) == REGRESSION)


def compare_suite(suite: ResolvedSuite, a: Scan, b: Scan, chosen: frozenset[Key] | None = None) -> Comparison:
    """Both sides' records of a suite; of `chosen` cells only where they are given."""
    pools = tuple(_pools(suite, scan, chosen) for scan in (a, b))
    both = [key for key in pools[0] if key in pools[1]]
    refused = {key: why for key in both if (why := _why_not(pools[0][key], pools[1][key]))}
    cells = [_cell(suite, pools[0][key], pools[1][key]) for key in both if key not in refused]
    cells = _adjusted(cells)
    names = list(dict.fromkeys((row.algorithm, row.torso) for row in cells))
    shared = {row_key(row): (pools[0][row_key(row)], pools[1][row_key(row)]) for row in cells}
    entries = _adjusted([_entry(suite, name, shared) for name in names])
    only = tuple(
        tuple(cell_name(mine[key].cell) for key in mine if key not in other) for mine, other in (pools, pools[::-1])
    )
    notes = (*_left_out(suite, a, b), *(note for key in shared for note in _config_notes(*shared[key])))
    why = tuple(f"{cell_name(pools[0][key].cell)}: {field}" for key, fields in refused.items() for field in fields)
    return Comparison(suite.label, suite.suite, tuple(entries), tuple(cells), only, why, notes)


def row_key(row: CellRow) -> Key:
    """The labels of a cell."""
    return row.task, row.algorithm, row.torso


def _pools(suite: ResolvedSuite, scan: Scan, chosen: frozenset[Key] | None) -> dict[Key, Pool]:
    own = as_recorded(suite, (stored.record for stored in scan.records))
    same = [stored for stored in scan.records if stored.record.suite.benchmark_hash == suite.benchmark_hash]
    pools = pool_grid(own.cells, same, own.seeds)
    return {key: pool for key, pool in pools.items() if pool.runs and (chosen is None or key in chosen)}


def _why_not(a: Pool, b: Pool) -> tuple[str, ...]:
    """The fields in which what makes two cells comparable differs."""
    found = (one for first in a.records for second in b.records for one in differences(key_of(first), key_of(second)))
    return tuple(dict.fromkeys(str(one) for one in found if one.field != INPUTS))


def _cell(suite: ResolvedSuite, a: Pool, b: Pool) -> CellRow:
    task = a.cell.task
    raw = tuple(float(stats.failed_as(pool.scores, task.hard_min).mean()) for pool in (a, b))
    label, algorithm, torso = a.cell.labels
    compared = _compared(suite, {label: a}, {label: b}, stats.mean)
    return CellRow(label, algorithm, torso, raw, replace(compared, raw=task.ceiling is None), speed_of([(a, b)]))


def _entry(suite: ResolvedSuite, name: tuple[str, str], shared: Mapping[Key, tuple[Pool, Pool]]) -> EntryRow:
    ranked = ranked_tasks(suite.suite)
    mine = {key[0]: pools for key, pools in shared.items() if key[1:] == name}
    counted = {task: mine[task] for task in ranked if task in mine}
    compared = None
    if counted:
        families = {task: suite.suite.tasks[task].family for task in counted}
        statistic = functools.partial(stats.family_weighted_mean, families=families)
        a, b = ({task: pools[side] for task, pools in counted.items()} for side in (0, 1))
        compared = _compared(suite, a, b, statistic)
    return EntryRow(*name, (len(counted), len(ranked)), compared, speed_of(list(mine.values())))


def _compared(suite: ResolvedSuite, a: Mapping[str, Pool], b: Mapping[str, Pool], statistic) -> Compared:
    """B - A of the scores of these tasks."""
    first, second = ({task: cell_scores(pool) for task, pool in side.items()} for side in (a, b))
    found = stats.difference(second, first, statistic, **interval_settings(suite.suite))
    means = (
        float(statistic({task: np.asarray(side[task]) for task in sorted(side)}, axis=-1)) for side in (first, second)
    )
    same = all(_hashes(a[task]) == _hashes(b[task]) for task in a)
    seeds = tuple(min(len(pool.runs) for pool in side.values()) for side in (a, b))
    return Compared(*means, found, seeds, same)


def _hashes(pool: Pool) -> set[str]:
    return {record.result_hash for record in pool.records}


def _adjusted(rows: list) -> list:
    """The same with p by Holm over all of them; what has the same records on both sides is no comparison."""
    p = {
        str(place): row.compared.difference.p
        for place, row in enumerate(rows)
        if row.compared is not None and not row.compared.same
    }
    adjusted = stats.holm(p) if p else {}
    return [
        replace(row, compared=replace(row.compared, p=adjusted[str(place)])) if str(place) in adjusted else row
        for place, row in enumerate(rows)
    ]


def _left_out(suite: ResolvedSuite, a: Scan, b: Scan) -> Iterable[str]:
    """Records of another frozen part, and files that are no records."""
    for side, scan in (("A", a), ("B", b)):
        others = {stored.record.suite.benchmark_hash for stored in scan.records} - {suite.benchmark_hash}
        if others:
            hashes = ", ".join(sorted(shown(other) for other in others))
            yield f"suite.benchmark_hash is {hashes} in {side} and {shown(suite.benchmark_hash)} here: left out"
        if scan.invalid:
            why = f"such as {scan.invalid[0].path.name}: {scan.invalid[0].reason}"
            yield f"{len(scan.invalid)} files of {side} are not valid and do not count, {why}"


def _config_notes(a: Pool, b: Pool) -> Sequence[str]:
    """What the configurations of a cell differ in: that is what is compared, but it should be known."""
    if a.cell.config_hash == b.cell.config_hash:
        return ()
    found = differences(dotted(a.cell.config), dotted(b.cell.config))
    changes = ", ".join(f"{one.field} {shown(one.first)} -> {shown(one.second)}" for one in found)
    return (f"{cell_name(a.cell)}: another configuration: {changes}",)
