"""Intervals as bars with their values on them, all of a panel at once: a thousand artists take seconds to draw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from memorax_bench.stats import Difference, Estimate

ROW = 0.155  # inches of a line


@dataclass(frozen=True)
class Bar:
    """An estimate at the height `y`, its mark filled or hollow."""

    estimate: Estimate | Difference
    y: float
    colour: str
    filled: bool = True


def draw_bars(
    ax: Axes, bars: Sequence[Bar], *, marker: str = "o", size: float = 3.6, width: float = 2.2, pale: float = 0.45
) -> None:
    """`size` and `width` in points; the value alone where there is no interval."""
    known = [bar for bar in bars if np.isfinite(bar.estimate.low)]
    ends = [[(bar.estimate.low, bar.y), (bar.estimate.high, bar.y)] for bar in known]
    style = {"linewidths": width, "alpha": pale, "capstyle": "butt", "zorder": 3}
    ax.add_collection(LineCollection(ends, colors=[bar.colour for bar in known], **style))
    ax.scatter(
        [bar.estimate.value for bar in bars],
        [bar.y for bar in bars],
        s=size**2,
        marker=marker,
        facecolors=[bar.colour if bar.filled else "white" for bar in bars],
        edgecolors=[bar.colour for bar in bars],
        linewidths=0.9,
        zorder=4,
    )
    ax.autoscale_view()
