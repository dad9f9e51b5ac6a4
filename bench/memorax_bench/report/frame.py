"""What the figures of a report have in common: who is drawn, who stands out, what is said beneath."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from memorax_bench import stats
from memorax_bench.report.ranking import MIN_RANKED_SEEDS
from memorax_bench.report.tables import Row, Table

MOST_PANELS = 30  # of one figure; what has more shows families instead of tasks
MOST_ROWS = 40  # of one panel; what has more shows those that stand out
_ALL_STAND_OUT = 8  # torsos that can be told apart in one panel
_BEST = 5  # of more than that


@dataclass(frozen=True)
class Frame:
    """`torsos` and `algorithms` in the order of the table, best first; `roles` of controls and oracles.

    Of few torsos all are prominent, of many the best, the baseline and the better control: the same in every figure.
    `source` says where the numbers come from, `interval` what intervals are; `n` is the least and most seeds of a cell.
    """

    torsos: tuple[str, ...]
    roles: Mapping[str, str]
    prominent: frozenset[str]
    algorithms: tuple[str, ...]
    source: str
    interval: str
    n: tuple[int, int]

    def name(self, algorithm: str, torso: str) -> str:
        """Of a row: the torso, and the algorithm where there are several."""
        return f"{algorithm}/{torso}" if len(self.algorithms) > 1 else torso

    def title(self, torso: str) -> str:
        """Of a torso in a legend, with its role."""
        return f"{torso} ({self.roles[torso]})" if torso in self.roles else torso

    def rows(self, rows: Sequence[Row]) -> tuple[Row, ...]:
        """Those that a panel with a line each has room for."""
        return tuple(rows) if len(rows) <= MOST_ROWS else tuple(row for row in rows if row.torso in self.prominent)

    def foot(self, reading: str) -> str:
        """How to read a figure, of how many seeds, of what: a figure is passed on without its caption."""
        return f"{reading}; {seeds_text(*self.n)}. {self.source}"

    @property
    def others(self) -> int:
        """How many torsos do not stand out."""
        return len(self.torsos) - len(self.prominent)


def frame_of(table: Table) -> Frame:
    """The frame of all figures of a table."""
    torsos = tuple(dict.fromkeys(row.torso for row in table.rows))
    counts = [len(pool.runs) for pool in table.pools.values() if pool.runs] or [0]
    interval = table.suite.scoring.interval
    return Frame(
        torsos=torsos,
        roles={row.torso: row.role for row in table.rows if row.role is not None},
        prominent=frozenset(torsos if len(torsos) <= _ALL_STAND_OUT else _prominent(table)),
        algorithms=tuple(dict.fromkeys(row.algorithm for row in table.rows)),
        source=f"{table.label}, commit {listed(commits(table))}",
        interval=f"{interval.level * 100:g}% bootstrap",
        n=(min(counts), max(counts)),
    )


def _prominent(table: Table) -> Iterable[str]:
    memories = list(dict.fromkeys(row.torso for row in table.rows if row.role is None))
    yield from memories[:_BEST]
    ranking = table.suite.rankings.torsos
    if ranking is not None and ranking.baseline in memories:
        yield ranking.baseline
    yield from [row.torso for row in table.rows if row.control][:1]


def seeds_text(least: int, most: int) -> str:
    """`n=3 seeds, fewer than 5: not ranked`, `n=5-8 seeds, fewer than 10`, `n=10 seeds`."""
    count = f"n={least}" if least == most else f"n={least}-{most}"
    few = f", fewer than {stats.FEW_SEEDS}" if least < stats.FEW_SEEDS else ""
    few = f", fewer than {MIN_RANKED_SEEDS}: not ranked" if least < MIN_RANKED_SEEDS else few
    return f"{count} seed{'s' * (most != 1)}{few}"


def interval_text(table: Table) -> str:
    """What is in the brackets of all tables and the bands of all figures."""
    interval = table.suite.scoring.interval
    return (
        f"{interval.level * 100:g}% interval: stratified percentile bootstrap over seeds, {interval.reps:,} resamples, "
        f"seed {interval.seed}"
    )


def commits(table: Table) -> tuple[str, ...]:
    """The commits that the records come from, in short, and whether they had local changes."""
    found = {(record.code.commit, record.code.dirty_sha256 is not None) for record in table.records}
    return tuple(f"{commit[:8] if commit else 'unknown'}{' with local changes' * dirty}" for commit, dirty in found)


def listed(values: Iterable[str]) -> str:
    """Each once, sorted."""
    return ", ".join(sorted(set(values)))


def least_estimates(estimates: Iterable[stats.Estimate]) -> tuple[int, int]:
    """The least and most seeds of these."""
    counts = [estimate.n for estimate in estimates] or [0]
    return min(counts), max(counts)
