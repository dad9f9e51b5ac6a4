"""Rows by tasks: a map for each algorithm, with numbers where there is room for them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from memorax_bench.report.figures.canvas import TWO_COLUMNS, names_width, panels, text_width, title
from memorax_bench.report.figures.style import FAINT, INK, SMALL, house_style, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.render import FAILED_MARK, number
from memorax_bench.report.sections.heatmap import Map, Shade

COLOURS = "cividis"  # told apart without colour vision, and in grey
ROW = 0.17  # inches
WIDEST = 0.55  # inches of a cell
DARK = 0.55  # below this score letters are white
_ROOM = 0.27  # inches that a number needs
_SLANTED = 0.25  # inches of a cell from which on names lie aslant


def save_heatmap(frame: Frame, maps: Sequence[Map], usual: int, stem: Path) -> tuple[Path, Path]:
    """`usual` is the number of seeds that goes without saying."""
    with house_style():
        tasks = [f"{task}*" if task in maps[0].unranked else task for task in maps[0].tasks]
        left, right = names_width(row.torso for one in maps for row in one.rows), 0.5
        longest = max(text_width(task, SMALL) for task in tasks)
        cell = min(max(WIDEST, longest + 0.1), (TWO_COLUMNS - left - right) / len(tasks))
        upright = cell < longest + 0.08
        figure, axes = panels(
            len(maps),
            height=ROW * max(len(one.rows) for one in maps),
            columns=1,
            left=left,
            right=right,
            top=0.2 if len(maps) > 1 else 0.08,
            bottom=0.1 + (longest if cell < _SLANTED else 0.75 * longest if upright else 0.12),
            total=max(3.0, left + cell * len(tasks) + right),
            foot=frame.foot("Mean normalised score; crossed out: not run; small: seeds where not as in most"),
        )
        for ax, one in zip(axes, maps, strict=True):
            _draw(ax, one, cell, usual)
            ax.set_xticks(range(len(tasks)), tasks)
            if upright:
                turned = {"rotation": 90} if cell < _SLANTED else {"rotation": 45, "ha": "right", "va": "center"}
                ax.set_xticks(range(len(tasks)), tasks, rotation_mode="anchor" if cell >= _SLANTED else None, **turned)
            ax.set_yticks(range(len(one.rows)), [row.torso for row in one.rows])
            title(ax, one.algorithm if len(maps) > 1 else "")
        _colour_bar(axes[0], right)
        return save(figure, stem)


def _draw(ax: Axes, one: Map, cell: float, usual: int) -> None:
    scores = np.array([[shade.score.value if shade.score else np.nan for shade in row] for row in one.shades])
    colours = colormaps[COLOURS](np.clip(scores, 0, 1), bytes=True)
    colours[~np.isfinite(scores)] = 255
    ax.imshow(colours, aspect="auto", interpolation="none")
    for y, row in enumerate(one.shades):
        for x, shade in enumerate(row):
            _mark(ax, x, y, shade, cell, usual)
    for x in range(1, len(one.tasks)):
        if one.families[x] != one.families[x - 1]:
            ax.axvline(x - 0.5, color="white", lw=1.2)
    for y in range(1, len(one.rows)):
        ax.axhline(y - 0.5, color="white", lw=0.5)
    ax.tick_params(length=0, pad=2)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _mark(ax: Axes, x: int, y: int, shade: Shade, cell: float, usual: int) -> None:
    if shade.state == "missing":
        ax.plot([x - 0.3, x + 0.3], [y + 0.3, y - 0.3], color=FAINT, lw=0.6)
        ax.plot([x - 0.3, x + 0.3], [y - 0.3, y + 0.3], color=FAINT, lw=0.6)
    if shade.score is None:
        return
    ink = "white" if shade.score.value < DARK else INK
    mark = FAILED_MARK * (shade.failed > 0)
    if cell >= _ROOM:
        ax.text(x, y, number(shade.score.value) + mark, ha="center", va="center", fontsize=6, color=ink)
    elif mark:
        ax.text(x, y, mark, ha="center", va="center", fontsize=5, color=ink)
    if shade.n != usual:
        ax.text(x + 0.46, y + 0.42, str(shade.n), ha="right", va="bottom", fontsize=3.8, color=ink)


def _colour_bar(beside: Axes, room: float) -> None:
    """From floor to ceiling, at the right."""
    figure, place = beside.figure, beside.get_position()
    wide, tall = figure.get_figwidth(), min(1.3 / figure.get_figheight(), place.height)
    ax = figure.add_axes((place.x1 + 0.08 / wide, place.y1 - tall, 0.1 / wide, tall))
    colours = colormaps[COLOURS](np.linspace(1, 0, 128)[:, None], bytes=True)
    ax.imshow(colours, aspect="auto", extent=(0, 1, 0, 1))
    ax.set_xticks([])
    ax.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
    ax.yaxis.tick_right()
    ax.tick_params(length=1.5, pad=1.5, labelsize=6)
    for spine in ax.spines.values():
        spine.set_visible(False)
