"""The commands that train, and those that show what there is to train: `run`, `tune`, `plan`, `status`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from memorax_bench.commands.options import Arguments, Results, Width, difference, explained, resolve_suite

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog="Exit: 0 done, 2 a mistake in the arguments or the suite, 3 some cells failed (the rest is kept), "
    "7 stopped because nothing can be written, 130 interrupted. After 7 and 130, run again to go on."
)
@explained
def run(
    arguments: Arguments = None,
    results: Results = Path("results"),
    seed_batch: Width = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast/--keep-going", help="Stop at the first failure, or go on with other cells.")
    ] = False,
    retry: Annotated[
        int,
        typer.Option("--retry", min=0, help="Times to try a failed cell again; without memory with half the seeds."),
    ] = 0,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=1, help="Seconds after which a cell is taken to hang.")
    ] = None,
    checkpoint_every: Annotated[
        float,
        typer.Option("--checkpoint-every", min=0, help="Seconds between two checkpoints of a cell, at evaluations."),
    ] = 60.0,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Workers at a time. Default: one a device.")
    ] = None,
    launcher: Annotated[
        str,
        typer.Option("--launcher", help="local; inline: in this process; ray, slurm: on a cluster (docs/scale.md)."),
    ] = "local",
    launcher_options: Annotated[
        list[str] | None,
        typer.Option(
            "--launcher-options",
            help="What ray or slurm is to be asked for, e.g. partition=gpu,time=60.",
            metavar="KEY=VALUE,...",
        ),
    ] = None,
    compile_ahead: Annotated[
        bool | None,
        typer.Option(
            "--compile-ahead/--no-compile-ahead",
            help="Compile the next cell while one runs. Default: on accelerators.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Train and evaluate what is missing; keep it as records. What is already there never runs again."""
    from memorax_bench.running.engine import Policy
    from memorax_bench.running.launchers import parse_options
    from memorax_bench.verbs.run import Options, run_suite

    resolved = resolve_suite(arguments)
    policy = Policy(fail_fast, retry, timeout, checkpoint_every)
    own = parse_options(launcher_options or ())
    options = Options(seed_batch, policy, launcher, workers, compile_ahead, own)
    raise typer.Exit(run_suite(resolved, arguments, results, options))


@app.command(
    epilog="Exit: 0 done, 2 a mistake in the arguments or the suite, 3 some trials failed (the rest is kept), "
    "7 stopped because nothing can be written, 130 interrupted. After 3, 7 and 130, run again to go on."
)
@explained
def tune(
    arguments: Arguments = None,
    results: Results = Path("results"),
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The file to write. Default: tuned/NAME.yaml beside the suite.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="Show what would be run, and run nothing.")] = False,
    retry: Annotated[int, typer.Option("--retry", min=0, help="Times to try a failed trial again.")] = 0,
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=1, help="Seconds after which a trial is taken to hang.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Workers at a time. Default: one a device.")
    ] = None,
    launcher: Annotated[str, typer.Option("--launcher", help="As of `run`.")] = "local",
    launcher_options: Annotated[
        list[str] | None, typer.Option("--launcher-options", help="As of `run`.", metavar="KEY=VALUE,...")
    ] = None,
) -> None:
    """Choose the learning rates of a suite on the track lr4, the same way for every entry; write them down.

    Every entry is trained at four learning rates on the two tasks of the suite `tuning`, as records of that suite; what
    is already there never runs again.
    """
    from memorax_bench.running.engine import Policy
    from memorax_bench.running.launchers import parse_options
    from memorax_bench.suite.load import load_suite
    from memorax_bench.suite.tracks import SUITE
    from memorax_bench.suite.trials import make_trials
    from memorax_bench.verbs.run import Options
    from memorax_bench.verbs.tune import tune_suite

    resolved, tuned_on = resolve_suite(arguments), load_suite(SUITE)
    if only_plan:
        typer.echo(_planned(make_trials(resolved, tuned_on).suite, results))
        return
    options = Options(
        policy=Policy(retry=retry, timeout=timeout),
        launcher=launcher,
        workers=workers,
        launcher_options=parse_options(launcher_options or ()),
    )
    raise typer.Exit(tune_suite(resolved, tuned_on, arguments or [], results, options, out))


@app.command(epilog="Exit: 0 shown, 2 a mistake in the arguments or the suite.")
@explained
def plan(
    arguments: Arguments = None,
    results: Results = Path("results"),
    seed_batch: Width = None,
    resolve: Annotated[
        float | None,
        typer.Option(
            "--resolve",
            parser=difference,
            metavar="DIFFERENCE",
            help="Also show how many seeds tell torsos apart by so much, e.g. 0.05 of the normalised score.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what `run` would do, why, and how long it would take. Computes nothing."""
    from memorax_bench.suite.trials import refuse_untuned

    resolved = resolve_suite(arguments)
    refuse_untuned(resolved, arguments or [])
    typer.echo(_planned(resolved, results, seed_batch))
    if resolve is not None:
        from memorax_bench.records.store import Store
        from memorax_bench.report.resolving import resolve_difference
        from memorax_bench.verbs.resolve_screen import render

        stored = Store(results).scan(resolved.label).records
        typer.echo("\n" + render(resolve_difference(resolved, stored, resolve)))


def _planned(resolved: Any, results: Path, seed_batch: Any = None) -> str:
    """The screen of a plan."""
    from memorax_bench.records.store import Store
    from memorax_bench.running.plan import code_hashes
    from memorax_bench.running.plan import plan as make_plan
    from memorax_bench.running.platforms import device_kind, worker_count
    from memorax_bench.running.widths import MEASURE, Widths
    from memorax_bench.verbs.plan_screen import render

    kind, width = device_kind(), None if seed_batch == MEASURE else seed_batch
    scan, widths = Store(results).scan(resolved.label), Widths(results, kind)
    made = make_plan(resolved, scan, code_hashes(resolved), kind, width, widths=widths, workers=worker_count())
    return render(made)


@app.command(epilog="Exit: 0 shown, 2 a mistake in the arguments or the suite.")
@explained
def status(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[suite=NAME [KEY=VALUE]...]")] = None,
    results: Results = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show what is running on a results folder, from another terminal or machine; with a suite, how much is left."""
    from memorax_bench.records.store import Store
    from memorax_bench.running.plan import code_hashes
    from memorax_bench.running.plan import plan as make_plan
    from memorax_bench.running.platforms import device_kind
    from memorax_bench.verbs.status import status_json, status_text

    store, made = Store(results), None
    if arguments:
        resolved = resolve_suite(arguments)
        made = make_plan(resolved, store.scan(resolved.label), code_hashes(resolved), device_kind())
    typer.echo((status_json if as_json else status_text)(store, made))
