"""Score against the length of what has to be remembered: a panel for each family and algorithm."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator

from memorax_bench import stats
from memorax_bench.report.figures.canvas import numbers, panels, title
from memorax_bench.report.figures.lines import band, behind, in_front, legend, mean_line, pale_lines, reference
from memorax_bench.report.figures.style import Look, house_style, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.sections.horizon import Curve


def save_horizon(frame: Frame, curves: Sequence[Curve], threshold: float, stem: Path) -> tuple[Path, Path]:
    """The threshold, floor and ceiling as dotted lines."""
    with house_style():
        shown = list(dict.fromkeys((curve.family, curve.row.algorithm) for curve in curves))
        drawn = [curve for curve in curves if any(curve.scores.values())]
        figure, axes = panels(
            len(shown),
            height=1.7,
            gap=0.62,
            right=0.48,
            legend=legend(frame, (curve.row.torso for curve in drawn)),
            foot=frame.foot(f"Lines: mean over seeds; bands: {frame.interval}"),
        )
        for ax, panel in zip(axes, shown, strict=True):
            mine = {curve.row.torso: curve for curve in drawn if (curve.family, curve.row.algorithm) == panel}
            pale_lines(ax, [_line(mine[torso]) for torso in behind(frame, mine)])
            for order, torso, look in in_front(frame, mine):
                _draw(ax, mine[torso], look, order)
            lengths = sorted({length for curve in mine.values() for length in curve.scores})
            ax.set_xscale("log", base=2)
            ax.set_xticks(lengths, [str(length) for length in lengths])
            ax.xaxis.set_minor_locator(NullLocator())
            ax.xaxis.set_minor_formatter(NullFormatter())
            for name, value in (("floor", 0.0), ("threshold", threshold), ("ceiling", 1.0)):
                reference(ax, value, name)
            ax.set_xlabel("Memory length (steps)")
            ax.set_ylabel("Normalised score")
            numbers(ax.yaxis)
            ax.margins(x=0.04, y=0.06)
            title(ax, ", ".join(panel) if len(frame.algorithms) > 1 else panel[0])
        return save(figure, stem)


def _draw(ax: Axes, curve: Curve, look: Look, order: int) -> None:
    points = _points(curve)
    low, high = (np.array([getattr(score, end) for score in points.values()]) for end in ("low", "high"))
    band(ax, list(points), low, high, look)
    mean_line(ax, *_line(curve), look, order, marker="o", ms=2.8, mew=0)


def _line(curve: Curve) -> tuple[list[int], list[float]]:
    points = _points(curve)
    return list(points), [score.value for score in points.values()]


def _points(curve: Curve) -> dict[int, stats.Estimate]:
    return {length: score for length, score in curve.scores.items() if score is not None}
