"""Score by where the agents were tested: a panel for each task and algorithm."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from memorax_bench.report.figures.canvas import numbers, panels, title
from memorax_bench.report.figures.lines import behind, in_front, legend, mean_line, pale_lines, reference
from memorax_bench.report.figures.style import Look, house_style, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.sections.extrapolation import Tested
from memorax_bench.report.tables import Table

_SPREAD = 0.3  # of the distance of two variants, over which rows stand beside one another


def save_extrapolation(
    table: Table, frame: Frame, found: Sequence[Tested], labels: Sequence[str], stem: Path
) -> tuple[Path, Path]:
    """`labels`: the variants in the order of the axis, the task as trained first."""
    with house_style():
        order = list(table.suite.tasks)
        shown = sorted(
            {(one.task, one.row.algorithm) for one in found}, key=lambda panel: (order.index(panel[0]), panel)
        )
        drawn = [one for one in found if one.estimates]
        figure, axes = panels(
            len(shown),
            height=1.7,
            gap=0.56,
            right=0.4,
            legend=legend(frame, (one.row.torso for one in drawn)),
            foot=frame.foot(f"Lines: mean over seeds; bars: {frame.interval}"),
        )
        for ax, panel in zip(axes, shown, strict=True):
            mine = {one.row.torso: one for one in drawn if (one.task, one.row.algorithm) == panel}
            others = [mine[torso] for torso in behind(frame, mine)]
            pale_lines(ax, [(_places(one, labels), [e.value for e in one.estimates.values()]) for one in others])
            front = in_front(frame, mine)
            for i, torso, look in front:
                _draw(ax, mine[torso], labels, look, i, (i + 1) / (len(front) + 1) - 0.5)
            asked = [0, *(labels.index(label) for label in table.suite.tasks[panel[0]].extrapolate)]
            ax.set_xticks(asked, [labels[i] for i in asked])
            reference(ax, 0.0, "floor")
            reference(ax, 1.0, "ceiling")
            ax.set_xlabel("Tested")
            ax.set_ylabel("Normalised score")
            numbers(ax.yaxis)
            ax.margins(x=0.06, y=0.06)
            title(ax, ", ".join(panel) if len(frame.algorithms) > 1 else panel[0])
        return save(figure, stem)


def _draw(ax: Axes, one: Tested, labels: Sequence[str], look: Look, order: int, aside: float) -> None:
    """Beside one another, so that equal scores can be told apart."""
    beside = _places(one, labels) + _SPREAD * aside
    for x, score in zip(beside, one.estimates.values(), strict=True):
        if np.isfinite(score.low):
            ax.plot([x, x], [score.low, score.high], color=look.colour, lw=1.2, alpha=0.6, zorder=5 + order)
    mean_line(ax, beside, [score.value for score in one.estimates.values()], look, order, marker="o", ms=2.8, mew=0)


def _places(one: Tested, labels: Sequence[str]) -> np.ndarray:
    return np.array([labels.index(label) for label in one.estimates])
