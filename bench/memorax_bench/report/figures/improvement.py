"""Every row against the baseline: how often better, and by how much."""

from collections.abc import Sequence
from pathlib import Path

from memorax_bench.report.figures.bars import ROW, Bar, draw_bars
from memorax_bench.report.figures.canvas import name_rows, names_width, numbers, panels
from memorax_bench.report.figures.lines import reference
from memorax_bench.report.figures.style import house_style, looks, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.sections.improvement import Improvement

WIDTH = 5.2  # inches


def save_improvement(frame: Frame, baseline: str, drawn: Sequence[Improvement], stem: Path) -> tuple[Path, Path]:
    """Two panels, a line for each row; filled where the difference is significant."""
    with house_style():
        names = [one.name for one in drawn]
        figure, axes = panels(
            2,
            height=0.12 + ROW * len(drawn),
            left=names_width(names),
            gap=0.2,
            bottom=0.4,
            top=0.12,
            total=WIDTH,
            foot=frame.foot(f"{frame.interval}; filled: significant after correction".capitalize()),
        )
        look = looks(frame.torsos, frame.roles)
        for ax, what in zip(axes, ("better", "difference"), strict=True):
            draw_bars(
                ax,
                [Bar(getattr(one, what), y, look[one.torso].colour, one.significant) for y, one in enumerate(drawn)],
            )
        for ax, middle, label in (
            (axes[0], 0.5, f"P(run better than one of {baseline})"),
            (axes[1], 0.0, f"Difference to {baseline} (normalised score)"),
        ):
            reference(ax, middle, upright=True)
            name_rows(ax, names, shown=ax is axes[0])
            numbers(ax.xaxis)
            ax.set_xlabel(label)
        axes[0].set_xlim(-0.03, 1.03)
        return save(figure, stem)
