"""Score against throughput: a panel for each algorithm and kind of device."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from memorax_bench.report.figures.canvas import numbers, panels, title
from memorax_bench.report.figures.labels import Point, place_names
from memorax_bench.report.figures.style import FAINT, INK, PALE, TINY, Look, house_style, looks, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.render import magnitude
from memorax_bench.report.sections.pareto import Price

_RADIUS = 1.7, 1.9  # points of no memory, and what each factor of a hundred adds


def save_pareto(frame: Frame, prices: Sequence[Price], stem: Path) -> tuple[Path, Path]:
    """Names where there is room: first of those on the line, then of those that stand out."""
    with house_style():
        shown = list(dict.fromkeys((price.algorithm, price.device) for price in prices))
        figure, axes = panels(
            len(shown),
            height=2.6 if len(shown) == 1 else 1.9,
            columns=2,
            top=0.22 if len(shown) > 1 else 0.08,
            total=4.6 if len(shown) == 1 else None,
            legend=_sizes(prices),
            foot=frame.foot(f"Bars: {frame.interval}; line: nothing is both better and faster"),
        )
        look = looks(frame.torsos, frame.roles)
        for ax, (algorithm, device) in zip(axes, shown, strict=True):
            mine = [price for price in prices if (price.algorithm, price.device) == (algorithm, device)]
            _draw(ax, frame, mine, look)
            words = [algorithm] * (len(frame.algorithms) > 1) + [device] * (len({d for _, d in shown}) > 1)
            title(ax, ", ".join(words))
            ax.set_xlabel(f"Environment steps a second in training, {device}")
            ax.set_ylabel("Mean normalised score")
            numbers(ax.yaxis)
        return save(figure, stem)


def _draw(ax: Axes, frame: Frame, prices: Sequence[Price], look: dict[str, Look]) -> None:
    front = sorted((price for price in prices if price.best), key=lambda price: price.steps_per_s)
    ax.plot(
        [price.steps_per_s for price in front], [price.score.value for price in front],
        color=PALE, lw=0.9, ls="-", zorder=2, drawstyle="steps-pre",
    )  # fmt: skip
    for price in prices:
        colour, (x, y) = look[price.torso].colour, (price.steps_per_s, price.score.value)
        if np.isfinite(price.score.low):
            ax.plot([x, x], [price.score.low, price.score.high], color=colour, lw=0.7, alpha=0.6, zorder=3)
        ax.plot(x, y, "o", color=colour, ms=2 * radius(price.state_bytes), mec="white", mew=0.5, alpha=0.9, zorder=4)
    ax.set_xscale("log")
    ax.margins(x=0.12, y=0.08)
    ax.xaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.autoscale_view()
    ordered = sorted(prices, key=lambda price: (not price.best, price.torso not in frame.prominent))
    points = [
        Point(
            price.steps_per_s, price.score.value, radius(price.state_bytes), price.torso, INK if price.best else FAINT
        )
        for price in ordered
    ]
    place_names(ax, points, TINY if len(prices) <= 12 else 5.5)


def radius(state_bytes: int) -> float:
    """Points: the area of a mark grows with the logarithm of what is carried."""
    return _RADIUS[0] + _RADIUS[1] * np.log10(1 + state_bytes) / 2 * 0.7


def _sizes(prices: Sequence[Price]) -> list[Line2D]:
    """Marks of memories as they occur, from the smallest to the largest."""
    sizes = sorted({price.state_bytes for price in prices})
    chosen = dict.fromkeys((sizes[0], sizes[len(sizes) // 2], sizes[-1]))
    return [
        Line2D(
            [],
            [],
            ls="",
            marker="o",
            color=FAINT,
            ms=2 * radius(size),
            mec="white",
            label=f"{magnitude(size)} B of memory",
        )
        for size in chosen
    ]
