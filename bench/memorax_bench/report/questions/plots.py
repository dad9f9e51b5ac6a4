"""The figures of the questions, in the style of the report's."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter, NullLocator

from memorax_bench import stats
from memorax_bench.report.figures import FAINT, INK, STYLE, colours, footnote, line_styles, name_rows, panels, save
from memorax_bench.report.questions.extrapolating import Tested
from memorax_bench.report.questions.horizon import Curve
from memorax_bench.report.questions.necessity import Named, Need
from memorax_bench.report.tables import Row, Table

CONTROL_GREY = "#8C8C8C"


def save_horizon(table: Table, curves: Sequence[Curve], threshold: float, stem: Path) -> tuple[Path, Path]:
    """Score against length, a panel per family and algorithm; the threshold as a line."""
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        shown = list(dict.fromkeys((curve.family, curve.row.algorithm) for curve in curves))
        figure, axes = panels(len(shown), width=3.0, height=2.5, legend=1.35, sharey=True)
        style = _styles(table)
        for ax, panel in zip(axes, shown, strict=True):
            mine = [curve for curve in curves if (curve.family, curve.row.algorithm) == panel]
            lengths = sorted({length for curve in mine for length in curve.scores})
            for order, curve in enumerate(reversed(mine)):  # the best row is drawn last
                points = {length: score for length, score in curve.scores.items() if score is not None}
                _band(ax, list(points), list(points.values()), style[curve.row.torso], 5 + order)
            ax.set_xscale("log", base=2)
            ax.set_xticks(lengths, [str(length) for length in lengths])
            ax.xaxis.set_minor_locator(NullLocator())
            ax.xaxis.set_minor_formatter(NullFormatter())
            for name, value in (("floor", 0.0), ("threshold", threshold), ("ceiling", 1.0)):
                _level(ax, name, value)
            _finish(ax, _title(table, *panel), "Memory length (steps)")
        _legend(figure, style, (curve.row for curve in curves if any(curve.scores.values())))
        footnote(figure, f"{_reading(table)}; {_seeds(_estimates(curves))}. {table.label}")
        return save(figure, stem)


def save_extrapolation(table: Table, found: Sequence[Tested], labels: Sequence[str], stem: Path) -> tuple[Path, Path]:
    """Score by where the agents were tested, a panel per task and algorithm."""
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        order = list(table.suite.tasks)
        shown = sorted(
            {(one.task, one.row.algorithm) for one in found}, key=lambda panel: (order.index(panel[0]), panel)
        )
        figure, axes = panels(len(shown), width=3.0, height=2.5, legend=1.35, sharey=True)
        style = _styles(table)
        for ax, panel in zip(axes, shown, strict=True):
            mine = [one for one in found if (one.task, one.row.algorithm) == panel and one.estimates]
            for i, one in enumerate(reversed(mine)):
                places = [labels.index(label) for label in one.estimates]
                _bars(
                    ax,
                    places,
                    list(one.estimates.values()),
                    style[one.row.torso],
                    5 + i,
                    (i + 1) / (len(mine) + 1) - 0.5,
                )
            asked = [0, *(labels.index(label) for label in table.suite.tasks[panel[0]].extrapolate)]
            ax.set_xticks(asked, [labels[i] for i in asked])
            _level(ax, "floor", 0.0)
            _level(ax, "ceiling", 1.0)
            _finish(ax, _title(table, *panel), "Tested")
        _legend(figure, style, (one.row for one in found if one.estimates))
        bars = _reading(table).replace("Bands", "Bars")
        footnote(figure, f"{bars}; {_seeds(e for one in found for e in one.estimates.values())}. {table.label}")
        return save(figure, stem)


def save_necessity(table: Table, needs: Sequence[Need], stem: Path) -> tuple[Path, Path]:
    """From the better control to the oracle, with the best torso: a row per task, a panel per algorithm."""
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        algorithms = list(dict.fromkeys(need.algorithm for need in needs))
        tasks = list(dict.fromkeys(need.task for need in needs))
        figure, axes = panels(len(algorithms), width=4.6, height=0.9 + 0.3 * len(tasks), legend=1.0, sharey=True)
        colour = colours([row.torso for row in table.rows], [row.torso for row in table.rows if row.control])
        for ax, algorithm in zip(axes, algorithms, strict=True):
            for need in needs:
                if need.algorithm == algorithm:
                    _dumbbell(ax, need, tasks.index(need.task), colour)
            _level(ax, "floor", 0.0, upright=True)
            _level(ax, "ceiling", 1.0, upright=True)
            ax.set_xlabel("Normalised final score")
            ax.set_title(algorithm if len(algorithms) > 1 else "", pad=14)
            name_rows(ax, tasks)
        _marks(figure, needs, colour)
        estimates = [named.estimate for need in needs for named in (need.control, need.oracle, need.best) if named]
        level = f"{table.suite.scoring.interval.level * 100:g}%"
        reading = f"Bars: {level} bootstrap. Pale: memory is not shown to be needed"
        footnote(figure, f"{reading}; {_seeds(estimates)}. {table.label}")
        return save(figure, stem)


def _dumbbell(ax: Axes, need: Need, y: int, colour: dict[str, str]) -> None:
    pale = 1.0 if need.verdict == "yes" else 0.4
    if need.control and need.oracle:
        ends = [need.control.estimate.value, need.oracle.estimate.value]
        ax.plot(ends, [y, y], color="#D0D0D0", lw=3.2, solid_capstyle="butt", zorder=2)
    drawn = [(need.control, CONTROL_GREY, "o", 0.0), (need.oracle, INK, "D", 0.0)]
    drawn += [(need.best, colour[need.best.torso], "s", 0.22)] if need.best else []
    for named, shade, marker, down in drawn:
        if named is not None:
            _interval(ax, named.estimate, y + down, shade, marker, pale)


def _interval(ax: Axes, estimate: stats.Estimate, y: float, colour: str, marker: str, alpha: float) -> None:
    if np.isfinite(estimate.low):
        ax.plot([estimate.low, estimate.high], [y, y], color=colour, lw=1.6, alpha=alpha, zorder=3)
    ax.plot(estimate.value, y, marker, color=colour, ms=4.6, mec="white", mew=0.7, alpha=alpha, zorder=4)


def _marks(figure: Figure, needs: Sequence[Need], colour: dict[str, str]) -> None:
    best: list[Named] = [need.best for need in needs if need.best]
    torsos = list(dict.fromkeys(named.torso for named in best))
    look = {"ls": "", "mec": "white", "mew": 0.7, "ms": 5}
    handles = [
        Line2D([], [], marker="o", color=CONTROL_GREY, label="better control", **look),
        Line2D([], [], marker="D", color=INK, label="oracle", **look),
        *(Line2D([], [], marker="s", color=colour[torso], label=f"{torso}, the best", **look) for torso in torsos),
    ]
    figure.legend(handles=handles, loc="outside right upper", borderaxespad=0.2)


def _band(ax: Axes, x: Sequence[int], scores: Sequence[stats.Estimate], look: dict, order: int) -> None:
    low, high = (np.array([getattr(score, end) for score in scores]) for end in ("low", "high"))
    if np.isfinite(low).all():
        ax.fill_between(x, low, high, color=look["color"], alpha=0.16, lw=0, zorder=2)
    ax.plot(x, [score.value for score in scores], marker="o", ms=3.2, mew=0, zorder=order, **look)


def _bars(ax: Axes, x: Sequence[int], scores: Sequence[stats.Estimate], look: dict, order: int, aside: float) -> None:
    """Beside one another, so that equal scores can be told apart."""
    beside = np.array(x) + 0.3 * aside
    for place, score in zip(beside, scores, strict=True):
        if np.isfinite(score.low):
            ax.plot([place, place], [score.low, score.high], color=look["color"], lw=1.4, alpha=0.6, zorder=order)
    ax.plot(beside, [score.value for score in scores], marker="o", ms=3.2, mew=0, zorder=order, **look)


def _level(ax: Axes, name: str, value: float, upright: bool = False) -> None:
    """A dotted line across, named outside of the data."""
    look = {"color": FAINT, "lw": 0.9, "ls": (0, (1, 2)), "zorder": 0}
    where = {"textcoords": "offset points", "fontsize": 7, "color": FAINT}
    if upright:
        ax.axvline(value, **look)
        ax.annotate(name, (value, 1), (0, 2), xycoords=ax.get_xaxis_transform(), ha="center", **where)
    else:
        ax.axhline(value, **look)
        ax.annotate(name, (1, value), (3, 0), xycoords=ax.get_yaxis_transform(), va="center", **where)


def _finish(ax: Axes, title: str, x: str) -> None:
    ax.set_title(title)
    ax.set_xlabel(x)
    ax.set_ylabel("Normalised final score")
    ax.margins(x=0.04, y=0.06)


def _title(table: Table, name: str, algorithm: str) -> str:
    return f"{name}, {algorithm}" if len({row.algorithm for row in table.rows}) > 1 else name


def _styles(table: Table) -> dict[str, dict]:
    torsos = list(dict.fromkeys(row.torso for row in table.rows))
    return line_styles(torsos, [row.torso for row in table.rows if row.control])


def _legend(figure: Figure, style: dict[str, dict], rows: Iterable[Row]) -> None:
    """Of the rows that are drawn."""
    roles = {row.torso: row.role for row in rows}
    names = {torso: f"{torso} ({role})" if role else torso for torso, role in roles.items()}
    handles = [Line2D([], [], label=names[torso], **look) for torso, look in style.items() if torso in names]
    figure.legend(handles=handles, loc="outside right upper", handlelength=2.4, borderaxespad=0.2)


def _reading(table: Table) -> str:
    return f"Lines: mean over seeds. Bands: {table.suite.scoring.interval.level * 100:g}% bootstrap"


def _estimates(curves: Iterable[Curve]) -> Iterable[stats.Estimate]:
    return (score for curve in curves for score in curve.scores.values() if score is not None)


def _seeds(estimates: Iterable[stats.Estimate]) -> str:
    counts = {estimate.n for estimate in estimates}
    return f"n={min(counts)}" if len(counts) == 1 else f"n={min(counts)}-{max(counts)}"
