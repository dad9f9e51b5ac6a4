"""The verb `profile`: one cell, where its time goes. Writes no record and takes no claim."""

import dataclasses
import json
import shlex
import shutil
import sys
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from memorax_bench import errors
from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.identity import seed_key_words
from memorax_bench.records import provenance
from memorax_bench.records.store import Store
from memorax_bench.running.plan import code_hashes, plan
from memorax_bench.running.platforms import device_kind, worker_count
from memorax_bench.running.widths import Widths
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.verbs.doctor import foreign_packages
from memorax_bench.verbs.profile_screen import Subject, render
from memorax_bench.verbs.screen import headline

TRACE, DATA = "trace", "profile.json"


@dataclasses.dataclass(frozen=True)
class Options:
    """What is measured, and where it is written. `seed_batch`: as `run` would have it, where it is None."""

    results: Path
    out: Path
    seed_batch: int | None = None
    segments: int = 3
    trace: bool = True


def profile_cell(resolved: ResolvedSuite, arguments: Sequence[str], options: Options) -> int:
    """Shows and writes it; returns the exit code. Raises UsageProblems where there is not exactly one cell."""
    cell = _only_cell(resolved, arguments)
    wrong = foreign_packages()
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return errors.EXIT_INVALID
    from memorax_bench.cell.preflight import refuse_settings

    refuse_settings(resolved)
    subject = _subject(resolved, cell, options)
    folder = _make_folder(options.out.joinpath(resolved.label, *cell.labels), options.trace)
    try:
        made = _measure(resolved, cell, subject, folder / TRACE if options.trace else None)
    except Exception as error:  # of the cell, as it would fail in a run
        lines = "".join(traceback.format_exception(error)[-6:]).splitlines()
        said = headline(f"{type(error).__name__}: {error}")
        print("\n".join([*lines[-20:], f" FAIL  {_name(cell)}  {said[:300]}"]), file=sys.stderr)
        return errors.EXIT_CELLS_FAILED
    (folder / DATA).write_text(json.dumps(_plain(made, subject, cell), indent=1), encoding="utf-8")
    print(render(made, subject, folder / DATA))
    return errors.EXIT_OK


def _only_cell(resolved: ResolvedSuite, arguments: Sequence[str]) -> Cell:
    if len(resolved.cells) == 1:
        return resolved.cells[0]
    if not resolved.cells:
        reasons = "; ".join(f"{pair.name}: {pair.reason}" for pair in resolved.not_applicable)
        raise UsageProblems(
            [Problem("there is no such cell", fix=reasons or "choose other tasks, algorithms or torsos")]
        )
    named = [_name(cell) for cell in resolved.cells]
    kept = [argument for argument in arguments if not argument.startswith(("tasks=", "algorithms=", "torsos="))]
    axes = zip(("tasks", "algorithms", "torsos"), resolved.cells[0].labels, strict=True)
    command = shlex.join(["memorax-bench", "profile", *kept, *(f"{axis}=[{label}]" for axis, label in axes)])
    message = f"one cell is profiled at a time, and {len(named)} are chosen"
    raise UsageProblems([Problem(message, allowed=named, fix=f"for example: {command}")])


def _name(cell: Cell) -> str:
    return f"{cell.task_label} {cell.algorithm_label}/{cell.torso_label}"


def _subject(resolved: ResolvedSuite, cell: Cell, options: Options) -> Subject:
    """What `run` would do with the cell, by its plan."""
    kind, widths = device_kind(), Widths(options.results, device_kind())
    scan = Store(options.results).scan(resolved.label)
    made = plan(resolved, scan, code_hashes(resolved), kind, options.seed_batch, widths=widths, workers=worker_count())
    action, seeds = made.actions[0], resolved.seeds
    width = action.seed_batch
    unmeasured = action.width_is_open and kind != "cpu" and len(seeds) > 1 and widths.get(cell.config) is None
    return Subject(
        label=resolved.label,
        cell=cell.labels,
        total_env_steps=cell.config["protocol"]["total_env_steps"],
        seeds=seeds[:width],
        chunks=-(-len(seeds) // width),
        seed_batch=width,
        segments=options.segments,
        width_is_open=unmeasured,
        machine=provenance.machine_label(),
        load=provenance.load(),
    )


def _make_folder(folder: Path, trace: bool) -> Path:
    try:
        if trace:
            shutil.rmtree(folder / TRACE, ignore_errors=True)  # of an earlier profile of the cell
        folder.mkdir(parents=True, exist_ok=True)
        (folder / DATA).unlink(missing_ok=True)
    except OSError as error:
        fix = "choose another with --out DIR"
        raise UsageProblems([Problem(f"cannot be written: {error.strerror}", str(folder), fix=fix)]) from None
    return folder


def _measure(resolved: ResolvedSuite, cell: Cell, subject: Subject, folder: Path | None) -> Any:
    from memorax_bench.cell.device import no_compilation_cache
    from memorax_bench.cell.profiling import Request, measure

    request = Request(
        config=cell.config,
        key_words=partial(seed_key_words, resolved.benchmark_hash, cell.task_label),
        seeds=subject.seeds,
        seed_batch=subject.seed_batch,
        chunks=subject.chunks,
        segments=subject.segments,
        folder=folder,
    )
    with no_compilation_cache():
        return measure(request, lambda line: print(line, file=sys.stderr))


def _plain(made: Any, subject: Subject, cell: Cell) -> dict[str, Any]:
    """The document: all that is shown, in full precision, and what it is of."""
    from memorax_bench.cell.device import numerics, versions

    phases = [
        {**dataclasses.asdict(phase), "median": phase.median, "total": phase.total, "share": made.share(phase.name)}
        for phase in made.phases
    ]
    about = {**dataclasses.asdict(subject), "config": cell.config, "config_hash": cell.config_hash}
    found = {**dataclasses.asdict(made), "phases": phases, "total": made.total}
    return _json({"schema": 1, **about, "numerics": numerics(), "versions": versions(), "profile": found})


def _json(value: Any) -> Any:
    """Of plain data with paths in it."""
    match value:
        case dict():
            return {name: _json(part) for name, part in value.items()}
        case list() | tuple():
            return [_json(part) for part in value]
        case Path():
            return str(value)
    return value
