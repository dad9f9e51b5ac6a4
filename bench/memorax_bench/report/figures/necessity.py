"""From the better control to the oracle, with the best torso: a row for each task, a panel for each algorithm."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from memorax_bench import stats
from memorax_bench.report.figures.canvas import name_rows, names_width, numbers, panels, title
from memorax_bench.report.figures.lines import reference
from memorax_bench.report.figures.style import INK, Look, house_style, looks, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.sections.necessity import Need
from memorax_bench.report.tables import Table

CONTROL_GREY, WAY = "#8C8C8C", "#D6D6D6"
ROW = 0.2  # inches


def save_necessity(table: Table, frame: Frame, needs: Sequence[Need], stem: Path) -> tuple[Path, Path]:
    """Pale where memory is not shown to be needed."""
    with house_style():
        algorithms = list(dict.fromkeys(need.algorithm for need in needs))
        tasks = list(dict.fromkeys(need.task for need in needs))
        look = looks(frame.torsos, frame.roles)
        figure, axes = panels(
            len(algorithms),
            height=0.1 + ROW * len(tasks),
            columns=2,
            left=names_width(tasks),
            gap=0.2,
            top=0.36 if len(algorithms) > 1 else 0.2,
            total=5.0 if len(algorithms) == 1 else None,
            legend=_marks(needs, look),
            foot=frame.foot(f"Bars: {frame.interval}; pale: memory is not shown to be needed"),
        )
        for i, (ax, algorithm) in enumerate(zip(axes, algorithms, strict=True)):
            for need in needs:
                if need.algorithm == algorithm:
                    _dumbbell(ax, need, tasks.index(need.task), look)
            reference(ax, 0.0, "floor", upright=True)
            reference(ax, 1.0, "ceiling", upright=True)
            ax.set_xlabel("Normalised score")
            numbers(ax.xaxis)
            title(ax, algorithm if len(algorithms) > 1 else "")
            ax.title.set_y(1.0 + 0.12 / (0.1 + ROW * len(tasks)))
            name_rows(ax, tasks, shown=i % 2 == 0)
        return save(figure, stem)


def _dumbbell(ax: Axes, need: Need, y: int, look: dict[str, Look]) -> None:
    pale = 1.0 if need.verdict == "yes" else 0.4
    if need.control and need.oracle:
        ends = [need.control.estimate.value, need.oracle.estimate.value]
        ax.plot(ends, [y, y], color=WAY, lw=3.0, solid_capstyle="butt", zorder=2)
    drawn = [(need.control, CONTROL_GREY, "o", 0.0), (need.oracle, INK, "D", 0.0)]
    drawn += [(need.best, look[need.best.torso].colour, "s", 0.22)] if need.best else []
    for named, colour, marker, down in drawn:
        if named is not None:
            _interval(ax, named.estimate, y + down, colour, marker, pale)


def _interval(ax: Axes, estimate: stats.Estimate, y: float, colour: str, marker: str, alpha: float) -> None:
    if np.isfinite(estimate.low):
        ax.plot([estimate.low, estimate.high], [y, y], color=colour, lw=1.4, alpha=alpha, zorder=3)
    ax.plot(estimate.value, y, marker, color=colour, ms=3.8, mec="white", mew=0.6, alpha=alpha, zorder=4)


def _marks(needs: Sequence[Need], look: dict[str, Look]) -> list[Line2D]:
    torsos = list(dict.fromkeys(need.best.torso for need in needs if need.best))
    style = {"ls": "", "mec": "white", "mew": 0.6, "ms": 4.2}
    return [
        Line2D([], [], marker="o", color=CONTROL_GREY, label="better control", **style),
        Line2D([], [], marker="D", color=INK, label="oracle", **style),
        *(
            Line2D([], [], marker="s", color=look[torso].colour, label=f"{torso}, the best", **style)
            for torso in torsos
        ),
    ]
