"""The figure of the sensitivity: a line an entry, a column a learning rate."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from memorax_bench.report.figures import INK, STYLE, footnote, save
from memorax_bench.report.render import number
from memorax_bench.suite.choices import rate_text
from memorax_bench.suite.schema import Tuned

COLOURS = "cividis"  # told apart with every colour vision, and in grey
FRAME = "#D55E00"
_LINE, _COLUMN = 0.2, 0.55  # inches
_LIGHT = 0.55  # of the range of colours, above which numbers are dark
_INSET = 0.06  # of a cell, so that frames of neighbours can be told apart


def save_sensitivity(label: str, tuned: Mapping[str, Tuned], reading: str, stem: Path) -> tuple[Path, Path]:
    """Draws `<stem>.png` and `<stem>.svg`: the entries by their best score, the rate that was chosen framed."""
    names = sorted(tuned, key=lambda name: -max(tuned[name].scores.values()))
    rates = list(tuned[names[0]].scores)
    scores = np.array([[tuned[name].scores[rate] for rate in rates] for name in names])
    low, high = min(0.0, scores.min()), max(1.0, scores.max())
    algorithms = {name.partition("/")[0] for name in names}
    shown = names if len(algorithms) > 1 else [name.partition("/")[2] for name in names]
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        figure = Figure(figsize=(1.9 + _COLUMN * len(rates), 0.85 + _LINE * len(names)), layout="constrained")
        ax = figure.subplots()
        ax.imshow(scores, cmap=COLOURS, vmin=low, vmax=high, aspect="auto")
        for (line, column), score in np.ndenumerate(scores):
            dark = (score - low) / (high - low) > _LIGHT
            ax.text(column, line, number(score), ha="center", va="center", fontsize=7, color=INK if dark else "white")
        for line, name in enumerate(names):
            corner = rates.index(tuned[name].learning_rate) - 0.5 + _INSET, line - 0.5 + _INSET
            side = 1 - 2 * _INSET
            ax.add_patch(Rectangle(corner, side, side, fill=False, ec=FRAME, lw=1.4, zorder=3))
        ax.set_xticks(range(len(rates)), [rate_text(rate) for rate in rates])
        ax.set_yticks(range(len(names)), shown)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        ax.set_xlabel("Learning rate; framed: chosen")
        footnote(figure, f"Normalised area under the curve,\n{reading}. {label}")
        return save(figure, stem)
