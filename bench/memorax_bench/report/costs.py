"""What each row of a comparison cost, from its records: sizes, work and times, each column with its unit."""

import statistics
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from memorax_bench.records.record import Record
from memorax_bench.report.render import MISSING, aligned, magnitude
from memorax_bench.report.tables import Row, Table

Range = tuple[float, float] | None  # the least and the most over the records; None: no record knows

LEGEND = (
    "params: of all networks. torso params, state B: of the torso, and the bytes it carries for one environment. "
    "step us: microseconds from an observation to an action, one environment, median. train FLOPs/step: floating-point "
    "operations of training for each environment step, of matrix products and convolutions. temp B: bytes of scratch "
    "memory of the training program, all seeds of a batch together. compile s: seconds, of programs that were in no "
    "cache. steps/s: environment steps a second, all seeds of a batch together. Times are medians over the records. "
    f"{MISSING}: not measured."
)


@dataclass(frozen=True)
class CostRow:
    """One (algorithm, torso): ranges where tasks differ, medians of what is timed (None: no record has it)."""

    algorithm: str
    torso: str
    parameters: Range
    torso_parameters: Range
    state_bytes: Range
    step_us: float | None
    flops_per_env_step: Range
    temp_bytes: Range
    seed_batch: Range
    compile_s: float | None
    steps_per_s: float | None
    devices: tuple[str, ...]


def cost_rows(table: Table) -> tuple[CostRow, ...]:
    """In the order of the table; only rows with records."""
    return tuple(_row(row, records) for row in table.rows if (records := _records(table, row)))


def cost_text(table: Table) -> str:
    """Aligned, for a terminal, with what the columns are."""
    legend = textwrap.fill(LEGEND, 118, initial_indent=" ", subsequent_indent=" ")
    return f"{aligned(*cost_grid(table))}\n{legend}"


def cost_csv(table: Table) -> list[dict[str, Any]]:
    """In full precision: one mapping per row, None where there is no number; units are in the names."""
    lines = []
    for row in cost_rows(table):
        line: dict[str, Any] = {"algorithm": row.algorithm, "torso": row.torso}
        for name in ("parameters", "torso_parameters", "state_bytes", "flops_per_env_step", "temp_bytes", "seed_batch"):
            low, high = vars(row)[name] or (None, None)
            line |= {f"{name}_min": low, f"{name}_max": high}
        times = {"step_us": row.step_us, "compile_s": row.compile_s, "steps_per_s": row.steps_per_s}
        lines.append({**line, **times, "device": " + ".join(row.devices)})
    return lines


def _records(table: Table, row: Row) -> tuple[Record, ...]:
    pools = table.pools_by_row[row.algorithm, row.torso].values()
    return tuple({record.run_id: record for pool in pools for record in pool.records}.values())


def _row(row: Row, records: tuple[Record, ...]) -> CostRow:
    def over(value: Callable[[Record], float | None]) -> Range:
        known = [found for found in map(value, records) if found is not None]
        return (min(known), max(known)) if known else None

    timings = [record.volatile.timing for record in records]
    steps = [timing.step for timing in timings if timing.step is not None]
    return CostRow(
        algorithm=row.algorithm,
        torso=row.torso,
        parameters=over(lambda record: record.cost.parameters),
        torso_parameters=over(lambda record: record.cost.torso_parameters),
        state_bytes=over(lambda record: record.cost.state_bytes),
        step_us=_median(1e6 * seconds for seconds in steps),
        flops_per_env_step=over(lambda record: record.cost.flops_per_env_step and record.cost.flops_per_env_step.value),
        temp_bytes=over(lambda record: record.cost.temp_bytes),
        seed_batch=over(lambda record: record.seed_batch),
        compile_s=_median(timing.compile for timing in timings if timing.cache != "hit"),
        steps_per_s=_median(record.volatile.steps_per_s for record in records),
        devices=row.devices,
    )


def cost_grid(table: Table) -> tuple[list[str], list[list[str]]]:
    """Header and cells as shown."""
    rows = cost_rows(table)
    algorithms, mixed = len({row.algorithm for row in rows}) > 1, len({row.devices for row in rows}) > 1
    header = ["algorithm"] * algorithms + ["torso", "params", "torso params", "state B", "step us"]
    header += ["train FLOPs/step", "temp B", "compile s", "steps/s"] + ["device"] * mixed
    body = [
        [
            *[row.algorithm] * algorithms,
            row.torso,
            _span(row.parameters, magnitude),
            _span(row.torso_parameters, magnitude),
            _span(row.state_bytes, lambda count: f"{count:.0f}"),
            _shown(row.step_us, magnitude),
            _span(row.flops_per_env_step, magnitude),
            _span(row.temp_bytes, magnitude),
            _shown(row.compile_s, lambda seconds: f"{seconds:.1f}"),
            _shown(row.steps_per_s, magnitude),
            *[" + ".join(row.devices)] * mixed,
        ]
        for row in rows
    ]
    return header, body


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None


def _span(value: Range, text: Callable[[float], str]) -> str:
    return MISSING if value is None else "-".join(dict.fromkeys(map(text, value)))


def _shown(value: float | None, text: Callable[[float], str]) -> str:
    return MISSING if value is None else text(value)
