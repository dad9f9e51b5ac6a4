"""What an entry is and where its numbers come from: cost, gates, configuration, records, versions."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from memorax_bench.board import words
from memorax_bench.board.grids import Cell, Column, Grid, Line, grid
from memorax_bench.board.rankings import Entry
from memorax_bench.board.views.cells import commit_text
from memorax_bench.records.gates import TOLERANCES
from memorax_bench.records.pooling import seed_ranges
from memorax_bench.report.costs import Range
from memorax_bench.suite.choices import rate_text


def costs(entry: Entry) -> list[tuple[str, str, str]]:
    """What, how much, in which sense."""
    cost = entry.cost
    return [
        ("Parameters of the torso", words.between(cost.torso_parameters, words.exact), ""),
        ("Parameters of all networks", words.between(cost.parameters, words.exact), ""),
        ("State", _with("bytes", cost.state_bytes, words.exact), "carried for one environment"),
        ("Training", _with("FLOPs", cost.flops_per_env_step), "for each environment step"),
        ("Acting", _with("µs", _twice(cost.step_us)), "a step, one environment"),
        ("Throughput", _with("steps/s", _twice(cost.steps_per_s)), f"{' + '.join(cost.devices)}, all seeds of a batch"),
        ("Scratch memory", _with("bytes", cost.temp_bytes), "of the training program"),
        ("Compilation", _with("s", _twice(cost.compile_s), "{:.1f}".format), "of programs that were in no cache"),
    ]


def _with(unit: str, low_high: Range, write: Callable[[float], str] = words.count) -> str:
    return "not measured" if low_high is None else f"{words.between(low_high, write)} {unit}"


def _twice(value: float | None) -> Range:
    return None if value is None else (value, value)


def gates(entry: Entry) -> Grid:
    lines = []
    for name, passed in entry.row.gates.items():
        measured = [record.gates[name] for record in entry.records if name in record.gates]
        errors = [gate.max_rel for gate in measured if gate.max_rel is not None]
        count = sum(gate.passed for gate in measured)
        verdict = f"passed in {count} of {len(measured)} records"
        cells = (
            Cell(name.replace("_", " "), name, header=True),
            Cell(words.GATES.get(name, ""), look="wrap"),
            Cell(words.error(max(errors, default=None)), max(errors, default=None)),
            Cell(words.error(TOLERANCES.get(name)), TOLERANCES.get(name)),
            Cell(verdict, look="" if passed else "bad"),
        )
        lines.append(Line(cells))
    columns = (
        Column("Gate", number=False),
        Column("What holds", number=False),
        Column("Largest error", "The worst of all records, relative."),
        Column("Allowed"),
        Column("Verdict", number=False),
    )
    return grid("gates", f"Laws and gates of {'/'.join(entry.name)}", columns, lines, plain=True)


def settings(config: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Torso, algorithm and network with every default filled in. Of one task: where a suite says so, others differ."""
    found = []
    for part in ("torso", "algorithm", "network"):
        section = config.get(part)
        values = dict(section) if isinstance(section, Mapping) else {}
        nested = values.pop("settings", None)
        flat = {**values, **(nested if isinstance(nested, Mapping) else {})}
        found.append((part, [(str(name), _written(value)) for name, value in flat.items()]))
    return found


def _written(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def tuning(entry: Entry) -> list[tuple[str, str]]:
    """How its settings were found, and what that took: of the first record, the others have the same track."""
    cell = entry.records[0].cell
    found, facts = cell.tuning, [("Track", f"{cell.track}: {words.TRACKS.get(cell.track, '')}")]
    if found is not None:
        facts += [("Settings tried", f"{found.trials:,}"), ("Seeds of the trials", seed_ranges(found.seeds))]
        facts.append(("Environment steps of all trials", f"{found.env_steps:,}"))
        if found.suite:
            facts.append(("Tried on", found.suite))
        scores = (found.scores or {}).items()
        facts += [(f"Score at {rate_text(rate)}", words.value(score)) for rate, score in scores]
    return facts


def records(entry: Entry) -> Grid:
    lines = []
    for stored in entry.stored:
        record = stored.record
        place = "/".join(stored.path.parts[-7:])
        cells = (
            Cell(record.cell.task, record.cell.task, header=True),
            Cell(record.run_id, record.run_id, look="code"),
            Cell(seed_ranges(record.seeds)),
            Cell(record.volatile.created_utc[:16].replace("T", " "), record.volatile.created_utc),
            Cell(commit_text(record.code.commit, record.code.dirty_sha256), look="code"),
            Cell(record.code.code_hash[:8], look="code"),
            Cell(record.result_hash[:8], look="code"),
            Cell(record.numerics.device_kind, record.numerics.device_kind),
            Cell(f"{record.steps_done:,}", record.steps_done),
            Cell(place, look="code"),
        )
        lines.append(Line(cells))
    columns = (
        Column("Task", number=False),
        Column("Run", "Known before it ran: of configuration, code, device, seeds.", number=False),
        Column("Seeds", number=False, key="unsorted"),
        Column("Made (UTC)", number=False),
        Column("Commit", number=False),
        Column("Code", "Hash of the modules behind it.", number=False),
        Column("Result", "Hash of what was measured.", number=False),
        Column("Device", number=False),
        Column("Steps done"),
        Column("Record", "Below the folder of results.", number=False),
    )
    return grid("records", f"Records behind {'/'.join(entry.name)}", columns, lines)


def versions(entry: Entry) -> list[tuple[str, str]]:
    """Packages, numerics and the machine, each with every value that the records have."""
    found: dict[str, set[str]] = {}
    for record in entry.records:
        numerics = record.numerics
        named = {
            **record.versions,
            "jax": numerics.jax,
            "jaxlib": numerics.jaxlib,
            "task": record.comparable.task_package,
        }
        named |= {"matmul precision": numerics.matmul, "random numbers": numerics.prng}
        named |= {"64 bit": "yes" if numerics.x64 else "no", "machine": record.volatile.machine_label}
        for name, value in named.items():
            found.setdefault(name, set()).add(value)
    return [(name, ", ".join(sorted(values))) for name, values in sorted(found.items())]
