"""Carries out a plan: job after job, as many at a time as the launcher has room for; what is done is kept, what fails
costs only itself. No jax: the work is done by a launcher's processes."""

import contextlib
import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from memorax_bench.code_hash import CodeHash
from memorax_bench.records import claims
from memorax_bench.records.provenance import checkout
from memorax_bench.records.record import Adoption
from memorax_bench.records.store import Store, StoredRecord, cell_path_parts
from memorax_bench.running.failures import make_failure, now
from memorax_bench.running.job import (
    OUT_OF_MEMORY,
    Began,
    Ended,
    Event,
    Job,
    Moved,
    Progress,
    Question,
    failed,
    jobs_of,
    make_jobs,
)
from memorax_bench.running.launcher import Launcher
from memorax_bench.running.plan import Labels, Plan, chunks, compile_group
from memorax_bench.running.widths import Widths, candidates, unmeasured

HEARTBEAT = 5.0  # seconds between two signs of life of a claim
LISTEN = 0.5  # seconds to wait for an event before looking at the clock
LOOK_AGAIN = 1.0  # seconds between two looks at what other processes hold


@dataclass(frozen=True)
class JobEvent:
    """What became of a job, or of its cell's records (`adopted`: then `job` is any of the cell's).

    `retry` is a failure that is tried again, by `again`.
    """

    kind: str
    job: Job
    ended: Ended | None = None
    again: Job | None = None


@dataclass
class Outcome:
    """Counts of jobs; `diverged` are those with a seed that is not finite: recorded, and reported as failed. `stopped`
    says why nothing more could be done."""

    done: int = 0
    failed: int = 0
    diverged: int = 0
    adopted: int = 0
    elsewhere: int = 0
    stopped: str = ""

    @property
    def all_well(self) -> bool:
        return not (self.failed or self.diverged or self.stopped)


@dataclass(frozen=True)
class Screen:
    """Where the engine reports to: a job begins, moves, ends."""

    begin: Callable[[Job, int, int], None]
    progress: Callable[[Job, Progress], None]
    end: Callable[[JobEvent], None]


@dataclass(frozen=True)
class Policy:
    """What a failure means: `retry` is how often a job is tried again, `timeout` after how many seconds it is taken to
    hang. `checkpoint_every`: seconds between two checkpoints of a cell; 0: one at every evaluation."""

    fail_fast: bool = False
    retry: int = 0
    timeout: float | None = None
    checkpoint_every: float = 60.0


@dataclass
class _Running:
    job: Job
    attempt: int
    deadline: float | None


@dataclass
class Engine:
    """Runs the actions of a plan against a store."""

    store: Store
    launcher: Launcher
    screen: Screen
    argv: tuple[str, ...]
    device_kind: str
    policy: Policy = Policy()
    outcome: Outcome = field(default_factory=Outcome)
    todo: deque = field(default_factory=deque)  # (job, attempt)
    held: list = field(default_factory=list)  # (job, attempt): another process is at it
    running: dict[str, _Running] = field(default_factory=dict)
    observer: claims.Observer = field(default_factory=lambda: claims.Observer(HEARTBEAT))
    named: set[str] = field(default_factory=set)  # jobs that the launcher may get ready for
    begun: int = 0
    total: int = 0
    looked: float = 0.0

    def adopt(self, plan: Plan, codes: dict[Labels, CodeHash], jaxlib: str) -> int:
        """Records of other code that compile to the same program hold for this code: notes it beside them.

        Returns how many; the caller plans again. Costs the tracing of each stale cell, and compiles nothing.
        """
        with self._stopping():
            self._adopt(plan, codes, jaxlib)
        return self.outcome.adopted

    def _adopt(self, plan: Plan, codes: dict[Labels, CodeHash], jaxlib: str) -> None:
        asked = []
        for action in plan.to_do:
            for stored in action.adoptable:
                if stored.record.numerics.jaxlib == jaxlib:
                    asked.append((jobs_of(plan.suite, action, self.store.root, self.argv)[0], stored))
        questions = {
            (job.id, stored.record.seed_batch): Question("programs", job, stored.record.seed_batch)
            for job, stored in asked
        }
        hashes = dict(zip(questions, self.launcher.ask(list(questions.values())), strict=True))
        adopted = [pair for pair in asked if _same_program(hashes, *pair)]
        for job, stored in adopted:
            adoption = Adoption(
                code_hash=codes[job.action.cell.labels].value,
                program_hash=stored.record.code.program_hash,
                jaxlib=jaxlib,
                commit=checkout().commit,
                created_utc=now(),
            )
            self.store.record_adoption(stored.path, adoption)
            self.outcome.adopted += 1
            self.screen.end(JobEvent("adopted", job))

    def measure_widths(self, plan: Plan, widths: Widths) -> int:
        """Finds out how many seeds to train together where that is open; returns for how many cells."""
        found = 0
        for action in unmeasured(plan.to_do, widths):
            job = jobs_of(plan.suite, action, self.store.root, self.argv)[0]
            tried = candidates(len(action.seeds))
            seconds = self.launcher.ask([Question("seconds", job, width) for width in tried])
            measured = dict(zip(tried, seconds, strict=True))
            with self._stopping():
                found += widths.note(action.cell.config, measured, len(action.seeds)) is not None
        return found

    def execute(self, plan: Plan, codes: dict[Labels, CodeHash]) -> Outcome:
        """Runs everything that is to do; what another process is running is waited for at the end."""
        with self._stopping():
            for action in plan.to_do:
                self.store.remember_modules(codes[action.cell.labels])
            self._execute(plan)
        return self.outcome

    @contextlib.contextmanager
    def _stopping(self) -> Iterator[None]:
        """Where the results folder cannot be written, nothing more is begun."""
        try:
            yield
        except OSError as error:
            self.outcome.stopped = f"{self.store.root} cannot be written: {error.strerror or error}"

    def _execute(self, plan: Plan) -> None:
        self.todo = deque((job, 1) for job in make_jobs(plan, self.store.root, self.argv, self.policy.checkpoint_every))
        self.total = len(self.todo)
        while (self.todo or self.running or self.held) and not self.outcome.stopped:
            while self.todo and len(self.running) < self.launcher.slots:
                self._submit(*self.todo.popleft())
            self._prepare()
            self.launcher.poll(LISTEN, self._hear)
            self._stop_hanging()
            self._look_at_held()
            if self.policy.fail_fast and not self.outcome.all_well:
                break

    def _submit(self, job: Job, attempt: int) -> None:
        if job.path.is_file():  # by another process, since this was planned
            self._elsewhere(job)
            return
        if job.id in self.running:  # two labels of one configuration: the second waits for what the first holds
            self.held.append((job, attempt))
            return
        timeout = self.policy.timeout
        self.running[job.id] = _Running(job, attempt, None if timeout is None else time.monotonic() + timeout)
        self.launcher.submit(job)

    def _prepare(self) -> None:
        """Names what comes next, once for each job that is under way."""
        for job, _ in list(self.todo)[: len(self.running)]:
            if job.id not in self.named:
                self.named.add(job.id)
                self.launcher.prepare(job)

    def _hear(self, event: Event) -> None:
        running = self.running.get(event.job_id)
        if running is None:
            return
        match event:
            case Began():
                self.begun += 1
                self.screen.begin(running.job, self.begun, self.total)
            case Moved():
                self.screen.progress(running.job, event.progress)
            case Ended():
                del self.running[event.job_id]
                self._ended(running, event)

    def _ended(self, running: _Running, ended: Ended) -> None:
        job = running.job
        match ended.how:
            case "done":
                self.outcome.done += 1
                self.outcome.diverged += bool(ended.summary.diverged)
                self.screen.end(JobEvent("done", job, ended))
            case "elsewhere":
                self._elsewhere(job)
            case "held":
                self.held.append((job, running.attempt))
            case "no room":
                self.outcome.stopped = ended.message
            case "failed":
                self._failed(running, ended)

    def _failed(self, running: _Running, ended: Ended) -> None:
        job = running.job
        if not ended.kept:
            parts = cell_path_parts(job.suite.label, job.action.cell)
            self.store.record_failure(parts, make_failure(job, self.device_kind, ended))
        if running.attempt > self.policy.retry:
            self.outcome.failed += 1
            self.screen.end(JobEvent("failed", job, ended))
            return
        again = [job]
        if ended.kind == OUT_OF_MEMORY and job.action.seed_batch > 1:
            again = self._narrower(job)
        self.total += len(again)
        self.todo.extendleft((next_job, running.attempt + 1) for next_job in reversed(again))
        self.screen.end(JobEvent("retry", job, ended, again[0]))

    def _narrower(self, job: Job) -> list[Job]:
        """The job's seeds and those of its cell that are still to do, half as many at a time."""
        mates = [other for other, _ in self.todo if other.action == job.action]
        self.todo = deque((other, attempt) for other, attempt in self.todo if other.action != job.action)
        self.total -= len(mates)
        action, seeds = job.action, sorted(seed for one in (job, *mates) for seed in one.run.seeds)
        width = action.seed_batch // 2
        runs = chunks(job.suite.benchmark_hash, action.cell, action.code_hash, self.device_kind, width, seeds)
        group = compile_group(action.cell.config, width)
        narrower = dataclasses.replace(action, seed_batch=width, runs=runs, compile_group=group)
        return jobs_of(job.suite, narrower, self.store.root, self.argv, self.policy.checkpoint_every)

    def _elsewhere(self, job: Job) -> None:
        self.store.discard_work(job.id)
        self.outcome.elsewhere += 1
        self.screen.end(JobEvent("elsewhere", job))

    def _stop_hanging(self) -> None:
        late = [r for r in self.running.values() if r.deadline is not None and time.monotonic() > r.deadline]
        for running in late:
            self.launcher.stop(running.job.id)
            del self.running[running.job.id]
            message = f"not done after {self.policy.timeout:g} s (--timeout); its process was ended"
            self._failed(running, failed(running.job.id, "timeout", message))

    def _look_at_held(self) -> None:
        """Takes up what another process has published or let go of."""
        if not self.held or time.monotonic() - self.looked < LOOK_AGAIN:
            return
        self.looked = time.monotonic()
        held, self.held = self.held, []
        for job, attempt in held:
            if job.path.is_file():
                self._elsewhere(job)
            elif job.id in self.running:
                self.held.append((job, attempt))
            elif (claim := claims.acquire(self.store.work_dir(job.id), self.observer)) is not None:
                claim.release()
                self.todo.append((job, attempt))
            else:
                self.held.append((job, attempt))


def _same_program(hashes: dict[tuple[str, int], str | None], job: Job, stored: StoredRecord) -> bool:
    found = hashes[job.id, stored.record.seed_batch]
    return found is not None and found == stored.record.code.program_hash
