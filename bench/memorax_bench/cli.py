"""memorax-bench: which memory architecture, under which algorithm, remembers what, at what cost."""

import math
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from memorax_bench import errors
from memorax_bench.errors import NotComparable, Problem, UsageProblems
from memorax_bench.verbs.board import app as board
from memorax_bench.verbs.perf import app as perf

app = typer.Typer(
    name="memorax-bench",
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: memorax-bench run suite=quick   then: memorax-bench report suite=quick",
)

_GRAMMAR = """
Arguments are key=value, in any order (quote what your shell would read):

\b
  suite=quick  suite=my/suite.yaml     which suite: a shipped one, or a file
  torsos=[gru,lru]  tasks=... algorithms=...   only these
  seeds=5  seeds=[3,4]                 how many, or which
  torsos.gru.features=128              set a value
  '+torsos.mine=my_module:Cell'        add a torso of your own
  '+algorithms.mine=my_module:MyPPO'   add an algorithm of your own
  '~torsos.mlp'                        leave one out
  include=[algorithms/memory.yaml,torsos/flops.yaml]   other entries, from files beside the suite
  +include=mine.yaml                   further entries, from a file of your own
  track=fixed                          how settings were found: fixed, lr4, open
"""

Arguments = Annotated[list[str] | None, typer.Argument(metavar="suite=NAME [KEY=VALUE]...", show_default=False)]
Results = Annotated[Path, typer.Option("--results", help="Where records are kept.", metavar="DIR")]
Reports = Annotated[Path, typer.Option("--reports", help="Where reports are written.", metavar="DIR")]


def _width(text: str) -> int | str:
    """`8`, or `measure`."""
    if text == "measure" or (text.isdecimal() and int(text) > 0):
        return text if text == "measure" else int(text)
    raise typer.BadParameter(f"'{text}' is neither a number of seeds from 1 on nor 'measure'")


def _difference(text: str) -> float:
    """`0.05`: a difference of normalised scores."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise typer.BadParameter(f"'{text}' is not a difference of normalised scores above 0, such as 0.05")
    return value


Width = Annotated[
    Any,
    typer.Option(
        "--seed-batch",
        parser=_width,
        metavar="N|measure",
        help="Seeds trained together; measure: find out how many. Default: as the cell's first record; else measured "
        "on accelerators, at most 8 on a CPU.",
        show_default=False,
    ),
]


class Interrupted(BaseException):
    """Ctrl-C, or a request to end. Not KeyboardInterrupt, which typer answers by itself and without a word."""


def _interrupt(*_: object) -> None:
    raise Interrupted


def _resolve(arguments: list[str] | None):
    from memorax_bench.verbs.arguments import resolve  # pydantic takes a moment, and `--help` needs none

    return resolve(arguments)


@app.command(
    epilog="Exit: 0 done, 2 a mistake in the arguments or the suite, 3 some cells failed (the rest is kept), "
    "7 stopped because nothing can be written, 130 interrupted. After 7 and 130, run again to go on."
)
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

    resolved = _resolve(arguments)
    policy = Policy(fail_fast, retry, timeout, checkpoint_every)
    own = parse_options(launcher_options or ())
    options = Options(seed_batch, policy, launcher, workers, compile_ahead, own)
    raise typer.Exit(run_suite(resolved, arguments, results, options))


@app.command(
    epilog="Exit: 0 done, 2 a mistake in the arguments or the suite, 3 some trials failed (the rest is kept), "
    "7 stopped because nothing can be written, 130 interrupted. After 3, 7 and 130, run again to go on."
)
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

    resolved, tuned_on = _resolve(arguments), load_suite(SUITE)
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
def plan(
    arguments: Arguments = None,
    results: Results = Path("results"),
    seed_batch: Width = None,
    resolve: Annotated[
        float | None,
        typer.Option(
            "--resolve",
            parser=_difference,
            metavar="DIFFERENCE",
            help="Also show how many seeds tell torsos apart by so much, e.g. 0.05 of the normalised score.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what `run` would do, why, and how long it would take. Computes nothing."""
    from memorax_bench.suite.trials import refuse_untuned

    resolved = _resolve(arguments)
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
        resolved = _resolve(arguments)
        made = make_plan(resolved, store.scan(resolved.label), code_hashes(resolved), device_kind())
    typer.echo((status_json if as_json else status_text)(store, made))


@app.command(
    epilog="Exit: 0 written, 2 a mistake in the arguments, 5 no record to report on, 6 records that cannot be compared."
)
def report(
    arguments: Arguments = None,
    results: Results = Path("results"),
    reports: Reports = Path("reports"),
    commands: Annotated[bool, typer.Option("--commands", help="Show the exact command behind each row.")] = False,
    costs: Annotated[bool, typer.Option("--costs", help="Show what each row cost: sizes, work, times.")] = False,
) -> None:
    """Compare: a table in the terminal; all tables as HTML, Markdown, LaTeX and CSV, with figures as PNG and SVG."""
    # Before numpy is loaded: a report's products are small, and threads would wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from memorax_bench.records.collecting import uncollected
    from memorax_bench.records.processes import cores
    from memorax_bench.records.store import Store
    from memorax_bench.report.write import NothingMeasured, write_report

    resolved = _resolve(arguments)
    try:
        with uncollected():
            scan = Store(results).scan(resolved.label, whole=False, processes=cores())
            made = write_report(resolved, scan, reports, arguments, cores())
    except NothingMeasured as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(errors.EXIT_NOTHING_MEASURED) from None
    typer.echo(made.text)
    if costs:
        typer.echo(f"\ncosts:\n{made.costs}")
    if commands:
        typer.echo("\n".join(["", "commands:", *(f"  {command}" for command in made.commands)]))


@app.command(
    epilog="Exit: 0 no regression, 2 a mistake in the arguments, 4 a regression, 5 nothing to compare.",
)
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A results folder, or a commit, branch or tag.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same, to be held against it.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[suite=NAME [KEY=VALUE]...]", show_default=False)
    ] = None,
    results: Annotated[Path, typer.Option("--results", help="Where commits have their records.", metavar="DIR")] = Path(
        "results"
    ),
    margin: Annotated[
        float, typer.Option("--margin", min=0, help="What B may be worse by, in normalised score.", metavar="SCORE")
    ] = 0.05,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write it for a pull request, too.", metavar="FILE")
    ] = None,
) -> None:
    """Compare two versions of results: scores with intervals, returns and speeds, entry by entry and task by task.

    A regression is a difference B - A that is significant after Holm's correction and below minus the margin. Of
    commits only the records are read; nothing of them is executed.

    \b
    For example: memorax-bench compare main HEAD
                 memorax-bench compare results other-results suite=quick --margin 0.1
    """
    from memorax_bench.verbs.comparing import compare_results

    given = _resolve(arguments) if arguments else None
    raise typer.Exit(compare_results(a, b, given, len(arguments or ()) > 1, results, margin, markdown))


@app.command(epilog="Exit: 0 shown, 2 a mistake in the arguments or the suite, 3 the cell failed, 130 interrupted.")
def profile(
    arguments: Arguments = None,
    results: Results = Path("results"),
    out: Annotated[Path, typer.Option("--out", help="Where profiles are written.", metavar="DIR")] = Path("profiles"),
    seed_batch: Annotated[
        int | None,
        typer.Option("--seed-batch", min=1, help="Seeds trained together. Default: as `run`.", show_default=False),
    ] = None,
    segments: Annotated[int, typer.Option("--segments", min=1, help="Segments of training to measure.")] = 3,
    trace: Annotated[bool, typer.Option("--trace/--no-trace", help="Write a trace of a segment's beginning.")] = True,
) -> None:
    """Show where one cell's time goes: phases, operations with their lines, a trace. Trains a little, keeps no record.

    One cell, such as: suite=quick tasks=[repeat-previous] torsos=[gru]. What is shown says how it was measured.
    """
    from memorax_bench.verbs.profile import Options, profile_cell

    resolved = _resolve(arguments)
    raise typer.Exit(profile_cell(resolved, arguments, Options(results, out, seed_batch, segments, trace)))


@app.command(name="ls", epilog="Exit: 0 listed, 2 no such list.")
def list_(
    kind: Annotated[
        str | None, typer.Argument(metavar="suites|tasks|algorithms|torsos|results", show_default=False)
    ] = None,
    containing: Annotated[
        str, typer.Argument(metavar="[TEXT]", help="Only tasks whose id contains it; the settings of such torsos.")
    ] = "",
    results: Results = Path("results"),
) -> None:
    """List what there is: suites, tasks, algorithms, torsos, or results.

    For example: memorax-bench ls torsos mamba   memorax-bench ls tasks popgym::Repeat
    """
    from memorax_bench.verbs.listing import LISTS, listing

    if kind not in LISTS:
        message = "list what?" if kind is None else f"nothing called '{kind}' to list"
        fix = (kind and errors.did_you_mean(kind, LISTS)) or "for example: memorax-bench ls suites"
        raise UsageProblems([Problem(message, allowed=list(LISTS), fix=fix)])
    typer.echo(listing(kind, results, containing))


@app.command(epilog="Exit: 0 shown, 2 a mistake in the arguments.")
def show(
    task: Annotated[str | None, typer.Argument(metavar="TASK", show_default=False)] = None,
    options: Annotated[list[str] | None, typer.Argument(metavar="OPTION=VALUE", show_default=False)] = None,
    seed: Annotated[int, typer.Option("--seed", help="Which episode.")] = 0,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Show that many steps. Default: what suits the task.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where pictures are written.", metavar="DIR")] = Path(
        "reports/show"
    ),
) -> None:
    """Show an episode of a task, played at random: as a table, as a strip of pictures (PNG), and animated (GIF).

    \b
    For example: memorax-bench show popgym::RepeatPreviousEasy
                 memorax-bench show popgym::RepeatPrevious k=3 --steps 20
    """
    from memorax_bench.drawing.show import show_task

    if task is None:
        raise UsageProblems([Problem("which task?", fix="they are listed by: memorax-bench ls tasks")])
    typer.echo(show_task(task, options or [], seed, steps, out))


@app.command(epilog="Exit: 0 valid, 2 a mistake in a suite, 6 a record that is not what it says.")
def validate(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[suite=NAME [KEY=VALUE]...]")] = None,
    results: Results = Path("results"),
) -> None:
    """Check a suite, or without arguments every shipped suite, and the records that belong to it."""
    from memorax_bench.verbs.validating import validate_suites

    asked = [_resolve(arguments)] if arguments else None
    problems, summary = validate_suites(asked, results)
    for problem in problems:
        typer.echo(problem, err=True)
    typer.echo(summary)
    raise typer.Exit(errors.EXIT_INVALID if problems else errors.EXIT_OK)


@app.command(name="check-torso", epilog="Exit: 0 every law holds, 2 a mistake in the arguments, 6 a law is broken.")
def check_torso(
    torso: Annotated[str | None, typer.Argument(metavar="TYPE", show_default=False)] = None,
    settings: Annotated[list[str] | None, typer.Argument(metavar="[SETTING=VALUE]...", show_default=False)] = None,
) -> None:
    """Check whether a torso, yours or a registered one, keeps the laws that make an agent act as it learns.

    \b
    For example: memorax-bench check-torso my_torso:Cell
                 memorax-bench check-torso mamba2 features=128 head_dim=16
    """
    from memorax_bench.verbs.check_torso import check_torso as check

    if torso is None:
        fix = "for example: memorax-bench check-torso my_torso:Cell; registered ones: memorax-bench ls torsos"
        raise UsageProblems([Problem("which torso?", fix=fix)])
    sys.path.insert(0, os.getcwd())  # a user's own torso lies in the working directory
    text, lawful = check(torso, settings or [], say=lambda line: typer.echo(line, err=True))
    typer.echo(text)
    raise typer.Exit(errors.EXIT_OK if lawful else errors.EXIT_INVALID)


@app.command(epilog="Exit: 0 all is well, 6 something would falsify results.")
def doctor() -> None:
    """Check the installation: versions, devices, compilation cache, packages of other projects in the way.

    For example: memorax-bench doctor
    """
    from memorax_bench.verbs.doctor import examine

    lines, healthy = examine()
    typer.echo("\n".join(lines))
    raise typer.Exit(errors.EXIT_OK if healthy else errors.EXIT_INVALID)


@app.command(epilog="Exit: 0 printed or written, 2 a mistake in the arguments, or a torso that cannot be of that size.")
def match(
    torsos: Annotated[list[str] | None, typer.Argument(metavar="[TORSO]...", show_default=False)] = None,
    write: Annotated[bool, typer.Option("--write", help="Replace the shipped files; for maintainers.")] = False,
) -> None:
    """Compute the width at which a torso is of the size of the others: as many parameters, or as much work a step.

    Without arguments: how the torsos of the shipped suites are matched. TORSO is a name, or module:Class of your own.

    \b
    For example: memorax-bench match my_torso:Cell
    """
    sys.path.insert(0, os.getcwd())
    from memorax_bench.verbs.match import match_torsos, write_matches

    typer.echo(write_matches() if write else match_torsos(torsos or []))


@app.command(epilog="Exit: 0 printed or written.")
def catalogue(
    write: Annotated[bool, typer.Option("--write", help="Replace the shipped file; for maintainers.")] = False,
) -> None:
    """Print what the installed library offers, as the file that `plan`, `ls` and `validate` read.

    For example, after adding a torso: memorax-bench catalogue --write
    """
    from memorax_bench.measured.inventory import catalogue_text
    from memorax_bench.suite.catalogue import CATALOGUE_FILE

    text = catalogue_text()
    if write:
        CATALOGUE_FILE.write_text(text, encoding="utf-8")
        typer.echo(f"written: {CATALOGUE_FILE}")
    else:
        typer.echo(text, nl=False)


@app.command(epilog="Exit: 0 printed or written.")
def bounds(
    tasks: Annotated[list[str] | None, typer.Argument(metavar="[TASK]...", show_default=False)] = None,
    write: Annotated[bool, typer.Option("--write", help="Replace the shipped files; for maintainers.")] = False,
) -> None:
    """Measure what random play earns and what can be hoped for, over 10,000 episodes each.

    For example, of all tasks whose id begins so: memorax-bench bounds popgym::Pos
    """
    from memorax_bench.measured import bounding
    from memorax_bench.measured.bounds import BOUNDS_FILE, DOCUMENT, document, encode_bounds, load_bounds

    measured = bounding.measure(tasks or (), say=lambda line: typer.echo(line, err=True))
    if write:
        every = {**(load_bounds() if tasks else {}), **measured}
        every = {name: every[name] for name in bounding.names() if name in every}
        BOUNDS_FILE.write_text(encode_bounds(every), encoding="utf-8")
        DOCUMENT.write_text(document(every), encoding="utf-8")
        typer.echo(f"written: {BOUNDS_FILE}, {DOCUMENT}")
    else:
        typer.echo(encode_bounds(measured), nl=False)


app.add_typer(board, name="board")
app.add_typer(perf, name="perf")

for _command in (run, plan, status, report, profile, validate, tune):
    _command.__doc__ = f"{_command.__doc__}\n{_GRAMMAR}"


def main() -> None:
    """The entry point: errors of the user as text and exit code 2 or, of records that do not fit, 6; an interruption as
    130."""
    for number in (signal.SIGINT, signal.SIGTERM):  # both end alike: claims released, nothing half-written
        signal.signal(number, _interrupt)
    try:
        app()
    except UsageProblems as error:
        typer.echo(str(error), err=True)
        sys.exit(errors.EXIT_USAGE)
    except NotComparable as error:
        typer.echo(str(error), err=True)
        sys.exit(errors.EXIT_INVALID)
    except Interrupted:
        typer.echo("\ninterrupted; what is done is kept: run the same command to go on", err=True)
        sys.exit(errors.EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
