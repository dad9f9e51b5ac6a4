"""The commands that make the files that are shipped: `match`, `catalogue`, `bounds`."""

import os
import sys
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None)


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
