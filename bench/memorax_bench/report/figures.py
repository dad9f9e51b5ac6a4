"""The figures of a report: learning curves and final scores. Drawn without pyplot, so that no state is shared.

The same data give the same bytes: no dates, fixed ids in the SVG, text as paths.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from memorax_bench.report.figure_data import Dots, FigureData, Line

# Okabe-Ito without yellow and black, then Tol's muted: told apart with every common colour vision deficiency.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#332288", "#882255", "#999933", "#44AA99")
CONTROL_GREYS = ("#4D4D4D", "#8C8C8C", "#B3B3B3")
FIXED = {name: PALETTE[slot] for slot, name in enumerate(("gru", "lru", "mamba2", "lstm", "s5", "attention"))}
DASHES = ((0, (5, 1.6)), (0, (2.2, 1.2)), (0, (5, 1.4, 1.2, 1.4)))
DPI = 200
INK, FAINT = "#262626", "#6B6B6B"
STYLE = {
    "font.size": 8.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 7.0,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "memorax-bench",
    "path.simplify": False,
}


def colours(torsos: Sequence[str], controls: Sequence[str] = ()) -> dict[str, str]:
    """A colour per torso label. Known torsos have theirs for good, others one that depends on their name.

    Two labels share a colour only where there are more than the palette has. Controls are grey.
    """
    taken = {label: CONTROL_GREYS[i % len(CONTROL_GREYS)] for i, label in enumerate(sorted(set(controls)))}
    others = sorted(set(torsos) - set(controls))
    taken |= {label: FIXED[label] for label in others if label in FIXED}
    for label in others:
        if label not in taken:
            start = int.from_bytes(hashlib.sha256(label.encode()).digest()[:4], "big") % len(PALETTE)
            turn = [*PALETTE[start:], *PALETTE[:start]]
            taken[label] = next((colour for colour in turn if colour not in taken.values()), turn[0])
    return taken


def save_curves(data: FigureData, stem: Path) -> tuple[Path, Path]:
    """Draws the learning curves into `<stem>.png` and `<stem>.svg`: a panel per task and algorithm."""
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        shown = [(task, algorithm) for task in data.tasks for algorithm in data.algorithms]
        figure, axes = panels(len(shown), width=3.0, height=2.5, legend=1.35)
        style = line_styles(data.torsos, _controls(data))
        for ax, (task, algorithm) in zip(axes, shown, strict=True):
            lines = [line for line in data.lines if (line.task, line.algorithm) == (task, algorithm)]
            _draw_curves(ax, lines, style)
            _draw_bounds(ax, data, task)
            ax.set_title(_title(data, task, algorithm))
            ax.set_xlabel("Environment steps")
            ax.xaxis.set_major_formatter(EngFormatter(sep=""))
            ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
            ax.set_ylabel("Mean episode return")
        handles = [Line2D([], [], label=_legend(data, torso), **style[torso]) for torso in data.torsos]
        figure.legend(handles=handles, loc="outside right upper", handlelength=2.4, borderaxespad=0.2)
        _footnote(figure, data, f"Lines: mean over seeds. Bands: {data.level * 100:g}% bootstrap. Thin: single seeds")
        return save(figure, stem)


def save_scores(data: FigureData, stem: Path) -> tuple[Path, Path]:
    """Draws every seed's final score with the mean and its interval into `<stem>.png|svg`: a panel per task."""
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        names = [(algorithm, torso) for algorithm in data.algorithms for torso in data.torsos]
        height = 1.05 + 0.3 * len(names)
        figure, axes = panels(len(data.tasks), width=3.0, height=height, legend=0.4, sharey=True)
        colour = colours(data.torsos, _controls(data))
        for ax, (label, task) in zip(axes, data.tasks.items(), strict=True):
            for dots in data.dots:
                if dots.task == label:
                    _draw_dots(ax, dots, names.index((dots.algorithm, dots.torso)), colour[dots.torso])
            if task.ceiling is None:
                ax.set_xlabel("Final return")
            else:
                ax.set_xlabel("Normalised final score")
                for name, x in (("floor", 0.0), ("ceiling", 1.0)):
                    ax.axvline(x, color=FAINT, lw=0.9, ls=(0, (1, 2)), zorder=0)
                    where = {"xy": (x, 1), "xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
                    ax.annotate(name, xytext=(0, 2), ha="center", fontsize=7, color=FAINT, **where)
            ax.set_title(_title(data, label), pad=14)
            name_rows(ax, [f"{a}/{t}" if len(data.algorithms) > 1 else t for a, t in names])
        _footnote(figure, data, f"Dots: seeds. Diamond and bar: mean, {data.level * 100:g}% bootstrap")
        return save(figure, stem)


def name_rows(ax: Axes, names: Sequence[str]) -> None:
    """One line a row, the first on top, without an axis of its own."""
    ax.set_ylim(len(names) - 0.4, -0.4)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", color="#E8E8E8", lw=0.7)
    ax.set_axisbelow(True)
    ax.spines["left"].set_visible(False)
    ax.margins(x=0.07)


def panels(
    count: int, width: float, height: float, legend: float, sharey: bool = False, columns: int = 3
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels in rows of at most `columns`; sizes in inches."""
    columns = max(1, min(columns, count))
    rows = max(1, math.ceil(count / columns))
    figure = Figure(figsize=(columns * width + legend, rows * height + 0.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=sharey).ravel()
    for ax in axes[count:]:
        ax.set_visible(False)
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.04, hspace=0.06)
    return figure, list(axes[:count])


def line_styles(torsos: Sequence[str], controls: Iterable[str]) -> dict[str, dict]:
    """How the line of each torso is drawn: in its colour, and dashed for the controls among them."""
    controls = sorted(set(controls))
    colour = colours(torsos, controls)
    styles = {torso: {"color": colour[torso], "lw": 1.7, "ls": "-"} for torso in torsos}
    for i, torso in enumerate(controls):
        styles[torso] |= {"lw": 1.4, "ls": DASHES[i % len(DASHES)]}
    return styles


def _draw_curves(ax: Axes, lines: Sequence[Line], style: dict[str, dict]) -> None:
    for order, line in enumerate(reversed(lines)):  # the best row is drawn last; every mean above every band
        look = style[line.torso]
        if np.isfinite(line.low).all():
            ax.fill_between(line.env_steps, line.low, line.high, color=look["color"], alpha=0.16, lw=0, zorder=2)
        for seed, diverged in zip(line.returns, line.diverged, strict=True):
            ax.plot(line.env_steps, seed, color=look["color"], lw=0.6, alpha=0.4, zorder=3)
            first = np.flatnonzero(diverged)[:1]
            ax.plot(line.env_steps[first], seed[first], "x", color=look["color"], ms=4, mew=1.2, zorder=4)
        ax.plot(line.env_steps, line.mean, zorder=5 + order, **look)
    if not lines:
        ax.text(0.5, 0.5, "not run", transform=ax.transAxes, ha="center", va="center", color=FAINT)
    ax.margins(x=0.0, y=0.06)


def _draw_bounds(ax: Axes, data: FigureData, label: str) -> None:
    """Floor and ceiling, named at the right end, outside of the data."""
    task = data.tasks[label]
    for name, value in (("floor", task.floor), ("ceiling", task.ceiling)):
        if value is not None:
            ax.axhline(value, color=FAINT, lw=0.9, ls=(0, (1, 2)), zorder=1)
            where = {"xy": (1, value), "xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
            ax.annotate(name, xytext=(3, 0), va="center", fontsize=7, color=FAINT, **where)


def _draw_dots(ax: Axes, dots: Dots, row: int, colour: str) -> None:
    """Seeds side by side by a fixed small offset, so that equal scores can be counted."""
    n = len(dots.scores)
    below = row + (np.linspace(0.2, 0.46, n) if n > 1 else np.full(1, 0.3))
    failed = np.array(dots.diverged)
    low, high = dots.estimate.low, dots.estimate.high
    if math.isfinite(low):
        ax.plot([low, high], [row, row], color=colour, lw=2.0, solid_capstyle="butt", zorder=3)
    ax.plot(dots.estimate.value, row, "D", color=colour, ms=4.2, mec="white", mew=0.7, zorder=4)
    ax.plot(dots.scores[~failed], below[~failed], "o", color=colour, ms=3.0, mew=0, alpha=0.65, zorder=3)
    ax.plot(dots.scores[failed], below[failed], "x", color=colour, ms=3.6, mew=1.1, zorder=3)


def _title(data: FigureData, label: str, algorithm: str | None = None) -> str:
    title = f"{label}, {algorithm}" if algorithm is not None and len(data.algorithms) > 1 else label
    return title if label in data.ranked else f"{title} (not ranked)"


def _legend(data: FigureData, torso: str) -> str:
    drawn = [line for line in data.lines if line.torso == torso]
    if not drawn:
        return f"{torso} (not run)"
    return f"{torso} (control)" if drawn[0].control else torso


def _controls(data: FigureData) -> set[str]:
    return {drawn.torso for drawn in (*data.lines, *data.dots) if drawn.control}


def _footnote(figure: Figure, data: FigureData, reading: str) -> None:
    """How to read the figure, beneath it: a figure is passed on without its caption."""
    counts = {len(drawn.seeds) for drawn in data.dots}
    n = f"n={min(counts)}" if len(counts) == 1 else f"n={min(counts)}-{max(counts)}" if counts else "n=0"
    crosses = " Crosses: diverged." if any(any(dots.diverged) for dots in data.dots) else ""
    footnote(figure, f"{reading}; {n}.{crosses} {data.label}")


def footnote(figure: Figure, text: str) -> None:
    """One line beneath a figure."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=6.8, color=FAINT)


def save(figure: Figure, stem: Path) -> tuple[Path, Path]:
    """Writes `<stem>.png` and `<stem>.svg`."""
    png, svg = stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.svg")
    figure.savefig(png, dpi=DPI, metadata={"Software": None})
    figure.savefig(svg, metadata={"Date": None, "Creator": "memorax-bench"})
    return png, svg
