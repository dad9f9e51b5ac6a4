"""Names beside points, where there is room for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from memorax_bench.report.figures.canvas import text_width

_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
_POINTS = 72.0
Box = tuple[float, float, float, float]  # left, bottom, right, top, in points


@dataclass(frozen=True)
class Point:
    """A mark at (x, y) of the data, `radius` points large, and what it is to be called."""

    x: float
    y: float
    radius: float
    name: str
    colour: str


def place_names(ax: Axes, points: Sequence[Point], size: float) -> tuple[str, ...]:
    """Writes each name at the first side of its mark that is free, the first points first; returns those left out.

    The limits of the axes must be final.
    """
    to_points = _POINTS / ax.figure.dpi
    centres = [ax.transData.transform((point.x, point.y)) * to_points for point in points]
    inside = ax.bbox.extents * to_points
    taken = [_around(x, y, point.radius, point.radius) for (x, y), point in zip(centres, points, strict=True)]
    left_out = []
    for i, ((x, y), point) in enumerate(zip(centres, points, strict=True)):
        half = text_width(point.name, size) * _POINTS / 2, size * 0.45
        others = [box for j, box in enumerate(taken) if j != i]
        for across, up in _SIDES:
            slack = 0.8 if across and up else 1.0
            dx = across * slack * (point.radius + 1.5) + across * half[0]
            dy = up * slack * (point.radius + 1.5) + up * half[1]
            box = _around(x + dx, y + dy, *half)
            if _within(box, inside) and not any(_overlap(box, other) for other in others):
                ax.annotate(
                    point.name, (point.x, point.y), (dx, dy), textcoords="offset points", ha="center",
                    va="center_baseline", fontsize=size, color=point.colour, zorder=9,
                    path_effects=[withStroke(linewidth=1.4, foreground="white")],
                )  # fmt: skip
                taken.append(box)
                break
        else:
            left_out.append(point.name)
    return tuple(left_out)


def _around(x: float, y: float, half_width: float, half_height: float) -> Box:
    return x - half_width, y - half_height, x + half_width, y + half_height


def _within(box: Box, outer: Iterable[float]) -> bool:
    left, bottom, right, top = outer
    return box[0] >= left and box[1] >= bottom and box[2] <= right and box[3] <= top


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
