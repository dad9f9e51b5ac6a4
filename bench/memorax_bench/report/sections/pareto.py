"""What a score costs: the ranked mean against throughput and the size of the memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from memorax_bench import stats
from memorax_bench.report.frame import Frame
from memorax_bench.report.render import numbers
from memorax_bench.report.sections.section import Section
from memorax_bench.report.standings import Standing
from memorax_bench.report.tables import Table

WORDS = (
    "The family-weighted mean against environment steps a second in training, all seeds of a batch together, median "
    "over the tasks. The area of a mark grows with the bytes of memory of one environment. On the line: no other row "
    "is both better and faster. Steps a second are compared on one kind of device only, a panel each."
)


@dataclass(frozen=True)
class Price:
    """One row: what it reaches, how fast (environment steps a second), how much it carries (bytes an environment)."""

    torso: str
    algorithm: str
    device: str
    score: stats.Estimate
    steps_per_s: float
    state_bytes: int
    best: bool


def pareto_section(table: Table, frame: Frame, found: Sequence[Standing]) -> Section | None:
    """The section, None where no complete row was run on one kind of device."""
    prices = prices_of(found)
    if not prices:
        return None
    mixed = [standing.row for standing in found if len(standing.row.devices) > 1]
    names = ", ".join(frame.name(row.algorithm, row.torso) for row in mixed)
    return Section(
        name="pareto",
        title="Score and throughput",
        caption="what a score costs",
        words=WORDS,
        rows=[_csv(price) for price in prices],
        save=partial(_save, frame, prices),
        remarks=(f"run on several kinds of device, and left out here: {names}",) if mixed else (),
    )


def prices_of(found: Sequence[Standing]) -> tuple[Price, ...]:
    """`best`: on its device, none of the same algorithm is both better and faster."""
    rows = [standing for standing in found if len(standing.row.devices) == 1 and standing.row.steps_per_s]
    return tuple(
        Price(
            torso=standing.row.torso,
            algorithm=standing.row.algorithm,
            device=standing.row.devices[0],
            score=standing.mean,
            steps_per_s=standing.row.steps_per_s,
            state_bytes=max(standing.row.state_bytes, default=0),
            best=not any(_beats(other, standing) for other in rows),
        )
        for standing in rows
    )


def _beats(one: Standing, other: Standing) -> bool:
    if (one.row.algorithm, one.row.devices) != (other.row.algorithm, other.row.devices):
        return False
    mine, others = (one.mean.value, one.row.steps_per_s), (other.mean.value, other.row.steps_per_s)
    return mine != others and all(a >= b for a, b in zip(mine, others, strict=True))


def _csv(price: Price) -> dict[str, object]:
    line: dict[str, object] = {"algorithm": price.algorithm, "torso": price.torso, "device": price.device}
    line |= {"steps_per_s": price.steps_per_s, "state_bytes": price.state_bytes, "n": price.score.n}
    return {**line, **numbers("mean", price.score), "pareto": price.best}


def _save(frame: Frame, prices: tuple[Price, ...], stem: Path):
    from memorax_bench.report.figures import pareto  # matplotlib

    return pareto.save_pareto(frame, prices, stem)
