"""The commands that check something: `validate`, `check-torso`, `doctor`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from memorax_bench import errors
from memorax_bench.commands.options import Results, explained, resolve_suite
from memorax_bench.errors import Problem, UsageProblems

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Exit: 0 valid, 2 a mistake in a suite, 6 a record that is not what it says.")
@explained
def validate(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[suite=NAME [KEY=VALUE]...]")] = None,
    results: Results = Path("results"),
) -> None:
    """Check a suite, or without arguments every shipped suite, and the records that belong to it."""
    from memorax_bench.verbs.validating import validate_suites

    asked = [resolve_suite(arguments)] if arguments else None
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
