"""What `run` shows: a bar that moves on a terminal, one line a cell elsewhere."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from memorax_bench import stats
from memorax_bench.cell.progress import Progress
from memorax_bench.report.render import estimate_text, magnitude, number
from memorax_bench.running.engine import JobEvent, Screen
from memorax_bench.running.job import Job
from memorax_bench.running.plan import Action
from memorax_bench.verbs.plan_screen import duration

BAR = 10


def make_screen(console, rerun: Callable[[Action], str]) -> Screen:
    """A screen on a rich console; `rerun` gives the command that tries a cell again."""
    return _Terminal(console, rerun).screen() if console.is_terminal else _Lines(console, rerun).screen()


class _Lines:
    """One line when a cell has ended."""

    def __init__(self, console, rerun: Callable[[Action], str]):
        self.console, self.rerun = console, rerun

    def screen(self) -> Screen:
        return Screen(self.begin, self.progress, self.end)

    def begin(self, job: Job, number: int, total: int) -> None:
        pass

    def progress(self, job: Job, progress: Progress) -> None:
        pass

    def end(self, event: JobEvent) -> None:
        for line in event_lines(event, self.rerun):
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)


class _Terminal(_Lines):
    """What is under way in the last line, redrawn in place; ended cells above it."""

    def __init__(self, console, rerun: Callable[[Action], str]):
        super().__init__(console, rerun)
        self.started = time.monotonic()
        self.running: dict[str, _Bar] = {}
        self.total = self.over = self.failed = 0

    def begin(self, job: Job, number: int, total: int) -> None:
        self.total = total
        self.running[job.id] = _Bar(f"[{number}/{total}]", job)
        self._draw(self.running[job.id])

    def progress(self, job: Job, progress: Progress) -> None:
        bar = self.running[job.id]
        bar.last = progress
        bar.began = bar.began or time.monotonic()
        self._draw(bar)

    def end(self, event: JobEvent) -> None:
        self.running.pop(event.job.id, None)
        self.over += event.kind != "adopted"
        self.failed += event.kind == "failed"
        self.console.file.write("\r\x1b[2K")
        super().end(event)
        for bar in list(self.running.values())[-1:]:
            self._draw(bar)

    def _draw(self, bar: "_Bar") -> None:
        room = max(self.console.width - 1, 1)  # a full line would wrap, and could not be redrawn
        notes = [f"+{len(self.running) - 1} more"] * (len(self.running) > 1) + [f"{self.failed} failed"] * bool(
            self.failed
        )
        others = f" ({', '.join(notes)})" if notes else ""
        self.console.file.write("\r\x1b[2K" + bar.line(others, self._times(), room)[:room])
        self.console.file.flush()

    def _times(self) -> str:
        """Since the beginning, and to the end of all cells at the rate so far."""
        elapsed = time.monotonic() - self.started
        done = self.over + sum(bar.share for bar in self.running.values())
        if self.total == 1 or not done:
            return duration(elapsed)
        return f"{duration(elapsed)}, {duration(elapsed * (self.total - done) / done)} left"


@dataclass
class _Bar:
    """A job under way."""

    place: str
    job: Job
    last: Progress | None = None
    began: float | None = None

    @property
    def share(self) -> float:
        """Of its environment steps, the part that is done."""
        return self.last.env_step / self.last.total_env_steps if self.last else 0.0

    def line(self, others: str, total: str, room: int) -> str:
        name = f"{self.place} {cell_name(self.job.action)}{others}"
        if self.last is None:
            return f"{name}  compiling ..."
        left = (time.monotonic() - self.began) * (1 - self.share) / self.share if self.share else None
        return progress_line(name, self.last, duration(left), total, room)


def progress_line(place: str, progress: Progress, left: str, total: str, width: int) -> str:
    """The bar and the numbers beside it, in fewer words where the terminal is narrow; never longer than `width`."""
    share = progress.env_step / progress.total_env_steps
    bar = "#" * round(BAR * share) + "-" * (BAR - round(BAR * share)) + f" {share:4.0%}"
    mean, speed = mean_text(progress.returns), magnitude(progress.steps_per_s)
    seeds = f"{len(progress.returns)} seed{'' if len(progress.returns) == 1 else 's'}"
    numbers = f"{bar}  return {mean} ({seeds})  {speed} steps/s  {left} left"
    short = " ".join(place.split())
    forms = (
        f"{place}  {numbers} | total {total}",
        f"{place}  {numbers}",
        f"{short}  {numbers}",
        f"{short} {bar} {mean} ({seeds}) {speed}/s {left} left",
    )
    return next((line for line in forms if len(line) <= width), forms[-1])[:width]


def event_lines(event: JobEvent, rerun: Callable[[Action], str]) -> Sequence[str]:
    """The lines that stay."""
    name = cell_name(event.job.action)
    if event.kind == "failed":
        return f" FAIL  {name}  {headline(event.ended.message)[:300]}", f"       again: {rerun(event.job.action)}"
    if event.kind == "retry":
        width = event.again.action.seed_batch
        how = "" if width == event.job.action.seed_batch else f", {width} seed{'' if width == 1 else 's'} at a time"
        return f" FAIL  {name}  {headline(event.ended.message)[:300]}", f"       tried again{how}"
    if event.kind == "adopted":
        return (f" same  {name}  compiles to the same program: its records hold",)
    if event.kind == "elsewhere":
        return (f" done  {name}  by another process",)
    done = event.ended.summary
    finals = [math.nan if final is None else final for final in done.final]
    line = (
        f" done  {name}  return {_interval(finals)}  compile {done.compile_seconds:.1f} s"
        f"{' (cached)' if done.cached else ''}  {magnitude(done.steps_per_s)} steps/s"
        f"{f'  resumed at {done.resumed_at:,}' if done.resumed_at else ''}"
    )
    diverged = [f" NaN   {name}  seed {seed} at {step:,}" for seed, step in done.diverged.items()]
    return line, *diverged


def headline(message: str) -> str:
    """The first line; where that only announces a traceback, as jax's does for an error in a callback, the last."""
    lines = message.strip().splitlines() or ["no message"]
    return lines[-1] if lines[0].endswith("Traceback (most recent call last):") else lines[0]


def cell_name(action: Action) -> str:
    cell = action.cell
    return f"{cell.task_label:<16} {cell.algorithm_label + '/' + cell.torso_label:<14}"


def mean_text(returns: Sequence[float]) -> str:
    """The mean of the seeds that are finite; how many are not."""
    finite = [value for value in returns if math.isfinite(value)]
    if not finite:
        return "NaN"
    text = number(sum(finite) / len(finite))
    return text if len(finite) == len(returns) else f"{text}, {len(returns) - len(finite)} NaN"


def _interval(finals: Sequence[float]) -> str:
    finite = [value for value in finals if math.isfinite(value)]
    return estimate_text(stats.mean_interval(finite)) if finite else "NaN"
