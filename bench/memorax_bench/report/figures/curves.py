"""Learning curves in small panels, the seeds behind their means."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from memorax_bench.report.figures.canvas import columns_of, numbers, panels, title
from memorax_bench.report.figures.lines import (
    band,
    behind,
    in_front,
    legend,
    mean_line,
    pale_lines,
    reference,
    step_axis,
    thin_lines,
)
from memorax_bench.report.figures.style import FAINT, Look, house_style, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.sections.curves import Line
from memorax_bench.report.sections.panels import Panel
from memorax_bench.report.tables import Table


def save_curves(
    table: Table, frame: Frame, shown: Sequence[Panel], lines: Sequence[Line], stem: Path
) -> tuple[Path, Path]:
    """In the units of the task where a panel shows one, else normalised."""
    with house_style():
        single = all(panel.single for panel in shown)
        columns = columns_of(frame)
        figure, axes = panels(
            len(shown),
            height=1.35,
            columns=columns,
            gap=0.36,
            right=0.4,
            between=0.24,
            legend=legend(frame, (line.torso for line in lines)),
            foot=_foot(frame, shown, lines, single),
        )
        for i, (ax, panel) in enumerate(zip(axes, shown, strict=True)):
            _draw(ax, frame, [line for line in lines if line.panel == panel])
            _bounds(ax, table, panel, named=(i + 1) % columns == 0 or i == len(shown) - 1)
            name = panel.title + "*" * (not panel.ranked)
            title(ax, f"{name}, {panel.algorithm}" if len(frame.algorithms) > 1 else name)
            step_axis(ax)
            numbers(ax.yaxis)
            if i % columns == 0:
                ax.set_ylabel("Mean episode return" if single else "Normalised score")
            if i >= len(shown) - columns:
                ax.set_xlabel("Environment steps")
        return save(figure, stem)


def _draw(ax: Axes, frame: Frame, lines: Sequence[Line]) -> None:
    mine = {line.torso: line for line in lines}
    pale_lines(ax, [(mine[torso].env_steps, mine[torso].mean) for torso in behind(frame, mine)])
    for order, torso, look in in_front(frame, mine):
        line = mine[torso]
        band(ax, line.env_steps, line.low, line.high, look)
        if len(line.returns):
            thin_lines(ax, line.env_steps, line.returns, look)
        _crosses(ax, line, look)
        mean_line(ax, line.env_steps, line.mean, look, order)
    if not lines:
        ax.text(0.5, 0.5, "not run", transform=ax.transAxes, ha="center", va="center", color=FAINT)
    ax.margins(x=0.0, y=0.06)


def _crosses(ax: Axes, line: Line, look: Look) -> None:
    """Where seeds diverged."""
    for seed in np.flatnonzero(line.diverged.any(axis=1)):
        first = line.diverged[seed].argmax()
        ax.plot(line.env_steps[first], line.returns[seed, first], "x", color=look.colour, ms=3.5, mew=1.0, zorder=19)


def _bounds(ax: Axes, table: Table, panel: Panel, named: bool) -> None:
    """Floor and ceiling, named at the right end of a row of panels."""
    task = table.suite.tasks[panel.tasks[0]]
    bounds = (task.floor, task.ceiling) if panel.single else (0.0, 1.0)
    for name, value in zip(("floor", "ceiling"), bounds, strict=True):
        if value is not None:
            reference(ax, value, name if named else "")


def _foot(frame: Frame, shown: Sequence[Panel], lines: Sequence[Line], single: bool) -> str:
    reading = f"Lines: mean over {'seeds' if single else 'tasks and seeds'}; bands: pointwise {frame.interval}"
    reading += "; thin: seeds" if single else ""
    reading += "; crosses: diverged" if any(line.diverged.any() for line in lines) else ""
    return frame.foot(reading + ("; *: not ranked" if any(not panel.ranked for panel in shown) else ""))
