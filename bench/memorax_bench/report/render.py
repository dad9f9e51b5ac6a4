"""A comparison table in words and numbers: aligned for the terminal, cells for files, plain rows for the CSV; notes."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from memorax_bench import stats
from memorax_bench.identity import UNTUNED
from memorax_bench.records.pooling import cell_name, seed_ranges
from memorax_bench.report.tables import Column, Row, Table, TableCell

MISSING = "—"
NAMES = ("algorithm", "torso", "device", "")  # columns of words
UNDEFINED = "-"
FAILED_MARK = "†"
LEGEND = (
    f"gain: (score - better control) / (ceiling - better control); {UNDEFINED} for controls and where it is not "
    f"defined. solved: ranked families whose whole interval is >= {stats.SOLVED_AT:g}. steps/s: environment steps a "
    "second, all seeds of a batch together, median over tasks. state B: bytes carried per environment. "
    f"{MISSING}: not run."
)


def number(value: float) -> str:
    """Two decimals without the leading zero: `.98`, `-.01`, `1.0`; three digits from 10 up."""
    if not math.isfinite(value):
        return "?"
    if abs(value) >= 10:
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"
    text = f"{value:.2f}"
    if float(text) == int(float(text)):
        return ".00" if float(text) == 0 else f"{float(text):.1f}"
    return text.replace("0.", ".", 1) if abs(float(text)) < 1 else text


def magnitude(value: float) -> str:
    """`84k`, `1.2M`: two or three digits, for counts that are only compared."""
    for factor, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor * 0.9995:
            scaled = value / factor
            return f"{scaled:.1f}".removesuffix(".0") + suffix if scaled < 9.95 else f"{scaled:.0f}{suffix}"
    return f"{value:.0f}"


def estimate_text(estimate: stats.Estimate | stats.Difference) -> str:
    """`.98 [.97,.99]`, without the brackets where one seed gives no interval."""
    if not math.isfinite(estimate.low):
        return number(estimate.value)
    return f"{number(estimate.value)} [{number(estimate.low)},{number(estimate.high)}]"


def caption(table: Table) -> str:
    """What the numbers are: statistic, interval, n, whether they rank, device kinds."""
    interval, steps = table.suite.scoring.interval, table.suite.protocol.total_env_steps
    own = {c.title: table.suite.tasks[t].total_env_steps for c in table.columns for t in c.tasks}
    others = ", ".join(f"{title}: {value:,}" for title, value in own.items() if value not in (None, steps))
    budget = f"{steps:,} steps" + (f" ({others})" if others else "")
    sizes = {row.n for row in table.rows if row.n[1]}
    n = f", n={_span(*next(iter(sizes)))}" if len(sizes) == 1 else ""
    why = status(table)
    inside = f"{interval.level * 100:g}% {interval.method}{n}{f' *{why}' if why else ''}"
    devices = " and ".join(sorted({device for row in table.rows for device in row.devices})) or "nothing run yet"
    tracks = ", ".join(sorted({row.track for row in table.rows} - {UNTUNED}))
    return f"normalised return at {budget}; mean [{inside}]; {devices}{f'; track {tracks}' if tracks else ''}"


def status(table: Table) -> str:
    """What keeps every row from being ranked, or nothing."""
    if table.draft:
        return "draft, never ranked"
    shared = shared_reasons(table)
    return f"not ranked: {', '.join(shared)}" if shared else ""


def shared_reasons(table: Table) -> tuple[str, ...]:
    """The reasons for not being ranked that all measured rows have in common."""
    measured = [row for row in table.rows if row.n[1]]
    first = measured[0].why_unranked if measured else ()
    return tuple(reason for reason in first if all(reason in row.why_unranked for row in measured))


def grid(table: Table) -> tuple[list[str], list[list[str]]]:
    """Header and cells as shown. Columns that would say the same in every row are in the caption instead."""
    algorithms = len({row.algorithm for row in table.rows}) > 1
    ragged = len({row.n for row in table.rows if row.n[1]}) > 1
    mixed = len({row.devices for row in table.rows if row.devices}) > 1 or any(len(r.devices) > 1 for r in table.rows)
    header = ["algorithm"] * algorithms + ["torso"] + ["n"] * ragged + ["mean"] * (table.families > 1)
    header += [column_title(column) for column in table.columns]
    header += ["gain", "solved", "steps/s", "torso params", "state B", "gates"] + ["device"] * mixed + [""]
    shared, body = shared_reasons(table), []
    for row in table.rows:
        cells = [row.algorithm] * algorithms + [row.torso] + [_span(*row.n)] * ragged
        cells += [estimate_text(row.primary) if row.primary else MISSING] * (table.families > 1)
        cells += [_cell(cell) for cell in row.cells] + _measures(row, table.families)
        cells += [" + ".join(row.devices) or MISSING] * mixed
        body.append([*cells, _marks(row, shared, table.draft)])
    return header, body


def column_title(column: Column) -> str:
    """The family or task, starred where it is not ranked."""
    return column.title if column.why_unranked is None else f"{column.title}*"


def to_text(table: Table) -> str:
    """The table for the terminal."""
    return aligned(*grid(table))


def aligned(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Aligned columns, each as wide as its widest cell."""
    widths = [max(len(line[i]) for line in (header, *body)) for i in range(len(header))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (header, *body))
    return "\n".join(f" {line}".rstrip() for line in lines)


def to_rows(table: Table) -> list[dict[str, object]]:
    """The table in full precision: one mapping per row, None where there is no number."""
    rows = []
    for row in table.rows:
        line: dict[str, object] = {"algorithm": row.algorithm, "torso": row.torso}
        line |= {"role": row.role or "", "track": row.track, "n_min": row.n[0], "n_max": row.n[1]}
        line |= numbers("mean", row.primary)
        for column, cell in zip(table.columns, row.cells, strict=True):
            line |= numbers(column.title, cell.estimate)
            line |= {f"{column.title}_failed": cell.failed if cell.estimate else None}
        line |= {"gain": row.gain, "solved": row.solved, "families": table.families, "steps_per_s": row.steps_per_s}
        line |= {"torso_parameters": _join(row.torso_parameters), "state_bytes": _join(row.state_bytes)}
        line |= {"gates_passed": sum(row.gates.values()), "gates": len(row.gates), "device": _join(row.devices)}
        why = ("draft", *row.why_unranked) if table.draft else row.why_unranked
        rows.append(line | {"ranked": not why, "why_not": "; ".join(why)})
    return rows


def notes(table: Table) -> list[str]:
    """What the table cannot say: unranked columns, missing, failed and left-out runs, one sentence each."""
    return [
        *(_column_note(column, table) for column in table.columns if column.why_unranked is not None),
        *(
            f"{task}: a control comes within reach of the ceiling, so it shows no need for memory"
            for task in table.no_need
        ),
        *(f"n/a: {pair.name}: {pair.reason}" for pair in table.not_applicable),
        *_missing_notes(table),
        *_failed_notes(table),
        *(note for row in table.rows for note in _gate_notes(row)),
        *_device_notes(table),
        *(note for pool in table.pools.values() for note in pool.notes),
        *table.left_out,
    ]


def _column_note(column: Column, table: Table) -> str:
    adds = table.memory_adds.get(column.tasks[0])
    more = "" if adds is None else f"; memory adds <= {number(adds)}"
    return f"*{column.title} is not ranked: {column.why_unranked}{more}"


def _missing_notes(table: Table) -> Iterable[str]:
    """Cells that nobody has tried in a line for each task, all others in one each."""
    untried: dict[str, list[str]] = {}
    grid = Counter(task for task, _, _ in table.pools)
    for key, pool in table.pools.items():
        lacking = set(table.seeds) - {run.seed for run in pool.runs}
        failed = f" (last attempt: {table.failures[key].kind})" if key in table.failures else ""
        if not pool.runs and failed:
            yield f"missing: {cell_name(pool.cell)}{failed}"
        elif not pool.runs:
            untried.setdefault(key[0], []).append(f"{key[1]}/{key[2]}")
        elif lacking:
            asked = f"of {len(table.seeds)} asked for are missing{failed}"
            yield f"{cell_name(pool.cell)}: seeds {seed_ranges(lacking)} {asked}"
    for task, names in untried.items():
        whole = len(names) == grid[task] > 1
        yield f"missing: {task} {f'(all {len(names)} entries)' if whole else ', '.join(names)}"


def _failed_notes(table: Table) -> Iterable[str]:
    for pool in table.pools.values():
        if pool.failed:
            count = f"{len(pool.failed)} of {len(pool.runs)} seeds diverged (seed {seed_ranges(pool.failed)})"
            yield f"{FAILED_MARK}{cell_name(pool.cell)}: {count}, counted as {pool.cell.task.hard_min:g}"


def _gate_notes(row: Row) -> Iterable[str]:
    failed = [name for name, passed in row.gates.items() if not passed]
    if failed:
        yield f"{row.algorithm}/{row.torso}: gates not passed: {', '.join(failed)}"


def _device_notes(table: Table) -> Iterable[str]:
    for row in table.rows:
        if len(row.devices) > 1:
            mine = [pool for pool in table.pools_by_row[row.algorithm, row.torso].values() if pool.runs]
            where = ", ".join(f"{pool.cell.task_label} on {pool.device_kind}" for pool in mine)
            yield f"{row.algorithm}/{row.torso} mixes devices: {where}"


def _cell(cell: TableCell) -> str:
    if cell.estimate is None:
        return "n/a" if cell.state == "n/a" else MISSING
    return estimate_text(cell.estimate) + FAILED_MARK * (cell.failed > 0)


def _measures(row: Row, families: int) -> list[str]:
    if not row.n[1]:
        return [MISSING] * 6
    return [
        UNDEFINED if row.gain is None else number(row.gain),
        f"{row.solved}/{families}",
        magnitude(row.steps_per_s or 0.0),
        "-".join(magnitude(count) for count in _ends(row.torso_parameters)),
        "-".join(str(size) for size in _ends(row.state_bytes)),
        f"{sum(row.gates.values())}/{len(row.gates)}",
    ]


def _marks(row: Row, shared: Sequence[str], draft: bool) -> str:
    own = [] if draft else [reason for reason in row.why_unranked if reason not in shared]
    return "; ".join([row.role] * (row.role is not None) + [f"not ranked: {', '.join(own)}"] * bool(own))


def numbers(name: str, estimate: stats.Estimate | stats.Difference | None) -> dict[str, float | None]:
    """An estimate as the CSV has it: `name`, `name_low`, `name_high`; None where there is no number."""
    values = (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
    finite = [None if value is None or math.isnan(value) else value for value in values]
    return dict(zip((name, f"{name}_low", f"{name}_high"), finite, strict=True))


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"


def _ends(values: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys((values[0], values[-1]))) if values else ()


def _join(values: Iterable[object]) -> str:
    return " + ".join(str(value) for value in values)
