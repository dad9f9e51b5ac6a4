"""memorax-bench: which memory architecture, under which algorithm, remembers what, at what cost."""

import signal
import sys

import typer

from memorax_bench import errors
from memorax_bench.commands import board, checking, maintaining, perf, reading, training
from memorax_bench.errors import NotComparable, UsageProblems

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
for _group in (training, reading, checking, maintaining):
    app.add_typer(_group.app)
app.add_typer(board.app, name="board")
app.add_typer(perf.app, name="perf")


class Interrupted(BaseException):
    """Ctrl-C, or a request to end. Not KeyboardInterrupt, which typer answers by itself and without a word."""


def _interrupt(*_: object) -> None:
    raise Interrupted


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
