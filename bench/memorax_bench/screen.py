"""What `run` shows: a bar that moves on a terminal, one line a cell elsewhere."""

import math
import time
from collections.abc import Callable, Sequence

from memorax_bench.engine import CellEvent, Screen
from memorax_bench.plan import Action, PlannedRun
from memorax_bench.plan_screen import duration
from memorax_bench.render import estimate_text, magnitude, number
from memorax_bench.runner import Progress
from memorax_bench.stats import mean_interval

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

    def begin(self, index: int, total: int, action: Action, run: PlannedRun) -> None:
        self.place = f"[{index}/{total}]"

    def progress(self, progress: Progress) -> None:
        pass

    def end(self, event: CellEvent) -> None:
        for line in event_lines(event, self.rerun):
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)


class _Terminal(_Lines):
    """The cell under way in the last line, redrawn in place; ended cells above it."""

    def __init__(self, console, rerun: Callable[[Action], str]):
        super().__init__(console, rerun)
        self.started = time.monotonic()

    def begin(self, index: int, total: int, action: Action, run: PlannedRun) -> None:
        super().begin(index, total, action, run)
        self.action, self.run, self.began = action, run, None
        self._draw(f"{self.place} {cell_name(action)}  compiling ...")

    def progress(self, progress: Progress) -> None:
        now = time.monotonic()
        if self.began is None:
            self.began = now
        share = progress.env_step / progress.total_env_steps
        left = (now - self.began) * (1 - share) / share if share else None
        bar = "#" * round(BAR * share) + "-" * (BAR - round(BAR * share))
        seeds = f"{len(self.run.seeds)} seed{'' if len(self.run.seeds) == 1 else 's'}"
        self._draw(
            f"{self.place} {cell_name(self.action)}  {bar} {share:4.0%}  "
            f"return {mean_text(progress.returns)} ({seeds})  "
            f"{magnitude(progress.steps_per_s)} steps/s  {duration(left)} left | total {duration(now - self.started)}"
        )

    def end(self, event: CellEvent) -> None:
        self.console.file.write("\r\x1b[2K")
        super().end(event)

    def _draw(self, text: str) -> None:
        self.console.file.write("\r\x1b[2K" + text[: max(self.console.width - 1, 20)])
        self.console.file.flush()


def event_lines(event: CellEvent, rerun: Callable[[Action], str]) -> Sequence[str]:
    """The lines that stay."""
    name = cell_name(event.action)
    if event.kind == "failed":
        first = event.message.splitlines()[0][:300] if event.message else "no message"
        return f" FAIL  {name}  {first}", f"       again: {rerun(event.action)}"
    if event.kind == "adopted":
        return (f" same  {name}  compiles to the same program: its records hold",)
    if event.kind == "elsewhere":
        return (f" done  {name}  by another process",)
    result = event.result
    finals = [math.nan if final is None else final for final in result.results["final"]]
    line = (
        f" done  {name}  return {_interval(finals)}  compile {result.timing['compile']:.1f} s"
        f"{' (cached)' if result.timing['cache'] == 'hit' else ''}  {magnitude(result.steps_per_s)} steps/s"
    )
    diverged = [f" NaN   {name}  seed {seed} at {step:,}" for seed, step in result.diverged.items()]
    return line, *diverged


def cell_name(action: Action) -> str:
    cell = action.cell
    return f"{cell.task_label:<16} {cell.algorithm_label + '/' + cell.torso_label:<14}"


def mean_text(returns: Sequence[float]) -> str:
    """The mean of the seeds that are finite; how many are not."""
    finite = [value for value in returns if math.isfinite(value)]
    text = number(sum(finite) / len(finite)) if finite else "NaN"
    return text if len(finite) == len(returns) else f"{text}, {len(returns) - len(finite)} NaN"


def _interval(finals: Sequence[float]) -> str:
    finite = [value for value in finals if math.isfinite(value)]
    return estimate_text(mean_interval(finite)) if finite else "NaN"
