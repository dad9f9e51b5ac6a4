"""Pictures as SVG that stands in the page, so that its colours are those of the style sheet, light or dark.

Lengths are in units of the picture, which the page scales. Numbers are rounded to a tenth of a unit: the same data give
the same bytes, and not many of them.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from memorax_bench import stats
from memorax_bench.board.words import count, printable, value

Interval = tuple[float, float]
STRIP = (150, 20)  # size of a bar or of dots beside numbers
_PAD = 6.0
_LABEL_GAP = 13.0


@dataclass(frozen=True)
class Curve:
    """A line of a chart. `look` is a class of the style sheet, `key` what a row of the page calls it; `label` stands at
    its end, where there is one. `band` is drawn around it."""

    steps: Sequence[float]
    values: Sequence[float]
    look: str
    key: str = ""
    label: str = ""
    band: tuple[Sequence[float], Sequence[float]] | None = None


@dataclass(frozen=True)
class Level:
    """A horizontal line of a chart: a bound of the task."""

    value: float
    label: str


@dataclass(frozen=True)
class _Frame:
    """Where a chart's values lie in the picture."""

    left: float
    top: float
    width: float
    height: float
    x: Interval
    y: Interval

    def across(self, step: float) -> float:
        return self.left + self.width * (step - self.x[0]) / (self.x[1] - self.x[0])

    def down(self, value: float) -> float:
        return self.top + self.height * (self.y[1] - value) / (self.y[1] - self.y[0])


def span(values: Iterable[float], least: Interval = (0.0, 1.0)) -> Interval:
    """The interval that holds `least` and all finite values."""
    known = [value for value in values if math.isfinite(value)]
    return min([least[0], *known]), max([least[1], *known])


def bar(estimate: stats.Estimate | stats.Difference, domain: Interval, marks: Sequence[float] = (0.0, 1.0)) -> Markup:
    """A value as a dot with its interval, on a scale with `marks`: for a cell of a table."""
    parts = [*_scale(domain, marks)]
    if math.isfinite(estimate.low):
        parts.append(_strip_line(estimate.low, estimate.high, domain, "whisker"))
    parts.append(_tag("circle", cx=_along(estimate.value, domain), cy=STRIP[1] / 2, r=3.6, class_="dot"))
    return _strip(parts)


def dots(scores: Sequence[float], estimate: stats.Estimate, domain: Interval) -> Markup:
    """Every seed as a dot, their mean as a stroke with its interval, on a scale from 0 to 1: for a cell of a table."""
    parts = [*_scale(domain, (0.0, 1.0))]
    if math.isfinite(estimate.low):
        parts.append(_strip_line(estimate.low, estimate.high, domain, "whisker"))
    parts += [_tag("circle", cx=_along(score, domain), cy=STRIP[1] / 2, r=3, class_="seed") for score in scores]
    x = _along(estimate.value, domain)
    return _strip([*parts, _tag("line", x1=x, x2=x, y1=3, y2=STRIP[1] - 3, class_="mean")])


def chart(curves: Sequence[Curve], levels: Sequence[Level], size: Interval, title: str, labels: float = 0.0) -> Markup:
    """Curves over environment steps with the bounds of their task. `labels`: the room for names at the curves' ends."""
    steps = [step for curve in curves for step in curve.steps]
    spread = [value for curve in curves for value in (*curve.values, *(v for side in curve.band or () for v in side))]
    y = span([*spread, *(level.value for level in levels)], (math.inf, -math.inf))
    low, high = y if y[0] < y[1] else (y[0] - 0.5, y[1] + 0.5)
    room = 0.04 * (high - low)
    frame = _Frame(
        left=46.0,
        top=10.0,
        width=size[0] - 46.0 - max(labels, 14.0),
        height=size[1] - 44.0,
        x=(min(steps, default=0.0), max([*steps, 1.0])),
        y=(low - room, high + room),
    )
    body = _grid(frame)
    body += [_band(frame, curve) for curve in curves if curve.band is not None]
    body += [_line(frame, curve) for curve in curves]
    body += [*_levels(frame, levels), *_names(frame, curves)]
    width, height = (_plain(length) for length in size)
    return _tag("svg", *body, viewBox=f"0 0 {width} {height}", role="img", aria_label=title, class_="chart")


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers within an interval: at most `most` + 1 of them, 1, 2, 2.5 or 5 times a power of ten apart."""
    rough = 0.85 * (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _grid(frame: _Frame) -> list[Markup]:
    """The axes with their numbers."""
    right, bottom = frame.left + frame.width, frame.top + frame.height
    parts = []
    for tick in ticks(*frame.y):
        y = frame.down(tick)
        parts.append(_tag("line", x1=frame.left, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(_text(frame.left - 6, y + 4, value(tick), "tick end"))
    for tick in ticks(*frame.x, most=4):
        x = frame.across(tick)
        parts.append(_tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis"))
        parts.append(_text(x, bottom + 17, count(tick), "tick middle"))
    parts.append(_tag("line", x1=frame.left, x2=right, y1=bottom, y2=bottom, class_="axis"))
    parts.append(_text(frame.left + frame.width / 2, bottom + 32, "environment steps", "tick middle"))
    return parts


def _levels(frame: _Frame, levels: Sequence[Level]) -> list[Markup]:
    """Named where curves that rise leave room: the upper ones on the left, the lowest on the right."""
    parts = []
    for level in levels:
        y, right = frame.down(level.value), frame.left + frame.width
        parts.append(_tag("line", x1=frame.left, x2=right, y1=y, y2=y, class_="bound"))
        upper = y < frame.top + frame.height / 2
        height = y + 13 if y - 5 < frame.top + 6 else y - 5
        where = (frame.left + 4, "bound-name") if upper else (right - 4, "bound-name end")
        parts.append(_text(where[0], height, level.label, where[1]))
    return parts


def _line(frame: _Frame, curve: Curve) -> Markup:
    points = " ".join(f"{_plain(x)},{_plain(y)}" for x, y in _points(frame, curve.steps, curve.values))
    key = {"data_key": curve.key, "data_name": curve.label or curve.key} if curve.key else {}
    return _tag("polyline", points=points, class_=f"curve {curve.look}", **key)


def _band(frame: _Frame, curve: Curve) -> Markup:
    low, high = curve.band or ((), ())
    around = [*_points(frame, curve.steps, low), *reversed(_points(frame, curve.steps, high))]
    points = " ".join(f"{_plain(x)},{_plain(y)}" for x, y in around)
    return _tag("polygon", points=points, class_=f"band {curve.look}")


def _points(frame: _Frame, steps: Sequence[float], values: Sequence[float]) -> list[Interval]:
    known = [(step, value) for step, value in zip(steps, values, strict=True) if np.isfinite(value)]
    return [(frame.across(step), frame.down(value)) for step, value in known]


def _names(frame: _Frame, curves: Sequence[Curve]) -> list[Markup]:
    """The labels at the curves' ends, moved apart where they would lie on one another."""
    named = [curve for curve in curves if curve.label and len(curve.values)]
    named.sort(key=lambda curve: (-curve.values[-1], curve.label))
    wanted = [frame.down(curve.values[-1]) + 4 for curve in named]
    heights = apart(wanted, _LABEL_GAP, frame.top + 6, frame.top + frame.height + 2)
    x, parts = frame.left + frame.width + 7, []
    for curve, y in zip(named, heights, strict=True):
        key = {"data_key": curve.key} if curve.key else {}
        parts.append(_tag("line", x1=x, x2=x + 14, y1=y - 4, y2=y - 4, class_=f"swatch {curve.look}", **key))
        parts.append(_text(x + 19, y, curve.label, "name", data_key=curve.key))
    return parts


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Ascending heights near the `wanted` ones, `gap` from one another and within low and high where all fit."""
    placed: list[float] = []
    for height in wanted:
        placed.append(max(height, placed[-1] + gap if placed else low))
    for index in range(len(placed) - 1, -1, -1):
        limit = high if index == len(placed) - 1 else placed[index + 1] - gap
        placed[index] = min(placed[index], limit)
    return placed


def _scale(domain: Interval, marks: Sequence[float]) -> list[Markup]:
    middle = STRIP[1] / 2
    line = _tag("line", x1=_PAD, x2=STRIP[0] - _PAD, y1=middle, y2=middle, class_="grid")
    places = [_along(mark, domain) for mark in marks]
    return [line, *(_tag("line", x1=x, x2=x, y1=2, y2=STRIP[1] - 2, class_="mark") for x in places)]


def _strip_line(low: float, high: float, domain: Interval, look: str) -> Markup:
    middle = STRIP[1] / 2
    return _tag("line", x1=_along(low, domain), x2=_along(high, domain), y1=middle, y2=middle, class_=look)


def _along(value: float, domain: Interval) -> float:
    share = (value - domain[0]) / (domain[1] - domain[0])
    return _PAD + (STRIP[0] - 2 * _PAD) * min(1.0, max(0.0, share))


def _strip(parts: Sequence[Markup]) -> Markup:
    """Hidden from screen readers: the numbers stand beside it."""
    width, height = STRIP
    how = {"width": width, "height": height, "viewBox": f"0 0 {width} {height}", "class_": "strip"}
    return _tag("svg", *parts, aria_hidden="true", focusable="false", **how)


def _text(x: float, y: float, words: str, look: str, **more: str) -> Markup:
    return _tag("text", escape(printable(words)), x=x, y=y, class_=look, **{k: v for k, v in more.items() if v})


def _tag(name: str, *inside: Markup, **attributes: str | float) -> Markup:
    """An element; `class_` is class, `data_key` is data-key; `viewBox` keeps its spelling."""
    written = []
    for key, given in attributes.items():
        text = printable(given) if isinstance(given, str) else _plain(given)
        written.append(f' {key.rstrip("_").replace("_", "-")}="{escape(text)}"')
    inner = Markup("").join(inside)
    return Markup(f"<{name}{''.join(written)}>{inner}</{name}>" if inside else f"<{name}{''.join(written)}/>")


def _plain(number: float) -> str:
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
