"""Final scores of every seed, a line for each row and a panel for each task."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from memorax_bench.report.figures.bars import Bar, draw_bars
from memorax_bench.report.figures.canvas import columns_of, name_rows, names_width, numbers, panels, title
from memorax_bench.report.figures.lines import reference
from memorax_bench.report.figures.style import house_style, looks, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.sections.panels import Panel
from memorax_bench.report.sections.scores import Dots
from memorax_bench.report.tables import Table

ROW, FEW_ROWS = 0.13, 0.21  # inches, of many and of few


def save_scores(
    table: Table, frame: Frame, shown: Sequence[Panel], dots: Sequence[Dots], stem: Path
) -> tuple[Path, Path]:
    """Panels of one algorithm below one another, all with the same rows."""
    with house_style():
        torsos = list(frame.torsos)
        row = FEW_ROWS if len(torsos) <= 10 else ROW
        columns = columns_of(frame, usual=3 if len(torsos) <= 10 else 4)
        dots_are = "seeds" if all(panel.single for panel in shown) else "tasks"
        reading = f"Dots: {dots_are}; diamond and bar: mean, {frame.interval}; dotted: floor and ceiling"
        reading += "; crosses: diverged" if any(one.diverged.any() for one in dots) else ""
        reading += "; *: not ranked" if any(not panel.ranked for panel in shown) else ""
        figure, axes = panels(
            len(shown),
            height=0.1 + row * len(torsos),
            columns=columns,
            left=names_width(torsos),
            gap=0.14,
            top=0.22,
            bottom=0.36,
            foot=frame.foot(reading),
        )
        look = looks(frame.torsos, frame.roles)
        for i, (ax, panel) in enumerate(zip(axes, shown, strict=True)):
            mine = [one for one in dots if one.panel == panel]
            _draw(ax, [(torsos.index(one.torso), look[one.torso].colour, one) for one in mine])
            name_rows(ax, torsos, shown=i % columns == 0)
            numbers(ax.xaxis, 3)
            normalised = table.suite.tasks[panel.tasks[0]].ceiling is not None
            if i >= len(shown) - columns or not normalised:
                ax.set_xlabel("Normalised score" if normalised else "Final return")
            if normalised:
                reference(ax, 0.0, upright=True)
                reference(ax, 1.0, upright=True)
            name = panel.title + "*" * (not panel.ranked)
            title(ax, f"{name}, {panel.algorithm}" if len(frame.algorithms) > 1 else name)
        return save(figure, stem)


def _draw(ax: Axes, drawn: Sequence[tuple[int, str, Dots]]) -> None:
    """(row, colour, dots): seeds side by side by a fixed small offset, so that equal scores can be counted."""
    draw_bars(
        ax, [Bar(one.estimate, row, colour) for row, colour, one in drawn], marker="D", size=2.6, width=1.6, pale=1.0
    )
    for failed, marker, size in ((False, "o", 1.8), (True, "x", 3.0)):
        points = [
            (x, y, colour)
            for row, colour, one in drawn
            for x, y, diverged in zip(one.scores, _below(row, len(one.scores)), one.diverged, strict=True)
            if diverged == failed
        ]
        if points:
            x, y, colours = zip(*points, strict=True)
            ax.scatter(x, y, s=size**2, c=colours, marker=marker, linewidths=0.9 * failed, alpha=0.65, zorder=3)


def _below(row: int, n: int) -> np.ndarray:
    return row + (np.linspace(0.12, 0.42, n) if n > 1 else np.full(1, 0.25))
