"""Carries out a plan: cell after cell, chunk after chunk; what is done is kept, what fails costs only itself."""

import contextlib
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from memorax_bench import claims
from memorax_bench.assemble import make_failure, make_record, now
from memorax_bench.code_hash import CodeHash
from memorax_bench.curves import FILE
from memorax_bench.identity import seed_key_words
from memorax_bench.plan import Action, Labels, Plan, PlannedRun
from memorax_bench.provenance import checkout
from memorax_bench.record import Adoption, encode
from memorax_bench.runner import ChunkResult, Programs, Progress, run_chunk, trace
from memorax_bench.store import RECORD, Store, cell_path_parts

HEARTBEAT = 5.0  # seconds; three of them without a sign let others take over
_MEMORY_WORDS = ("RESOURCE_EXHAUSTED", "out of memory", "Out of memory")


@dataclass(frozen=True)
class CellEvent:
    """What became of one chunk of a cell: `done`, `failed`, `adopted` or `elsewhere` (another process made it)."""

    kind: str
    action: Action
    seeds: tuple[int, ...]
    result: ChunkResult | None = None
    message: str = ""


@dataclass
class Outcome:
    """Counts of chunks; `diverged` are chunks with a seed that is not finite: recorded, and reported as failed."""

    done: int = 0
    failed: int = 0
    diverged: int = 0
    adopted: int = 0
    elsewhere: int = 0

    @property
    def all_well(self) -> bool:
        return not (self.failed or self.diverged)


@dataclass(frozen=True)
class Screen:
    """Where the engine reports to: a chunk begins, moves, ends."""

    begin: Callable[[int, int, Action, PlannedRun], None]
    progress: Callable[[Progress], None]
    end: Callable[[CellEvent], None]


@dataclass
class Engine:
    """Runs the actions of a plan against a store."""

    store: Store
    screen: Screen
    argv: tuple[str, ...]
    fail_fast: bool = False
    outcome: Outcome = field(default_factory=Outcome)
    observer: claims.Observer = field(default_factory=partial(claims.Observer, HEARTBEAT))
    traced: tuple[tuple, Programs] | None = None

    def adopt(self, plan: Plan, codes: dict[Labels, CodeHash], jaxlib: str) -> int:
        """Records of other code that compile to the same program hold for this code: notes it beside them.

        Returns how many; the caller plans again. Costs the tracing of each stale cell, and compiles nothing.
        """
        adopted = 0
        for action in plan.to_do:
            candidates = [stored for stored in action.adoptable if stored.record.numerics.jaxlib == jaxlib]
            hashes: dict[int, str | None] = {}  # by width: the program depends on it
            for stored in candidates:
                width = stored.record.seed_batch
                if width not in hashes:
                    hashes[width] = self._program_hash(action, width)
                if hashes[width] == stored.record.code.program_hash:
                    code = codes[action.cell.labels]
                    adoption = Adoption(
                        code_hash=code.value,
                        program_hash=hashes[width],
                        jaxlib=jaxlib,
                        commit=checkout().commit,
                        created_utc=now(),
                    )
                    self.store.record_adoption(stored.path, adoption)
                    adopted += 1
                    self.screen.end(CellEvent("adopted", action, stored.record.seeds))
        self.outcome.adopted += adopted
        return adopted

    def execute(self, plan: Plan, codes: dict[Labels, CodeHash]) -> Outcome:
        """Runs everything that is to do; what another process is running is waited for at the end."""
        todo = [(action, run) for action in plan.to_do for run in action.runs]
        for action in plan.to_do:
            self.store.remember_modules(codes[action.cell.labels])
        total, waiting, number = len(todo), todo, 0
        while waiting:
            held = []
            for action, run in waiting:
                with self._claimed(run) as claim:
                    if claim is None:
                        held.append((action, run))
                        continue
                    number += 1
                    if self._is_published(plan, action, run):  # by another process, since this was planned
                        self._elsewhere(action, run)
                        continue
                    self._run(plan, action, run, claim, number, total)
                    if self.fail_fast and not self.outcome.all_well:
                        return self.outcome
            if len(held) == len(waiting):
                held = self._without_published(plan, held)
                time.sleep(min(HEARTBEAT, 1.0) if held else 0)
            waiting = held
        return self.outcome

    @contextlib.contextmanager
    def _claimed(self, run: PlannedRun) -> Iterator[claims.Claim | None]:
        claim = claims.acquire(self.store.work_dir(run.run_id), self.observer)
        if claim is None:
            yield None
            return
        try:
            with claims.heartbeat(claim, HEARTBEAT):
                yield claim
        finally:
            claim.release()

    def _without_published(self, plan: Plan, held: list) -> list:
        """Drops what other processes have published meanwhile."""
        left = []
        for action, run in held:
            if self._is_published(plan, action, run):
                self._elsewhere(action, run)
            else:
                left.append((action, run))
        return left

    def _is_published(self, plan: Plan, action: Action, run: PlannedRun) -> bool:
        parts = cell_path_parts(plan.suite.label, action.cell)
        return self.store.root.joinpath(*parts, run.run_id, RECORD).is_file()

    def _elsewhere(self, action: Action, run: PlannedRun) -> None:
        self.store.discard_work(run.run_id)
        self.outcome.elsewhere += 1
        self.screen.end(CellEvent("elsewhere", action, run.seeds))

    def _run(self, plan: Plan, action: Action, run: PlannedRun, claim, number: int, total: int) -> None:
        suite, cell = plan.suite, action.cell
        parts = cell_path_parts(suite.label, cell)
        self.screen.begin(number, total, action, run)
        try:
            programs = self._trace(action, action.seed_batch)
            words = partial(seed_key_words, suite.benchmark_hash, cell.task_label)
            result = run_chunk(
                programs, cell.config["protocol"], words, run.seeds, action.seed_batch, self.screen.progress
            )
            record = make_record(suite, action, run, programs.program_hash, result, self.argv)
        except Exception as error:  # one cell must never cost another
            self._failed(parts, action, run, error)
            return
        if claim.holds():
            self.store.publish(parts, run.run_id, {RECORD: encode(record), FILE: result.curves})
            self.store.discard_work(run.run_id)
        self.outcome.done += 1
        self.outcome.diverged += bool(result.diverged)
        self.screen.end(CellEvent("done", action, run.seeds, result))

    def _failed(self, parts, action: Action, run: PlannedRun, error: Exception) -> None:
        message = f"{type(error).__name__}: {error}".strip()
        tail = tuple(line for text in traceback.format_exception(error)[-6:] for line in text.rstrip().splitlines())
        self.store.record_failure(parts, make_failure(action, run, failure_kind(error), message[:2000], tail[-20:]))
        self.outcome.failed += 1
        self.screen.end(CellEvent("failed", action, run.seeds, message=message))

    def _program_hash(self, action: Action, width: int) -> str | None:
        try:
            return self._trace(action, width).program_hash
        except Exception:  # it will fail again when it is run, and be recorded there
            return None

    def _trace(self, action: Action, width: int) -> Programs:
        """Traced once for all chunks of a cell, which follow one another."""
        key = (action.cell.config_hash, action.code_hash, width)
        if self.traced is None or self.traced[0] != key:
            self.traced = (key, trace(action.cell.config, width))
        return self.traced[1]


def failure_kind(error: Exception) -> str:
    """A word or two for `plan`: `out of memory`, or the error's name."""
    if any(word in str(error) for word in _MEMORY_WORDS):
        return "out of memory"
    return type(error).__name__
