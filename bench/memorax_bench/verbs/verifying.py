"""The verb `board verify`: tier after tier, as far as was asked and nothing is refused."""

import contextlib
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from memorax_bench import errors
from memorax_bench.submission import machine as machines
from memorax_bench.submission.checks.configuration import is_external
from memorax_bench.submission.contents import contents
from memorax_bench.submission.draws import cell_count, drawn_records, fresh_seeds
from memorax_bench.submission.findings import Finding, Refused
from memorax_bench.submission.machine import Again, Machine
from memorax_bench.submission.packing import keep_records
from memorax_bench.submission.reading import Found, Submission, read_submission
from memorax_bench.submission.tier0 import known_suites, tier0
from memorax_bench.submission.tier1 import FAILED, Verdict, judge, judge_account
from memorax_bench.submission.tier2 import standings
from memorax_bench.submission.words import printable
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.verbs import verifying_screen as screens
from memorax_bench.verbs.verifying_screen import count


@dataclass(frozen=True)
class Asked:
    """How far to go: the tier, how many cells tiers 1 and 2 draw, by what (None: by chance), and where they run.
    `into`: the results folder that takes up what is valid."""

    tier: int = 0
    cells: int = 2
    seed: int | None = None
    into: Path | None = None
    launcher: str = "local"


def verify_path(path: Path, given: Sequence[ResolvedSuite], asked: Asked) -> int:
    """Says what is wrong with what lies at `path`; returns the exit code."""
    try:
        submission = read_submission(path)
    except Refused as error:
        print(f"{printable(path)}: {error}\nnot valid (exit {errors.EXIT_INVALID})")
        return errors.EXIT_INVALID
    if not submission.count:
        print(f"{printable(path)} holds no record\nnothing to verify (exit {errors.EXIT_NOTHING_MEASURED})")
        return errors.EXIT_NOTHING_MEASURED
    print(f"{printable(submission.name)}  {count(submission.count, 'record')}, submission {submission.hash[:8]}")
    refused = tier0(submission, given)
    if refused:
        return _refuse(submission, refused)
    suites = _by_suite(submission, given)
    for suite, items in suites:
        print(f" {suite.label}")
        print(screens.contents_text(contents(suite, [item.stored for item in items])))
    print(f" tier 0: {count(submission.count, 'record')} computed anew, nothing refused")
    code = _run_again(submission, suites, asked) if asked.tier else errors.EXIT_OK
    if code == errors.EXIT_OK:
        print(f"valid by tier {asked.tier}")
    if code == errors.EXIT_OK and asked.into is not None:
        return _keep(suites, asked.into)
    return code


def _keep(suites: list[tuple[ResolvedSuite, list[Found]]], into: Path) -> int:
    kept = [keep_records(suite, items, into) for suite, items in suites]
    print(f"{count(sum(one.new for one in kept), 'record')} new in {printable(into)}")
    contradicted = [place for one in kept for place in one.contradicted]
    for place in contradicted:
        print(f" {printable(place)} is there with other numbers, and was left as it is: one of the two is wrong")
    return errors.EXIT_INVALID if contradicted else errors.EXIT_OK


def _by_suite(submission: Submission, given: Sequence[ResolvedSuite]) -> list[tuple[ResolvedSuite, list[Found]]]:
    known = known_suites((item.record.suite for item in submission.found), given)
    return [
        (suite, [item for item in submission.found if item.record.suite == reference])
        for reference, suite in known.items()
        if suite is not None  # tier 0 refuses records of others
    ]


def _refuse(submission: Submission, refused: Sequence[Finding]) -> int:
    places = len({found.place for found in refused})
    print(screens.findings_text(submission, refused))
    where = f"in {places} of {count(submission.count, 'record')}"
    print(f"not valid: {screens.refused_values(refused)} refused {where} (exit {errors.EXIT_INVALID})")
    return errors.EXIT_INVALID


def _run_again(submission: Submission, suites: list[tuple[ResolvedSuite, list[Found]]], asked: Asked) -> int:
    """Tiers 1 and 2; returns the exit code."""
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    failed = 0
    with _machine(asked.launcher) as machine:
        for suite, items in suites:
            own = [item for item in items if not is_external(item.record.cell.config)]
            if len(own) < len(items):
                print(f" {count(len(items) - len(own), 'record')} of a user's own code: never executed, never ranked")
            drawn = drawn_records(own, asked.cells, submission.hash, seed)
            traced, again = _traced(machine, suite, own), machines.run_again(machine, suite, drawn)
            print(screens.traced_text(traced))
            judged = [judge(one, suite.suite.tasks[one.item.record.cell.task]) for one in again]
            print(screens.judged_text(judged, cell_count(own), seed))
            refused = [found for verdict in (*traced, *judged) for found in verdict.refused]
            failed += sum(verdict.word == FAILED for verdict in (*traced, *judged))
            if asked.tier > 1 and not refused:
                refused, missing = _fresh(machine, suite, drawn, own, fresh_seeds(submission.hash, seed))
                failed += missing
            if refused:
                return _refuse(submission, refused)
    if failed:
        print(f"nothing refused, but {failed} could not be run again (exit {errors.EXIT_CELLS_FAILED})")
    return errors.EXIT_CELLS_FAILED if failed else errors.EXIT_OK


def _traced(machine: Machine, suite: ResolvedSuite, items: Sequence[Found]) -> list[Verdict]:
    """Every record's programs and costs, against those of its configuration by this code."""
    jaxlib, found = metadata.version("jaxlib"), machines.accounts(machine, suite, items)
    return [
        judge_account(item, account, machines.code_of(suite, item), jaxlib, machine.device_kind)
        for item, account in zip(items, found, strict=True)
    ]


def _fresh(
    machine: Machine, suite: ResolvedSuite, drawn: Sequence[Found], own: Sequence[Found], seeds: tuple[int, ...]
) -> tuple[list[Finding], int]:
    """Tier 2 of the cells drawn: what is refused, and how many cells failed."""
    again: list[Again] = machines.run_again(machine, suite, drawn, seeds)
    found = standings(again, own, suite.suite.tasks)
    print(screens.standings_text(found, seeds))
    return [one for standing in found for one in standing.refused], sum(not one.made for one in again)


@contextlib.contextmanager
def _machine(launcher: str) -> Iterator[Machine]:
    """This machine, with a results folder that is gone afterwards."""
    from rich.console import Console

    from memorax_bench.running.launchers import make_launcher
    from memorax_bench.running.platforms import device_kind
    from memorax_bench.verbs.screen import make_screen

    kind = device_kind()
    again = lambda action: "is shown by memorax-bench run with the same configuration"  # noqa: E731
    screen = make_screen(Console(file=sys.stderr, soft_wrap=True), again)
    with (
        tempfile.TemporaryDirectory(prefix="memorax-verify-") as folder,
        make_launcher(launcher, results=Path(folder)) as running,
    ):
        yield Machine(running.device_kind or kind, running, screen, Path(folder))
