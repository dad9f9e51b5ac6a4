"""The verb `perf`: the regression gate and the two files it holds a commit against."""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from memorax_bench import errors
from memorax_bench.errors import Problem, UsageProblems

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Start with: memorax-bench perf gate main",
)
SUITE = "suite=sanity"
EXITS = (
    f"Exit: {errors.EXIT_OK} nothing found, {errors.EXIT_USAGE} a mistake in the arguments, {errors.EXIT_REGRESSION} a "
    f"regression, {errors.EXIT_NOTHING_MEASURED} something could not be measured."
)

Only = Annotated[
    list[str] | None,
    typer.Option("--only", help="Only these programs; a pattern such as 'gradient/*' too.", metavar="PROGRAM"),
]
Json = Annotated[Path | None, typer.Option("--json", help="Write what was found, for machines.", metavar="FILE")]
Results = Annotated[Path, typer.Option("--results", help="Where records are kept.", metavar="DIR")]


@app.callback()
def perf() -> None:
    """Watch what the code costs and learns: counters, times against another commit, scores against stored ones.

    Needs a checkout: its history, and the programs of bench/speed.
    """


@app.command(epilog=EXITS)
def gate(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="BASE [HEAD] [suite=NAME [KEY=VALUE]...]", show_default=False)
    ] = None,
    tiers: Annotated[
        list[int] | None,
        typer.Option("--tier", min=1, max=3, help="Which tier; more than once for several.", show_default="1 and 2"),
    ] = None,
    only: Only = None,
    budget: Annotated[
        float, typer.Option("--budget", min=1, help="Seconds that a program is timed for.", metavar="SECONDS")
    ] = 20.0,
    results: Results = Path("results"),
    to_json: Json = None,
) -> None:
    """Is HEAD, a commit, worse than BASE? HEAD is by default the commit that is checked out.

    \b
    tier 1  counters of head, exact, against bench/expected.json: operations,
            memory, compilations; half a minute
    tier 2  times of base and head in turns, by head's benchmarks: slower is
            what has the whole interval of its ratio above 1.10; minutes
    tier 3  final scores of head against bench/expected_scores.json, for which
            those cells of the suite (default: sanity) are trained

    \b
    For example: memorax-bench perf gate main
                 memorax-bench perf gate v0.1 HEAD --tier 2 --only 'train/*'
                 memorax-bench perf gate main --tier 3 suite=sanity tasks=memory-chain
    """
    from memorax_bench.perf.gate import Request
    from memorax_bench.perf.gate import gate as measure
    from memorax_bench.perf.worktrees import checkout_of, commit_of, has_changes

    arguments = arguments or []
    revisions = [argument for argument in arguments if "=" not in argument and not argument.startswith(("~", "+"))]
    if len(revisions) not in (1, 2):
        message = "against which commit?" if not revisions else f"two commits at most, not {', '.join(revisions)}"
        raise UsageProblems([Problem(message, fix="for example: memorax-bench perf gate main")])
    root = checkout_of(Path.cwd())
    base, head = (commit_of(root, revision) for revision in (*revisions, "HEAD")[:2])
    if len(revisions) == 1 and has_changes(root):
        _say("uncommitted changes are not measured: HEAD is a commit")
    suite = _with_suite([argument for argument in arguments if argument not in revisions])
    asked = Request(base, head, tuple(tiers or (1, 2)), tuple(only or ()), budget, tuple(suite), results)
    _end(measure(root, asked, _say), to_json, base, head)


@app.command(epilog=EXITS)
def counters(
    only: Only = None,
    write: Annotated[
        bool, typer.Option("--write", help="Replace what bench/expected.json says for this jaxlib; for maintainers.")
    ] = False,
    to_json: Json = None,
) -> None:
    """Count what the programs of the working tree do: tier 1 of the gate, before there is a commit.

    After a change that is meant to cost more or less: memorax-bench perf counters --write, and review the difference.
    """
    from memorax_bench.perf.expected import FILE, encode_expected, read_expected
    from memorax_bench.perf.gate import Outcome, count_checkout
    from memorax_bench.perf.sides import SideLost
    from memorax_bench.perf.worktrees import checkout_of

    if write and only:
        raise UsageProblems([Problem("the file is never written from a part", fix="leave out --only")])
    root = checkout_of(Path.cwd())
    try:
        outcome = Outcome(count_checkout(root, only or (), _say))
    except SideLost as error:
        outcome = Outcome(lost=(str(error),))
    found = outcome.counted
    if write and found is not None and len(found.found) == found.programs:
        text = encode_expected({**read_expected(root / FILE), found.jaxlib: found.found})
        (root / FILE).write_text(text, encoding="utf-8")
        typer.echo(f"written: {root / FILE}, {found.programs} programs, jaxlib {found.jaxlib}")
        return
    _end(outcome, to_json)


@app.command(epilog=EXITS)
def scores(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[suite=NAME [KEY=VALUE]...]", show_default="suite=sanity")
    ] = None,
    results: Results = Path("results"),
    run: Annotated[bool, typer.Option("--run", help="First train what has stored scores and no record.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Store the complete cells of the results instead; for maintainers.")
    ] = False,
    to_json: Json = None,
) -> None:
    """Compare what this code has learnt, by its records, with bench/expected_scores.json: tier 3 of the gate.

    \b
    To store scores: memorax-bench run suite=sanity seeds=5 tasks=memory-chain
                     memorax-bench perf scores suite=sanity seeds=5 tasks=memory-chain --write
    """
    from memorax_bench.perf import scores as stored
    from memorax_bench.perf.gate import Outcome
    from memorax_bench.perf.worktrees import checkout_of
    from memorax_bench.records.store import Store
    from memorax_bench.running.plan import code_hashes
    from memorax_bench.suite.load import load_suite

    sys.path.insert(0, os.getcwd())  # a user's own torso or algorithm lies in the working directory
    arguments = _with_suite(arguments or [])
    resolved = load_suite(*_split(arguments))
    file = checkout_of(Path.cwd()) / stored.FILE
    known = stored.read_scores(file)
    suite = known.get(resolved.label)
    if write:
        renewed = stored.renew(resolved, Store(results).scan(resolved.label).records, suite)
        file.write_text(stored.encode_scores({**known, resolved.label: renewed}), encoding="utf-8")
        typer.echo(f"written: {file}, {len(renewed.cells)} cells of {resolved.label}")
        return
    if suite is None or suite.benchmark_hash != resolved.benchmark_hash or not stored.stored_cells(resolved, suite):
        what = "another frozen part" if suite else "no scores"
        lost = f"{stored.FILE} has {what} of {resolved.label} and these cells: memorax-bench perf scores --write"
        _end(Outcome(lost=(lost,)), to_json)
    if run:
        _train(resolved, suite, arguments, results)
    codes = {labels: code.value for labels, code in code_hashes(resolved).items()}
    rows = stored.compare(resolved, Store(results).scan(resolved.label).records, codes, suite)
    _end(Outcome(scored=tuple(rows)), to_json)


def _train(resolved, suite, arguments: list[str], results: Path) -> None:
    """Runs the cells that have stored scores, each with the seeds of those. What fails is missing afterwards."""
    from memorax_bench.perf.scores import key, stored_cells
    from memorax_bench.verbs.run import run_suite

    cells = stored_cells(resolved, suite)
    for seeds in dict.fromkeys(suite.cells[key(cell)].seeds for cell in cells):
        chosen = tuple(cell for cell in cells if suite.cells[key(cell)].seeds == seeds)
        run_suite(dataclasses.replace(resolved, cells=chosen, seeds=seeds), arguments, results)


def _with_suite(arguments: list[str]) -> list[str]:
    return arguments if any(argument.startswith("suite=") for argument in arguments) else [SUITE, *arguments]


def _split(arguments: list[str]) -> tuple[str, list[str]]:
    """The suite's name and the other arguments. Raises UsageProblems."""
    names = [argument for argument in arguments if argument.startswith("suite=")]
    if len(names) != 1:
        raise UsageProblems([Problem(f"one suite at a time, not {', '.join(names)}", fix="for example: suite=sanity")])
    return names[0].removeprefix("suite="), [argument for argument in arguments if argument != names[0]]


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _end(outcome, to_json: Path | None, base: str | None = None, head: str | None = None) -> None:
    """Shows what was found and leaves with its exit code."""
    from memorax_bench.verbs.perf_screen import document, text

    if to_json:
        to_json.write_text(json.dumps(document(outcome, base, head), indent=1) + "\n", encoding="utf-8")
    typer.echo(text(outcome))
    raise typer.Exit(outcome.exit_code)
