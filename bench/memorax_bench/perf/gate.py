"""The gate: what a commit does, takes and learns, against what it should; and a reason for what could not be seen."""

import contextlib
import fnmatch
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from memorax_bench import errors
from memorax_bench.errors import Problem, UsageProblems, did_you_mean
from memorax_bench.perf import expected, pairs, scores
from memorax_bench.perf.expected import Counts, Difference, differences, read_expected
from memorax_bench.perf.scores import Scored
from memorax_bench.perf.sides import Refused, Side, SideLost, side
from memorax_bench.perf.timing import Say, Timed, time_programs
from memorax_bench.perf.worktrees import SERVER, worktrees
from memorax_bench.records.provenance import load

COUNTING = {"JAX_PLATFORMS": "cpu"}
TIMING = {  # compiled here and now; and two processes share the memory of an accelerator
    "JAX_ENABLE_COMPILATION_CACHE": "false",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
GRACE = 20.0  # seconds that training has to end its workers


@dataclass(frozen=True)
class Request:
    """What is to be compared, by full commits. `only`: names of programs, or patterns; none: all that are counted, the
    short list of those that are timed. `suite`: its name and overrides, as on the command line."""

    base: str
    head: str
    tiers: tuple[int, ...]
    only: tuple[str, ...]
    budget: float
    suite: tuple[str, ...]
    results: Path


@dataclass(frozen=True)
class Counted:
    """Tier 1. `revised`: where the file of head expects something else than that of base, for whoever reviews it."""

    jaxlib: str
    programs: int
    found: Mapping[str, Counts]
    differences: tuple[Difference, ...] = ()
    revised: tuple[Difference, ...] = ()
    why: str = ""  # something could not be compared


@dataclass(frozen=True)
class Outcome:
    """What each tier found; None: it was not asked for."""

    counted: Counted | None = None
    timed: tuple[Timed, ...] | None = None
    scored: tuple[Scored, ...] | None = None
    lost: tuple[str, ...] = ()  # why a tier could not be measured at all

    @property
    def regressions(self) -> list[str]:
        """What got worse, by name."""
        more = [d.program for d in self._differences() if d.verdict == expected.MORE]
        slower = [row.program for row in self.timed or () if row.verdict == pairs.SLOWER]
        return list(dict.fromkeys([*more, *slower, *(row.cell for row in self._scored(scores.BROKEN))]))

    @property
    def unmeasured(self) -> list[str]:
        """What nothing can be said about, by name."""
        counted = [d.program for d in self._differences() if d.verdict in (expected.UNKNOWN, expected.GONE)]
        timed = [row.program for row in self.timed or () if row.verdict == pairs.UNMEASURED]
        why = [self.counted.why] if self.counted and self.counted.why else []
        return list(
            dict.fromkeys([*self.lost, *why, *counted, *timed, *(r.cell for r in self._scored(scores.UNMEASURED))])
        )

    @property
    def exit_code(self) -> int:
        if self.regressions:
            return errors.EXIT_REGRESSION
        return errors.EXIT_NOTHING_MEASURED if self.unmeasured else errors.EXIT_OK

    def _differences(self) -> tuple[Difference, ...]:
        return self.counted.differences if self.counted else ()

    def _scored(self, verdict: str) -> list[Scored]:
        return [row for row in self.scored or () if row.verdict == verdict]


def gate(root: Path, asked: Request, say: Say) -> Outcome:
    """Measures commits of the repository at `root`; `say` is told the progress. Raises UsageProblems."""
    with worktrees(root, {"base": asked.base, "head": asked.head}) as folders:
        if not (folders["head"] / SERVER).is_file():
            message = f"{asked.head[:8]} has no {SERVER}: it is older than the gate"
            fix = "name a later commit as HEAD, whose benchmarks measure both; BASE may be older"
            raise UsageProblems([Problem(message, fix=fix)])
        outcome = Outcome()
        if {1, 2} & set(asked.tiers):
            try:
                outcome = _programs(folders, asked, say)
            except SideLost as error:
                outcome = Outcome(lost=(str(error),))
        if 3 in asked.tiers:
            found, lost = train(folders["head"], asked.suite, asked.results, say)
            outcome = Outcome(outcome.counted, outcome.timed, found, (*outcome.lost, *lost))
        return outcome


def count_checkout(root: Path, only: Sequence[str], say: Say) -> Counted:
    """Tier 1 of the files as they lie at `root`. Raises UsageProblems, SideLost."""
    with side("the working tree", root, root / "bench", COUNTING) as counter:
        return count(counter, root, root, only, say)


def _programs(folders: Mapping[str, Path], asked: Request, say: Say) -> Outcome:
    """Tiers 1 and 2."""
    head, counted = folders["head"], None
    with side(f"head ({asked.head[:8]})", head, head / "bench", COUNTING) as counter:
        timed = chosen(counter, asked.only, counter.described["timed"])
        if 1 in asked.tiers:
            counted = count(counter, head, folders["base"], asked.only, say)
    if 2 not in asked.tiers:
        return Outcome(counted)
    if max(load(), default=0) > os.cpu_count():
        say("others use this machine: intervals will be wide")
    rng = random.Random()
    try:
        rows = time_programs(partial(_both, folders, asked, rng), timed, asked.budget, rng, say)
        return Outcome(counted, tuple(rows))
    except SideLost as error:  # before there was a program to blame
        return Outcome(counted, lost=(str(error),))


def count(counter: Side, root: Path, base: Path, only: Sequence[str], say: Say) -> Counted:
    """Every program of a side, against the file at `root`; `base` is where the file was before."""
    names = chosen(counter, only, counter.described["programs"])
    jaxlib, known = counter.described["jaxlib"], read_expected(root / expected.FILE)
    found, refused = {}, {}
    for number, name in enumerate(names, 1):
        say(f"[{number}/{len(names)}] counting {name}")
        try:
            found[name] = Counts(**counter.ask("count", program=name))
        except Refused as error:
            refused[name] = str(error)
        except SideLost as error:
            raise SideLost(f"counting {name}, {error}") from None
    if jaxlib not in known:
        why = f"{expected.FILE} knows jaxlib {', '.join(known) or '(none)'}, not {jaxlib}: {expected.WRITE}"
        return Counted(jaxlib, len(names), found, why=why)
    before = read_expected(base / expected.FILE).get(jaxlib, {})
    revised = differences(before, known[jaxlib]) if before else ()
    asked = set(found) if only else known[jaxlib].keys() - refused
    wanted = {name: counts for name, counts in known[jaxlib].items() if name in asked}
    why = "; ".join(f"{name} cannot be counted: {error}" for name, error in refused.items())
    return Counted(jaxlib, len(names), found, differences(wanted, found), revised, why)


def chosen(side: Side, only: Sequence[str], otherwise: Sequence[str]) -> list[str]:
    """The programs asked for, by name or pattern. Raises UsageProblems for one that fits none."""
    known = side.described["programs"]
    wrong = [name for name in only if not fnmatch.filter(known, name)]
    if wrong:
        fix = did_you_mean(wrong[0], known)
        raise UsageProblems([Problem(f"no program is called '{wrong[0]}'", allowed=known, fix=fix)])
    return [name for name in known if any(fnmatch.fnmatch(name, want) for want in only)] if only else list(otherwise)


@contextlib.contextmanager
def _both(folders: Mapping[str, Path], asked: Request, rng: random.Random) -> Iterator[tuple[Side, Side]]:
    """Base and head; which of them starts first is drawn."""
    commits, bench = {"base": asked.base, "head": asked.head}, folders["head"] / "bench"
    with contextlib.ExitStack() as stack:
        started = {
            name: stack.enter_context(side(f"{name} ({commits[name][:8]})", folders[name], bench, TIMING))
            for name in rng.sample(list(commits), 2)
        }
        yield started["base"], started["head"]


def train(head: Path, suite: Sequence[str], results: Path, say: Say) -> tuple[tuple[Scored, ...], tuple[str, ...]]:
    """Tier 3, by the harness of head: trains the cells with stored scores, as far as `results` does not have them."""
    say(f"training {' '.join(suite)}: those cells that have stored scores")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scores.json"
        options = ["--run", "--results", str(results.resolve()), "--json", str(file)]
        code = _harness(head, "perf", "scores", *suite, *options)
        if not file.exists():
            return (), (f"memorax-bench perf scores of head ended with exit code {code}",)
        found = json.loads(file.read_text(encoding="utf-8"))
        return tuple(Scored(**row) for row in found["scored"] or ()), tuple(found["lost"])


def _harness(head: Path, *arguments: str) -> int:
    """Runs `memorax-bench ...` of a checkout; what it prints is progress."""
    process = subprocess.Popen(
        [sys.executable, "-m", "memorax_bench.cli", *arguments],
        cwd=head,
        stdout=2,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (head, head / "bench")))},
        start_new_session=True,
    )
    try:
        return process.wait()
    except BaseException:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        process.kill()
        raise
