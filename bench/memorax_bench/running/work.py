"""Does one job in this process: claims its run, trains, publishes the record or keeps the failure.

This is all that is done on a device, wherever the process runs. Correctness rests on publishing alone, which is
atomic; a claim saves others the work.
"""

import contextlib
import dataclasses
import errno
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from memorax_bench.cell.course import Checkpoints
from memorax_bench.cell.device import device_kind, numerics
from memorax_bench.cell.runner import ChunkResult, Executables, agent_cost, run_chunk, trace
from memorax_bench.cell.speed import seconds_of_training
from memorax_bench.code_hash import code_hash
from memorax_bench.identity import seed_key_words
from memorax_bench.records import claims
from memorax_bench.records.curves import FILE
from memorax_bench.records.record import encode
from memorax_bench.records.store import CHECKPOINT, RECORD, Store, cell_path_parts
from memorax_bench.running.assemble import make_record
from memorax_bench.running.failures import make_failure
from memorax_bench.running.job import (
    OUT_OF_MEMORY,
    Began,
    Ended,
    Event,
    Job,
    Moved,
    Progress,
    Question,
    Summary,
    failed,
)
from memorax_bench.running.plan import compile_group
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.grid import cell_roots

HEARTBEAT = 5.0  # seconds; three of them without a sign let others take over
KEPT = 4  # compiled cells that are kept, for others of their group
NOTE_EVERY = 2.0  # seconds between two notes for `status`
_MEMORY_WORDS = ("RESOURCE_EXHAUSTED", "out of memory", "Out of memory", "MemoryError")
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Workbench:
    """Does jobs one after another; programs of one compile group are compiled once."""

    def __init__(self):
        self.observer = claims.Observer(HEARTBEAT)
        self.kept: OrderedDict[tuple[str, str], Future[Executables]] = OrderedDict()
        self.used: set[tuple[str, str]] = set()  # of those kept, the ones that a job has had
        self.maker, self.lock = ThreadPoolExecutor(1, thread_name_prefix="compile"), threading.Lock()
        self.codes: dict[tuple[str, ...], str] = {}  # of the modules as they were when this process first used them

    def do(self, job: Job, say: Callable[[Event], None]) -> None:
        """The last event is an `Ended`, whatever happens; only interruptions of the process get through."""
        store = Store(job.results)
        try:
            with _claimed(store, job, self.observer) as claim:
                if claim is None:
                    say(Ended(job.id, "held"))
                elif job.path.is_file():  # by another process, since this was planned
                    store.discard_work(job.id)
                    say(Ended(job.id, "elsewhere"))
                else:
                    say(Began(job.id))
                    say(self._run(job, store, claim, say))
        except OSError as error:  # of the results folder: what happens in a cell is caught there
            say(Ended(job.id, "no room", message=f"{job.results} cannot be written: {error.strerror or error}"))

    def answer(self, question: Question) -> Any:
        """What the question asks for; None where it fails."""
        config, width = question.job.action.cell.config, question.width
        try:
            if question.what == "seconds":
                return seconds_of_training(config, width)
            programs = trace(config, width)
            if question.what == "programs":
                return programs.program_hash
            cost = agent_cost(programs, width, config["protocol"]["eval_every"])
            return {"program_hash": programs.program_hash, **cost}
        except Exception:  # it will fail again when it is run, and be recorded there; or it was too wide
            return None

    def _run(self, job: Job, store: Store, claim: claims.Claim, say: Callable[[Event], None]) -> Ended:
        cell = job.action.cell
        parts = cell_path_parts(job.suite.label, cell)
        try:
            self._check_code(job)
            executables = self._compiled(job)
            program = (executables.programs.program_hash, *map(str, numerics().values()))
            result = run_chunk(
                executables,
                cell.config,
                partial(seed_key_words, job.suite.benchmark_hash, cell.task_label),
                job.run.seeds,
                job.action.seed_batch,
                _Reporter(job, store, say),
                Checkpoints(store.work_dir(job.id) / CHECKPOINT, program, job.checkpoint_every),
            )
            record = make_record(job, executables.programs.program_hash, result)
        except Exception as error:  # one cell must never cost another
            if _is_full(error):
                raise OSError(errno.ENOSPC, "no space left for a checkpoint") from error
            return self._failed(job, store, parts, error)
        if not claim.holds():  # another process took over while this one was suspended
            return Ended(job.id, "held")
        store.publish(parts, job.id, {RECORD: encode(record), FILE: result.curves})
        store.discard_work(job.id)
        return Ended(job.id, "done", summary=_summary(result))

    def _failed(self, job: Job, store: Store, parts: tuple[str, ...], error: Exception) -> Ended:
        message = f"{type(error).__name__}: {error}".strip()
        lines = (line for text in traceback.format_exception(error)[-6:] for line in text.rstrip().splitlines())
        ended = failed(job.id, failure_kind(error), message[:2000], tuple(lines)[-20:])
        store.record_failure(parts, make_failure(job, device_kind(), ended))
        return dataclasses.replace(ended, kept=True)

    def prepare(self, job: Job) -> None:
        """Compiles a job's cell in another thread, while the present job runs."""
        self._kept(job)

    def _compiled(self, job: Job) -> Executables:
        key, making = self._kept(job)
        try:
            made = making.result()
        except BaseException:
            self.kept.pop(key, None)
            raise
        again = key in self.used
        self.used.add(key)
        return dataclasses.replace(made, again=again)

    def _kept(self, job: Job) -> tuple[tuple[str, str], Future]:
        """The programs of the job's compile group, which are being made if they were not there."""
        config, width = job.action.cell.config, job.action.seed_batch
        key = compile_group(config, width), job.action.code_hash
        with self.lock:
            if key not in self.kept:
                self.kept[key] = self.maker.submit(lambda: trace(config, width).compile())
            self.kept.move_to_end(key)
            while len(self.kept) > KEPT:
                self.used.discard(self.kept.popitem(last=False)[0])
            return key, self.kept[key]

    def _check_code(self, job: Job) -> None:
        """Raises `CodeChanged` where the modules on disk are not those that were planned with."""
        roots = cell_roots(job.action.cell, load_catalogue())
        if roots not in self.codes:
            self.codes[roots] = code_hash(roots).value
        if self.codes[roots] != job.action.code_hash:
            raise CodeChanged("the code was edited, or is another one here than where the run was planned: run again")


class CodeChanged(Exception):
    """What would be computed is not what was planned."""


class _Reporter:
    """Says how a chunk is getting on, to whoever waits for the job and, now and then, to `memorax-bench status`."""

    def __init__(self, job: Job, store: Store, say: Callable[[Event], None]):
        self.job, self.store, self.say, self.noted = job, store, say, -NOTE_EVERY

    def __call__(self, progress: Progress) -> None:
        self.say(Moved(self.job.id, progress))
        if time.monotonic() - self.noted >= NOTE_EVERY:
            self.noted = time.monotonic()
            note = {
                "suite": self.job.suite.label,
                "cell": self.job.action.cell.labels,
                "seeds": self.job.run.seeds,
                **dataclasses.asdict(progress),
            }
            self.store.note_progress(self.job.id, note)


@contextlib.contextmanager
def _claimed(store: Store, job: Job, observer: claims.Observer) -> Iterator[claims.Claim | None]:
    claim = claims.acquire(store.work_dir(job.id), observer)
    if claim is None:
        yield None
        return
    try:
        with claims.heartbeat(claim, HEARTBEAT):
            yield claim
    finally:
        claim.release()


def _summary(result: ChunkResult) -> Summary:
    return Summary(
        final=tuple(result.results["final"]),
        compile_seconds=result.timing["compile"],
        cached=result.timing["cache"] == "hit",
        steps_per_s=result.steps_per_s,
        diverged=result.diverged,
        resumed_at=max(result.resumed_at, default=0),
    )


def failure_kind(error: Exception) -> str:
    """A word or two for `plan`: `out of memory`, or the error's name."""
    if any(word in f"{type(error).__name__} {error}" for word in _MEMORY_WORDS):
        return OUT_OF_MEMORY
    return type(error).__name__


def _is_full(error: Exception) -> bool:
    """Whether a disk is full; tensorstore says so in words."""
    return (isinstance(error, OSError) and error.errno in _FULL) or "No space left on device" in str(error)
