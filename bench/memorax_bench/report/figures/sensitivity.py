"""The score of every entry at every learning rate, the one that was chosen framed."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.patches import Rectangle

from memorax_bench.report.figures.canvas import names_width, panels
from memorax_bench.report.figures.heatmap import COLOURS, DARK, ROW
from memorax_bench.report.figures.style import INK, PALETTE, house_style, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.render import number
from memorax_bench.suite.choices import rate_text
from memorax_bench.suite.schema import Tuned

FRAME = PALETTE[1]
COLUMN = 0.5  # inches
_INSET = 0.06  # of a cell, so that frames of neighbours can be told apart


def save_sensitivity(frame: Frame, tuned: Mapping[str, Tuned], reading: str, stem: Path) -> tuple[Path, Path]:
    """A line an entry, a column a learning rate; the entries by their best score."""
    names = sorted(tuned, key=lambda name: -max(tuned[name].scores.values()))
    rates = list(tuned[names[0]].scores)
    scores = np.array([[tuned[name].scores[rate] for rate in rates] for name in names])
    low, high = min(0.0, scores.min()), max(1.0, scores.max())
    shades = (scores - low) / (high - low)
    shown = names if len({name.partition("/")[0] for name in names}) > 1 else [n.partition("/")[2] for n in names]
    with house_style():
        left = names_width(shown)
        figure, (ax,) = panels(
            1,
            height=ROW * len(names),
            left=left,
            top=0.08,
            total=max(2.6, left + COLUMN * len(rates) + 0.1),
            foot=f"Normalised area under the curve, {reading}. {frame.source}",
        )
        ax.imshow(colormaps[COLOURS](shades, bytes=True), aspect="auto", interpolation="none")
        for (line, column), score in np.ndenumerate(scores):
            ink = INK if shades[line, column] > DARK else "white"
            ax.text(column, line, number(score), ha="center", va="center", fontsize=6, color=ink)
        for line, name in enumerate(names):
            corner = rates.index(tuned[name].learning_rate) - 0.5 + _INSET, line - 0.5 + _INSET
            side = 1 - 2 * _INSET
            ax.add_patch(Rectangle(corner, side, side, fill=False, ec=FRAME, lw=1.3, zorder=3))
        ax.set_xticks(range(len(rates)), [rate_text(rate) for rate in rates])
        ax.set_yticks(range(len(names)), shown)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_xlabel("Learning rate; framed: chosen")
        return save(figure, stem)
