"""How fast both sides were, and what makes that no comparison."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memorax_bench.records.pooling import Pool
from memorax_bench.records.record import Record

LOADS_APART = 1.0  # processes that were running beside; more or fewer of them make another machine


@dataclass(frozen=True)
class Speed:
    """`ratio`: environment steps a second of B to those of A, the geometric mean over tasks of ratios of medians.
    `unlike`: what both sides do not have in common, in words; empty where it is a comparison."""

    ratio: float
    unlike: tuple[str, ...] = ()


def speed_of(pairs: Sequence[tuple[Pool, Pool]]) -> Speed:
    """Over the cells that both sides have of something."""
    medians = [(_median(a), _median(b)) for a, b in pairs]
    logs = [math.log(b / a) if a > 0 and b > 0 else math.nan for a, b in medians]
    first, second = ([record for pair in pairs for record in pair[side].records] for side in (0, 1))
    return Speed(math.exp(statistics.fmean(logs)), tuple(_unlike(first, second)))


def _median(pool: Pool) -> float:
    return statistics.median(record.volatile.steps_per_s for record in pool.records)


def _unlike(a: Sequence[Record], b: Sequence[Record]) -> Iterable[str]:
    facts = {
        "device": lambda record: record.numerics.device_kind,
        "machine": lambda record: record.volatile.machine_label,
        "seeds at a time": lambda record: str(record.seed_batch),
    }
    for name, fact in facts.items():
        first, second = ({fact(record) for record in side} for side in (a, b))
        if first != second:
            yield f"{name}: {_listed(first)} and {_listed(second)}"
    loads = [[record.volatile.load[0] for record in side if record.volatile.load] for side in (a, b)]
    if all(loads) and abs(statistics.median(loads[0]) - statistics.median(loads[1])) > LOADS_APART:
        yield f"load: {statistics.median(loads[0]):.1f} and {statistics.median(loads[1]):.1f}"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))
