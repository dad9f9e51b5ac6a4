"""From records to the seeds of each cell: which records of a cell are pooled, and what is left out.

One cell pools seeds of one track, one code and one device kind only; a seed counts once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from memorax_bench.records.record import Record
from memorax_bench.records.store import StoredRecord
from memorax_bench.suite.grid import Cell

Key = tuple[str, str, str]  # task, algorithm and torso label


@dataclass(frozen=True)
class Run:
    """One seed of one record: the raw final score, None where the seed diverged."""

    seed: int
    score: float | None
    stored: StoredRecord

    @property
    def record(self) -> Record:
        """The record the seed is in."""
        return self.stored.record


@dataclass(frozen=True)
class Pool:
    """The seeds that stand for a cell, sorted, and notes on records of the cell that do not enter."""

    cell: Cell
    runs: tuple[Run, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def records(self) -> tuple[Record, ...]:
        """The records behind the runs, each once."""
        return tuple({run.record.run_id: run.record for run in self.runs}.values())

    @property
    def stored(self) -> tuple[StoredRecord, ...]:
        """The same with their places on disk."""
        return tuple({run.record.run_id: run.stored for run in self.runs}.values())

    @property
    def scores(self) -> tuple[float | None, ...]:
        """The raw final scores in the order of the seeds."""
        return tuple(run.score for run in self.runs)

    @property
    def failed(self) -> tuple[int, ...]:
        """The seeds that diverged."""
        return tuple(run.seed for run in self.runs if run.score is None)

    @property
    def device_kind(self) -> str | None:
        """The one kind of device that all runs come from."""
        return self.runs[0].record.numerics.device_kind if self.runs else None


def pool_grid(cells: Sequence[Cell], records: Iterable[StoredRecord], seeds: Sequence[int]) -> dict[Key, Pool]:
    """One Pool per cell, in the order of the cells; cells without a record have no runs.

    `seeds` are those that make a cell complete. Where a cell was run on several kinds of device, the kind that
    completes most cells is preferred, so that a table is of one kind where it can be.
    """
    by_key: dict[Key, list[StoredRecord]] = {}
    for stored in records:
        cell = stored.record.cell
        by_key.setdefault((cell.task, cell.algorithm, cell.torso), []).append(stored)
    groups = {cell.labels: _groups(by_key.get(cell.labels, ())) for cell in cells}
    complete = [_complete_on(cell, groups[cell.labels], seeds) for cell in cells]
    popularity = {device: sum(device in devices for devices in complete) for device in set().union(*complete)}
    return {cell.labels: _choose(cell, groups[cell.labels], seeds, popularity) for cell in cells}


def cell_name(cell: Cell) -> str:
    """As on the screen: `repeat-previous ppo/gru`."""
    return f"{cell.task_label} {cell.algorithm_label}/{cell.torso_label}"


def seed_ranges(seeds: Iterable[int]) -> str:
    """`0-2,5` for 0, 1, 2, 5."""
    spans: list[list[int]] = []
    for seed in sorted(seeds):
        if spans and seed == spans[-1][1] + 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


Group = tuple[str, str, str, str]  # config hash, code hash, device kind, track


def _groups(records: Iterable[StoredRecord]) -> dict[Group, tuple[Run, ...]]:
    """The runs of each Group, by seed; a seed found twice is that of the smallest run_id.

    A record stands in the group of its own code and of every code that adopted it.
    """
    found: dict[Group, dict[int, Run]] = {}
    for stored in sorted(records, key=lambda stored: stored.record.run_id):
        record = stored.record
        for code in stored.code_hashes:
            key = (record.cell.config_hash, code, record.numerics.device_kind, record.cell.track)
            group = found.setdefault(key, {})
            for seed, score in zip(record.seeds, record.results.final, strict=True):
                group.setdefault(seed, Run(seed, score, stored))
    return {key: tuple(runs[seed] for seed in sorted(runs)) for key, runs in sorted(found.items())}


def _choose(
    cell: Cell, groups: Mapping[Group, tuple[Run, ...]], seeds: Sequence[int], popularity: Mapping[str, int]
) -> Pool:
    """The newest complete group; without a complete one, that with most of the seeds asked for."""
    allowed = {key: runs for key, runs in groups.items() if _is_of(cell, key)}

    def preference(key: Group):
        asked = len({run.seed for run in groups[key]} & set(seeds))
        return asked, popularity.get(key[2], 0), max(run.record.volatile.created_utc for run in groups[key]), key

    best = max(allowed, key=preference, default=None)
    pooled = {run.record.run_id for run in allowed.get(best, ())}
    notes = []
    for key, runs in groups.items():
        left = tuple(run for run in runs if run.record.run_id not in pooled)
        if key != best and left:
            pooled |= {run.record.run_id for run in left}  # an adopted record stands in several groups
            notes.append(_left_out(cell, key, left, best))
    return Pool(cell, allowed.get(best, ()), tuple(notes))


def _left_out(cell: Cell, key: Group, runs: Sequence[Run], best: Group | None) -> str:
    config, code, device, track = key
    if track != cell.track:
        why = f"another track ({track})"
    elif config != cell.config_hash:
        why = f"another configuration ({config[:8]})"
    elif best and code != best[1]:
        why = f"other code ({code[:8]})"
    else:
        why = f"another device ({device})"
    return f"{cell_name(cell)}: seeds {seed_ranges(run.seed for run in runs)} of {why} are not pooled"


def _complete_on(cell: Cell, groups: Mapping[Group, tuple[Run, ...]], seeds: Sequence[int]) -> set[str]:
    """The device kinds on which the cell has all its seeds."""
    return {key[2] for key, runs in groups.items() if _is_of(cell, key) and set(seeds) <= {run.seed for run in runs}}


def _is_of(cell: Cell, key: Group) -> bool:
    return key[0] == cell.config_hash and key[3] == cell.track
