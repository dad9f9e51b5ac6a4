"""The verb `run`: plan, adopt, execute, say how it went."""

import sys
from pathlib import Path

from memorax_bench import errors
from memorax_bench.plan import Action, Plan, code_hashes, counts, plan
from memorax_bench.report import row_command
from memorax_bench.store import Store
from memorax_bench.suite import ResolvedSuite


def run_suite(
    resolved: ResolvedSuite, arguments: list[str], results: Path, seed_batch: int | None, fail_fast: bool
) -> int:
    """Runs what is missing and returns the exit code. jax is not imported where nothing is to do."""
    from memorax_bench.platforms import device_kind

    store = Store(results)
    codes = code_hashes(resolved)

    def planned() -> Plan:
        return plan(resolved, store.scan(resolved.label), codes, device_kind(), seed_batch)

    todo = planned()
    for warning in todo.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if not todo.to_do:
        print(f"{len(todo.actions)} cells: {counts(todo.actions)}; nothing to do -> {results / resolved.label}")
        return errors.EXIT_OK

    import jaxlib
    from rich.console import Console

    from memorax_bench.device import use_compilation_cache
    from memorax_bench.doctor import foreign_packages
    from memorax_bench.engine import Engine
    from memorax_bench.preflight import refuse_settings
    from memorax_bench.screen import make_screen

    wrong = foreign_packages()
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return errors.EXIT_INVALID
    refuse_settings(resolved)
    use_compilation_cache()
    console = Console(soft_wrap=True)
    cells = len(todo.actions)
    print(f"{resolved.label}: {cells} cell{'' if cells == 1 else 's'}: {counts(todo.actions)}")

    def rerun(action: Action) -> str:
        cell = action.cell
        others = [argument for argument in arguments if not argument.startswith("tasks=")]
        return row_command([*others, f"tasks=[{cell.task_label}]"], cell.algorithm_label, cell.torso_label)

    engine = Engine(store, make_screen(console, rerun), tuple(arguments), fail_fast)
    if engine.adopt(todo, codes, jaxlib.__version__):
        todo = planned()
    outcome = engine.execute(todo, codes)
    parts = [
        f"{outcome.done - outcome.diverged} ok",
        f"{outcome.diverged} with diverged seeds" if outcome.diverged else "",
        f"{outcome.failed} failed" if outcome.failed else "",
        f"{outcome.adopted} adopted" if outcome.adopted else "",
        f"{outcome.elsewhere} by other processes" if outcome.elsewhere else "",
    ]
    code = errors.EXIT_OK if outcome.all_well else errors.EXIT_CELLS_FAILED
    print(f"{', '.join(filter(None, parts))} -> {results / resolved.label}" + (f" (exit {code})" if code else ""))
    return code
