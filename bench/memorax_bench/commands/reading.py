"""The commands that show what came of it: `report`, `compare`, `profile`, `ls`, `show`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from memorax_bench import errors
from memorax_bench.commands.options import Arguments, Reports, Results, explained, resolve_suite
from memorax_bench.errors import Problem, UsageProblems

app = typer.Typer(rich_markup_mode=None)


@app.command(
    epilog="Exit: 0 written, 2 a mistake in the arguments, 5 no record to report on, 6 records that cannot be compared."
)
@explained
def report(
    arguments: Arguments = None,
    results: Results = Path("results"),
    reports: Reports = Path("reports"),
    commands: Annotated[bool, typer.Option("--commands", help="Show the exact command behind each row.")] = False,
    costs: Annotated[bool, typer.Option("--costs", help="Show what each row cost: sizes, work, times.")] = False,
    top: Annotated[
        int | None,
        typer.Option("--top", min=1, help="Show the first N rows, the baseline and the controls only.", metavar="N"),
    ] = None,
) -> None:
    """Compare: a table in the terminal; all tables as HTML, Markdown, LaTeX and CSV, with figures as PNG and SVG."""
    # Before numpy is loaded: a report's products are small, and threads would wait for one another.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from memorax_bench.records.collecting import uncollected
    from memorax_bench.records.processes import cores
    from memorax_bench.records.store import Store
    from memorax_bench.report.leaders import leaders_text
    from memorax_bench.report.write import NothingMeasured, write_report

    resolved = resolve_suite(arguments)
    try:
        with uncollected():
            scan = Store(results).scan(resolved.label, whole=False, processes=cores())
            made = write_report(resolved, scan, reports, arguments, cores())
    except NothingMeasured as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(errors.EXIT_NOTHING_MEASURED) from None
    typer.echo(made.text if top is None else leaders_text(made.table, made.standings, top))
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

    given = resolve_suite(arguments) if arguments else None
    raise typer.Exit(compare_results(a, b, given, len(arguments or ()) > 1, results, margin, markdown))


@app.command(epilog="Exit: 0 shown, 2 a mistake in the arguments or the suite, 3 the cell failed, 130 interrupted.")
@explained
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

    resolved = resolve_suite(arguments)
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
