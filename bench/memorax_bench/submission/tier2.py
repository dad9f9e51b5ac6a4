"""Tier 2: seeds that nobody knew when the numbers were submitted. The entry stands unless they are worse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memorax_bench.records.record import Record
from memorax_bench.stats import failed_as, permutation_p
from memorax_bench.submission.findings import Finding, finding
from memorax_bench.submission.machine import Again
from memorax_bench.submission.reading import Found
from memorax_bench.suite.schema import Task

LEVEL = 0.01


@dataclass(frozen=True)
class Standing:
    """An entry, by its labels: mean scores submitted and fresh, the one-sided p of the submitted being no better, and
    what is refused. Scores are between 0 and 1, the task's hard bounds; means are over the tasks that were run."""

    entry: str
    tasks: tuple[str, ...]
    submitted: float
    fresh: float
    p: float
    refused: tuple[Finding, ...] = ()


def standings(again: Sequence[Again], found: Sequence[Found], tasks: Mapping[str, Task]) -> tuple[Standing, ...]:
    """One for each entry among the cells that were run again: all submitted seeds of these cells against the fresh.

    The test deals the runs of each task out anew between both (`permutation_p`), so that it assumes nothing about how
    scores are distributed; with 5 seeds against 5 of one task it refuses only where all fresh ones are worse.
    """
    entries: dict[str, list[Again]] = {}
    for one in again:
        if one.made:
            cell = one.item.record.cell
            entries.setdefault(f"{cell.algorithm}/{cell.torso}", []).append(one)
    return tuple(_standing(entry, own, found, tasks) for entry, own in entries.items())


def _standing(entry: str, own: Sequence[Again], found: Sequence[Found], tasks: Mapping[str, Task]) -> Standing:
    submitted, fresh = {}, {}
    for one in own:
        label = one.item.record.cell.task
        same = [item.record for item in found if _cell(item.record) == _cell(one.item.record)]
        submitted[label] = _scores(same, tasks[label])
        fresh[label] = _scores([made.record for made in one.made], tasks[label])
    p = permutation_p(submitted, fresh)
    means = [float(np.mean([scores.mean() for scores in side.values()])) for side in (submitted, fresh)]
    why = f"5 fresh seeds are worse: {means[1]:.3f} for {means[0]:.3f}, one-sided p {p:.2g} by permutation"
    refused = (finding(own[0].item.place, "results.final", why),) if p < LEVEL else ()
    return Standing(entry, tuple(submitted), *means, p, refused)


def _scores(records: Sequence[Record], task: Task) -> np.ndarray:
    """The final score of every seed, 0 at the task's least return and 1 at its largest; one that diverged has 0."""
    raw = np.concatenate([failed_as(record.results.final, task.hard_min) for record in records])
    return (raw - task.hard_min) / (task.hard_max - task.hard_min)


def _cell(record: Record) -> tuple:
    cell = record.cell
    return record.suite, cell.task, cell.algorithm, cell.torso, cell.config_hash, record.code.code_hash
