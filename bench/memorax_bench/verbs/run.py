"""The verb `run`: plan, adopt, execute, say how it went."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Literal

from memorax_bench import errors
from memorax_bench.records.store import Store
from memorax_bench.report.write import row_command
from memorax_bench.running.engine import Engine, Policy
from memorax_bench.running.launchers import make_launcher
from memorax_bench.running.plan import Plan, code_hashes, counts, plan
from memorax_bench.running.widths import MEASURE, Widths
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.trials import refuse_untuned
from memorax_bench.verbs.screen import make_screen


@dataclass(frozen=True)
class Options:
    """How a suite is run; none of it changes a result. `launcher` is a key of `launchers.LAUNCHERS`."""

    seed_batch: int | Literal["measure"] | None = None  # None: measured on accelerators, else at most 8
    policy: Policy = field(default_factory=Policy)
    launcher: str = "local"
    workers: int | None = None  # at a time; None: one a device
    compile_ahead: bool | None = None  # None: but on a CPU, where it would take the cores that are measured
    launcher_options: Mapping[str, str] = field(default_factory=dict)


def run_suite(
    resolved: ResolvedSuite,
    arguments: list[str],
    results: Path,
    options: Options | None = None,
    again: Callable[[Cell], str] | None = None,
) -> int:
    """Runs what is missing and returns the exit code. This process imports no jax, but for the checks of settings.

    again: the command that tries a cell again; by default `run` with these arguments and that cell only
    """
    from memorax_bench.running.platforms import device_kind

    refuse_untuned(resolved, arguments)
    options = options or Options()
    store = Store(results)
    codes = code_hashes(resolved)

    width = None if options.seed_batch == MEASURE else options.seed_batch

    def planned(kind: str, workers: int) -> Plan:
        scan, widths = store.scan(resolved.label), Widths(results, kind)
        return plan(resolved, scan, codes, kind, width, widths=widths, workers=workers)

    kind = device_kind()
    todo = planned(kind, 1)  # whether there is anything to do depends on no device
    for warning in todo.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if not todo.to_do:
        print(f"{len(todo.actions)} cells: {counts(todo.actions)}; nothing to do -> {results / resolved.label}")
        return errors.EXIT_OK
    ahead = kind != "cpu" if options.compile_ahead is None else options.compile_ahead
    own, timeout = options.launcher_options, options.policy.timeout
    with make_launcher(options.launcher, options.workers, ahead, own, results, timeout, kind == "cpu") as launcher:
        replan = partial(planned, launcher.device_kind or kind, launcher.devices)
        if launcher.device_kind not in (None, kind) or launcher.devices > 1:
            todo = replan()
        again = again or partial(_again, arguments)
        return _run(resolved, arguments, results, options, launcher, replan, todo, codes, again)


def _again(arguments: list[str], cell: Cell) -> str:
    others = [argument for argument in arguments if not argument.startswith("tasks=")]
    return row_command([*others, f"tasks=[{cell.task_label}]"], cell.algorithm_label, cell.torso_label)


def _run(resolved, arguments, results, options, launcher, replan, todo, codes, again) -> int:
    from rich.console import Console

    from memorax_bench.cell.preflight import refuse_settings
    from memorax_bench.running.platforms import leave_accelerators_alone
    from memorax_bench.verbs.doctor import foreign_packages

    wrong = foreign_packages()
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return errors.EXIT_INVALID
    if not launcher.in_this_process:
        leave_accelerators_alone()
    refuse_settings(resolved)
    kind, cells = todo.device_kind, len(todo.actions)
    print(f"{resolved.label}: {cells} cell{'' if cells == 1 else 's'}: {counts(todo.actions)}")

    screen = make_screen(Console(soft_wrap=True), lambda action: again(action.cell))
    engine = Engine(Store(results), launcher, screen, tuple(arguments), kind, options.policy)
    if engine.adopt(todo, codes, metadata.version("jaxlib")):
        todo = replan()
    measure = options.seed_batch == MEASURE or (options.seed_batch is None and kind != "cpu")
    if measure and engine.measure_widths(todo, Widths(results, kind)):
        todo = replan()
    outcome = engine.execute(todo, codes)
    parts = [
        f"{outcome.done - outcome.diverged} ok",
        f"{outcome.diverged} with diverged seeds" if outcome.diverged else "",
        f"{outcome.failed} failed" if outcome.failed else "",
        f"{outcome.adopted} adopted" if outcome.adopted else "",
        f"{outcome.elsewhere} by other processes" if outcome.elsewhere else "",
    ]
    if outcome.stopped:
        print(f"stopped: {outcome.stopped}; what is done is kept: run the same command to go on", file=sys.stderr)
    code = errors.EXIT_STOPPED if outcome.stopped else errors.EXIT_OK if outcome.all_well else errors.EXIT_CELLS_FAILED
    print(f"{', '.join(filter(None, parts))} -> {results / resolved.label}" + (f" (exit {code})" if code else ""))
    return code
