"""Training as it goes: a live panel on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from memorax.loggers.base import Logger
from memorax.loggers.progress import Progress, Tracker
from memorax.loggers.rows import Rows

BAR = 30


class DashboardLogger(Logger):
    """Progress, the mean return over the last 100 episodes of each seed, speed, time left, and every logged value.

    `mean ± standard deviation [smallest, largest]` are over seeds; a seed whose value is not finite is left out and
    counted. `total_steps`, the environment steps of each seed in the whole run, is needed for the bar and the time
    left. Where there is no terminal, a line is printed at most every `interval` seconds.
    """

    def __init__(
        self,
        total_steps: int | None = None,
        title: str = "training",
        interval: float = 10.0,
        console: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        if total_steps is not None and total_steps < 1:
            raise ValueError(f"DashboardLogger: total_steps = {total_steps} must be at least 1, or None if not known")
        from rich.console import Console
        from rich.live import Live

        self.total_steps, self.title, self.interval, self.clock = total_steps, title, interval, clock
        self.console = console or Console()
        self.start = self.printed_at = clock()
        self.tracker = Tracker(self.start)
        self.progress: Progress | None = None
        self.printed: Progress | None = None
        self.live = None
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self.live = Live(get_renderable=self.panel, console=self.console, refresh_per_second=2)
            self.live.start(refresh=True)
            self.console.show_cursor(True)  # a process that is killed could not bring it back

    def __str__(self) -> str:
        return f"DashboardLogger({self.title!r})"

    def write(self, rows: Rows) -> None:
        self.progress = self.tracker.update(rows, self.clock()) or self.progress
        if self.live:
            self.live.refresh()
        elif self.printed is None or self.clock() - self.printed_at >= self.interval:
            self._print_line()

    def save(self, state: Any, step: int, score: float | None) -> None:
        """Keeps no states."""

    def finish(self, crashed: bool) -> None:
        if self.live:
            self.live.stop()
        else:
            self._print_line()

    def _print_line(self) -> None:
        """Of the progress, where it is not the one that the last line was of."""
        if self.progress is self.printed:
            return
        self.printed, self.printed_at = self.progress, self.clock()
        line = f"{self.title}  {line_of(self.progress, self.total_steps)}"
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def panel(self) -> Any:
        """What the terminal shows now."""
        from rich.console import Group
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        progress, elapsed = self.progress, duration(self.clock() - self.start)
        if progress is None:
            body: Any = Text(f"waiting for the first rows; {elapsed} elapsed")
        else:
            head, values = Table.grid(padding=(0, 2)), Table.grid(padding=(0, 2))
            for name, text in _head(progress, self.total_steps, elapsed):
                head.add_row(Text(name, style="bold"), Text(text))
            for name, value in sorted(progress.latest.items()):
                values.add_row(Text(name), Text(spread(value)))
            body = Group(head, *([Text(), values] if progress.latest else []))
        return Panel(body, title=Text(self.title), title_align="left", expand=False)


def _head(progress: Progress, total: int | None, elapsed: str) -> list[tuple[str, str]]:
    """The lines above the logged values: (name, text)."""
    left = f"  {duration(progress.seconds_left(total))} left" if total else ""
    return [
        ("step", steps_text(progress.step, total, BAR)),
        ("seeds", str(progress.seeds)),
        ("return", returns_text(progress, lengths=True)),
        ("speed", f"{magnitude(progress.speed)} steps/s"),
        ("time", f"{elapsed} elapsed{left}"),
    ]


def line_of(progress: Progress, total: int | None) -> str:
    """`50%  step 512 of 1,024  return 0.5 ± 0.1 [0.4, 0.6] (2 seeds)  84k steps/s  0:24 left`."""
    seeds = f"{progress.seeds} seed{'' if progress.seeds == 1 else 's'}"
    left = f"  {duration(progress.seconds_left(total))} left" if total else ""
    share = f"{min(progress.step / total, 1.0):4.0%}  " if total else ""
    return (
        f"{share}step {steps_text(progress.step, total)}  return {returns_text(progress)} ({seeds})  "
        f"{magnitude(progress.speed)} steps/s{left}"
    )


def returns_text(progress: Progress, lengths: bool = False) -> str:
    if np.isnan(progress.lengths).all():
        return "none yet"
    text = spread(progress.returns)
    return f"{text}  episodes of {number(np.nanmean(progress.lengths))} steps" if lengths else text


def steps_text(step: int, total: int | None, bar: int = 0) -> str:
    if total is None:
        return f"{step:,}"
    share = min(step / total, 1.0)  # training rounds up to whole updates
    drawn = f"{'#' * round(bar * share):-<{bar}} {share:.0%}  " if bar else ""
    return f"{drawn}{step:,} of {total:,}"


def spread(values: np.ndarray) -> str:
    """`0.5 ± 0.1 [0.4, 0.6]` over the seeds that are finite; how many are not."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "not finite"
    text = number(finite.mean())
    if finite.size > 1:
        text += f" ± {number(finite.std(ddof=1))} [{number(finite.min())}, {number(finite.max())}]"
    strays = values.size - finite.size
    return f"{text}, {strays} of {values.size} not finite" if strays else text


def number(value: float) -> str:
    """Three significant digits; whole numbers from 1,000 up."""
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.3g}"


def magnitude(value: float | None) -> str:
    """`850`, `8.4k`, `1.2M`; `?` where not known."""
    if value is None:
        return "?"
    for factor, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g}{suffix}"
    return f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """`0:24`, `1:02:03`; `?` where not known."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
