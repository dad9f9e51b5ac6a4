"""The verb `board`: the leaderboard."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from memorax_bench import errors

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Start with: memorax-bench board build suite=quick",
)

Results = Annotated[Path, typer.Option("--results", help="Where records are kept.", metavar="DIR")]


@app.callback()
def board() -> None:
    """Make the leaderboard, a static site that works offline, from records; submit to it; verify what is submitted."""


@app.command(
    epilog=f"Exit: {errors.EXIT_OK} written, {errors.EXIT_USAGE} a mistake in the arguments, "
    f"{errors.EXIT_NOTHING_MEASURED} no record to show, {errors.EXIT_INVALID} records that must not share a ranking."
)
def build(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[suite=NAME [KEY=VALUE]...]...", show_default=False)
    ] = None,
    results: Results = Path("results"),
    out: Annotated[Path, typer.Option("--out", help="Where the site is written.", metavar="DIR")] = Path(
        "reports/site"
    ),
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Draw an episode of every task, seconds each, once.")
    ] = True,
) -> None:
    """Write the site: a ranking for each suite, and a page for every task, entry and pair of entries.

    Without a suite: of every shipped one that has records. The site works from a file path, offline.

    \b
    For example: memorax-bench board build
                 memorax-bench board build suite=quick seeds=5 suite=my/suite.yaml
    """
    from memorax_bench.board.build import NothingToShow, build_board

    sys.path.insert(0, os.getcwd())  # a user's own torso or algorithm lies in the working directory
    try:
        built = build_board(arguments or [], results, out, pictures, say=lambda line: typer.echo(line, err=True))
    except NothingToShow as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from None
    for remark in built.remarks:
        typer.echo(remark, err=True)
    typer.echo(f"{built.index}  {built.files:,} files")


@app.command(
    epilog=f"Exit: {errors.EXIT_OK} written, {errors.EXIT_USAGE} a mistake in the arguments, "
    f"{errors.EXIT_NOTHING_MEASURED} no record to submit, {errors.EXIT_INVALID} a record that would be refused."
)
def submit(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="suite=NAME [KEY=VALUE]...", show_default=False)] = (
        None
    ),
    results: Results = Path("results"),
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file to write.", metavar="FILE", show_default="<suite>@<version>.tar.gz"),
    ] = None,
) -> None:
    """Pack records for the leaderboard, after verifying them, and say what they lack for a ranking.

    \b
    For example: memorax-bench board submit suite=quick
                 memorax-bench board submit suite=quick torsos=[mine] --out mine.tar.gz
    """
    from memorax_bench.verbs.arguments import resolve
    from memorax_bench.verbs.submitting import submit_records

    raise typer.Exit(submit_records(resolve(arguments), arguments or [], results, out))


@app.command(
    epilog=f"Exit: {errors.EXIT_OK} valid, {errors.EXIT_USAGE} a mistake in the arguments, {errors.EXIT_CELLS_FAILED} "
    f"valid so far, but what was to be run again failed, {errors.EXIT_NOTHING_MEASURED} no record to verify, "
    f"{errors.EXIT_INVALID} refused."
)
def verify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file of board submit, or a results folder.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[suite=NAME [KEY=VALUE]...]", show_default=False)
    ] = None,
    tier: Annotated[
        int, typer.Option("--tier", min=0, max=2, help="0: compute anew; 1: run again, too; 2: with fresh seeds, too.")
    ] = 0,
    cells: Annotated[int, typer.Option("--cells", min=1, help="Cells that tiers 1 and 2 draw.")] = 2,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="What they draw by. Default: drawn now, and shown.", show_default=False),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option("--into", help="Put the records there where all is valid.", metavar="DIR", show_default=False),
    ] = None,
) -> None:
    """Verify a submission or a results folder: every number that can be computed anew, is.

    \b
    tier 0  from the records alone, nothing is executed: a value that does not
            follow from the others is refused by its name; seconds
    tier 1  and some cells are run again on this machine, with their seeds
    tier 2  and once more with 5 seeds that nobody knew: the entry stands
            unless they are worse, p < .01

    A suite is named where it does not ship, or was run with overrides of its frozen part.
    """
    from memorax_bench.verbs.arguments import resolve
    from memorax_bench.verbs.verifying import Asked, verify_path

    given = [resolve(arguments)] if arguments else []
    raise typer.Exit(verify_path(path, given, Asked(tier, cells, seed, into)))
