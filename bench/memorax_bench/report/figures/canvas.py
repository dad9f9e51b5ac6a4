"""Panels in rows, a legend and a footnote beneath, placed in inches: the same size on paper whatever is in them.

Fixed margins instead of a layout engine, which would draw everything once more to find them.
"""

import functools
import math
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, MaxNLocator

from memorax_bench.report.figures.style import FAINT, RULE, SMALL, TINY
from memorax_bench.report.frame import Frame

ONE_COLUMN, TWO_COLUMNS = 3.4, 6.9  # inches: the width of one column of a paper, and of both
MOST_WIDE = 3  # panels in a row
_LINE = 1.35  # of the size of the letters
_POINTS = 72.0  # an inch
_HANDLE = 0.42  # inches of a legend's entry beside its words


def panels(
    count: int,
    height: float,
    *,
    columns: int = MOST_WIDE,
    left: float = 0.5,
    gap: float = 0.46,
    top: float = 0.22,
    bottom: float = 0.38,
    between: float | None = None,
    right: float = 0.1,
    total: float | None = None,
    legend: Sequence[Line2D] = (),
    foot: str = "",
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` axes of this height, at most `columns` in a row, and as wide as a paper has it.

    All sizes in inches: `left` and `right` of a row, `gap` between its axes, `top` and `bottom` of each; `between`: of
    those with others beneath, where it is another. A single panel fills one column of a paper unless `total` says how
    wide the figure is.
    """
    across = max(1, min(columns, count))
    rows = max(1, math.ceil(count / across))
    wide = total or (ONE_COLUMN if across == 1 else TWO_COLUMNS)
    width = (wide - left - right - gap * (across - 1)) / across
    lines, (entries, wrapped) = wrap(foot, wide - 0.2), _legend_rows(legend, wide)
    below = 0.06 + len(lines) * TINY * _LINE / _POINTS + (0.04 + wrapped * 0.155 if wrapped else 0)
    inner = bottom if between is None else between
    tall = below + rows * (top + height) + (rows - 1) * inner + bottom
    figure = Figure(figsize=(wide, tall))
    FigureCanvasAgg(figure)
    axes = []
    for i in range(count):
        x = left + (i % across) * (width + gap)
        y = tall - (i // across) * (top + height + inner) - top - height
        axes.append(figure.add_axes((x / wide, y / tall, width / wide, height / tall)))
    if legend:
        place = {"loc": "upper left", "bbox_to_anchor": (0.02 / wide, (below + 0.02) / tall)}
        figure.legend(handles=list(legend), ncols=entries, handlelength=2.2, columnspacing=1.0, borderpad=0.1, **place)
    figure.text(0.05 / wide, 0.04 / tall, "\n".join(lines), fontsize=TINY, color=FAINT, va="bottom", linespacing=_LINE)
    return figure, axes


def columns_of(frame: Frame, usual: int = MOST_WIDE) -> int:
    """How many panels of tasks stand in a row: of a few algorithms one each, so that a row is a task."""
    return len(frame.algorithms) if 1 < len(frame.algorithms) <= usual else usual


def name_rows(ax: Axes, names: Sequence[str], shown: bool = True) -> None:
    """One line a row, the first on top, without an axis of its own."""
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_yticks(range(len(names)) if shown else (), names if shown else ())  # a tick takes a millisecond
    ax.tick_params(axis="y", length=0)
    rules = [[(0, y), (1, y)] for y in range(len(names))]
    ax.add_collection(
        LineCollection(rules, colors=RULE, linewidths=0.6, zorder=0.5, transform=ax.get_yaxis_transform()),
        autolim=False,
    )
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.05)


def title(ax: Axes, text: str, width: float | None = None) -> None:
    """A panel's title, in smaller letters where it would not fit."""
    room = width or ax.get_position().width * ax.figure.get_figwidth()
    size = min(8.0, 8.0 * room / max(text_width(text, 8.0), 1e-9))
    ax.set_title(text, fontsize=max(5.0, size))


def names_width(names: Iterable[str], size: float = SMALL) -> float:
    """Inches that the longest of these names takes beside an axis."""
    return 0.1 + max((text_width(name, size) for name in names), default=0.0)


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """Inches of a line of text in letters of this size."""
    return text_to_path.get_text_width_height_descent(text, FontProperties(size=size), False)[0] / _POINTS


def wrap(text: str, width: float, size: float = TINY) -> list[str]:
    """Lines no longer than `width` inches, broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def numbers(axis: Axis, most: int = 5) -> None:
    """At most so many ticks, each as short as it can be written."""
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}".replace("-", "\u2212")))


def _legend_rows(legend: Sequence[Line2D], wide: float) -> tuple[int, int]:
    """Entries in a row, and rows: as few as there is room for. A column is filled before the next one."""
    widths = [_HANDLE + text_width(str(handle.get_label()), SMALL) for handle in legend]
    for rows in range(1, len(legend) + 1):
        columns = [max(widths[i : i + rows]) for i in range(0, len(widths), rows)]
        if sum(columns) <= wide - 0.1 or rows == len(legend):
            return len(columns), rows
    return 1, 0
