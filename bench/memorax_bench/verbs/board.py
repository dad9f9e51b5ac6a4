"""The verb `board`: the leaderboard."""

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
    """Make the leaderboard, a static site that works offline, from records."""


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
) -> None:
    """Write the site: rankings, and a page for every task, entry and pair of entries."""
