"""Lines of many methods in one panel: those that stand out in their colours, the others pale behind them."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator
from numpy.typing import ArrayLike

from memorax_bench.report.figures.style import FAINT, PALE, Look, looks
from memorax_bench.report.frame import Frame

BAND = 0.15  # opacity


def mean_line(ax: Axes, x: ArrayLike, y: ArrayLike, look: Look, order: int, **settings) -> None:
    """A line in its look; a higher order lies over a lower one."""
    ax.plot(x, y, zorder=5 + order, **(look.line() | settings))


def pale_lines(ax: Axes, curves: Sequence[tuple[ArrayLike, ArrayLike]]) -> None:
    """The others `(x, y)`, behind."""
    segments = [np.column_stack(curve) for curve in curves]
    ax.add_collection(LineCollection(segments, colors=PALE, linewidths=0.7, zorder=2))
    ax.autoscale_view()


def band(ax: Axes, x: ArrayLike, low: np.ndarray, high: np.ndarray, look: Look, step: str | None = None) -> None:
    """The interval along a line, where there is one."""
    if np.isfinite(low).all():
        ax.fill_between(x, low, high, color=look.colour, alpha=BAND, lw=0, zorder=3, step=step)


def thin_lines(ax: Axes, x: np.ndarray, ys: np.ndarray, look: Look) -> None:
    """Single seeds, `ys[seeds, points]`."""
    segments = np.stack([np.broadcast_to(x, ys.shape), ys], axis=-1)
    ax.add_collection(LineCollection(list(segments), colors=look.colour, linewidths=0.45, alpha=0.45, zorder=4))


def reference(ax: Axes, value: float, name: str = "", upright: bool = False) -> None:
    """A dotted line across, named outside of the data."""
    line = ax.axvline if upright else ax.axhline
    line(value, color=FAINT, lw=0.7, ls=(0, (1, 2)), zorder=1)
    if name:
        words = {"textcoords": "offset points", "fontsize": 6, "color": FAINT}
        if upright:
            ax.annotate(name, (value, 1), (0, 2), xycoords=ax.get_xaxis_transform(), ha="center", **words)
        else:
            ax.annotate(name, (1, value), (2, 0), xycoords=ax.get_yaxis_transform(), va="center", **words)


def legend(frame: Frame, drawn: Iterable[str], others: str = "others") -> list[Line2D]:
    """Entries of the torsos that stand out, in the order of the table, and one for all others that are drawn."""
    drawn, look = set(drawn), looks(frame.torsos, frame.roles)
    named = [torso for torso in frame.torsos if torso in drawn and torso in frame.prominent]
    entries = [Line2D([], [], label=frame.title(torso), **look[torso].line()) for torso in named]
    rest = len(drawn) - len(named)
    return [*entries, *([Line2D([], [], label=f"{rest} {others}", color=PALE, lw=0.9)] if rest else [])]


def in_front(frame: Frame, drawn: Iterable[str]) -> list[tuple[int, str, Look]]:
    """(order, torso, look) of the torsos that stand out, the best last, so that it is drawn over the others."""
    look = looks(frame.torsos, frame.roles)
    named = sorted(set(drawn) & frame.prominent, key=frame.torsos.index, reverse=True)
    return [(order, torso, look[torso]) for order, torso in enumerate(named)]


def behind(frame: Frame, drawn: Iterable[str]) -> list[str]:
    """The torsos that do not stand out."""
    return sorted(set(drawn) - frame.prominent)


def step_axis(ax: Axes, ticks: int = 4) -> None:
    """Environment steps in thousands and millions."""
    ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    ax.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
