"""Arguments and options that several commands have, and what is read from them."""

import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from memorax_bench.suite.load import ResolvedSuite

GRAMMAR = """
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


def width(text: str) -> int | str:
    """`8`, or `measure`."""
    if text == "measure" or (text.isdecimal() and int(text) > 0):
        return text if text == "measure" else int(text)
    raise typer.BadParameter(f"'{text}' is neither a number of seeds from 1 on nor 'measure'")


def difference(text: str) -> float:
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
        parser=width,
        metavar="N|measure",
        help="Seeds trained together; measure: find out how many. Default: as the cell's first record; else measured "
        "on accelerators, at most 8 on a CPU.",
        show_default=False,
    ),
]


def explained(command: Callable) -> Callable:
    """The same command; its help ends with what its arguments may be."""
    command.__doc__ = f"{inspect.cleandoc(command.__doc__)}\n{GRAMMAR}"
    return command


def resolve_suite(arguments: list[str] | None) -> "ResolvedSuite":
    """The suite that arguments name, with their changes."""
    from memorax_bench.verbs.arguments import resolve  # pydantic takes a moment, and `--help` needs none

    return resolve(arguments)
