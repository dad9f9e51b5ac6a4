"""Sample efficiency, efficiency in time and the share of runs half-way: three panels for each algorithm."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, NullFormatter, PercentFormatter

from memorax_bench.report.figures.canvas import numbers, panels, title
from memorax_bench.report.figures.lines import band, behind, in_front, legend, mean_line, pale_lines, step_axis
from memorax_bench.report.figures.style import Look, house_style, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.sections.efficiency import HALF_WAY, Progress


def save_efficiency(frame: Frame, progress: Sequence[Progress], devices: str, stem: Path) -> tuple[Path, Path]:
    """Environment steps on the first and third axes, seconds of training on the second."""
    with house_style():
        algorithms = list(dict.fromkeys(one.row.algorithm for one in progress))
        reading = (
            f"Means over the ranked tasks; bands: {frame.interval}; time: of training on {devices}, a seed's share"
        )
        figure, axes = panels(
            3 * len(algorithms),
            height=1.55,
            gap=0.56,
            top=0.22 if len(algorithms) > 1 else 0.08,
            legend=legend(frame, (one.row.torso for one in progress)),
            foot=frame.foot(reading),
        )
        for i, algorithm in enumerate(algorithms):
            mine = {one.row.torso: one for one in progress if one.row.algorithm == algorithm}
            three, others = axes[3 * i : 3 * i + 3], [mine[torso] for torso in behind(frame, mine)]
            pale_lines(three[0], [(one.steps, one.by_steps.value) for one in others])
            pale_lines(three[1], [(one.seconds, one.by_seconds.value) for one in others])
            pale_lines(three[2], [_half_way(one) for one in others])
            for order, torso, look in in_front(frame, mine):
                _draw(three, mine[torso], look, order)
            _finish(three, algorithm if len(algorithms) > 1 else "")
        for ax in axes:
            if ax not in axes[2::3] and ax is not axes[0]:
                ax.sharey(axes[0])
        return save(figure, stem)


def _draw(axes: Sequence[Axes], one: Progress, look: Look, order: int) -> None:
    for ax, x, (value, low, high) in ((axes[0], one.steps, one.by_steps), (axes[1], one.seconds, one.by_seconds)):
        band(ax, x, low, high, look)
        mean_line(ax, x, value, look, order)
    axes[1].plot(one.seconds[-1], one.by_seconds.value[-1], "o", color=look.colour, ms=2.6, zorder=20)
    mean_line(axes[2], *_half_way(one), look, order)


def _half_way(one: Progress) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the steps in which the share of runs rises."""
    share = 1 - one.half_way.surviving
    x = np.concatenate([[0], np.repeat(one.half_way.times, 2), [one.steps[-1]]])
    return x, np.concatenate([[0, 0], np.repeat(share, 2)])[: len(x)]


def _finish(axes: Sequence[Axes], name: str) -> None:
    axes[0].set_ylabel("Mean normalised score")
    axes[0].set_xlabel("Environment steps")
    axes[1].set_xlabel("Seconds of training, a seed")
    axes[1].set_xscale("log")
    axes[1].xaxis.set_major_formatter(EngFormatter(sep=""))
    axes[1].xaxis.set_minor_formatter(NullFormatter())
    numbers(axes[0].yaxis)
    axes[2].set_xlabel("Environment steps")
    axes[2].set_ylabel(f"Runs at {HALF_WAY:g} or above")
    axes[2].yaxis.set_major_formatter(PercentFormatter(1.0))
    axes[2].set_ylim(-0.04, 1.04)
    for ax in (axes[0], axes[2]):
        step_axis(ax)
    for ax in axes:
        ax.margins(x=0.02, y=0.04)
    title(axes[0], name)
