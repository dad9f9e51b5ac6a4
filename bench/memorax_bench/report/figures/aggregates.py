"""Several aggregates of every row with their intervals, side by side."""

from collections.abc import Sequence
from pathlib import Path

from memorax_bench.report.figures.bars import ROW, Bar, draw_bars
from memorax_bench.report.figures.canvas import TWO_COLUMNS, name_rows, names_width, numbers, panels
from memorax_bench.report.figures.style import house_style, looks, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.sections.ranking import Aggregates


def save_aggregates(
    frame: Frame, drawn: Sequence[Aggregates], statistics: Sequence[str], stem: Path
) -> tuple[Path, Path]:
    """A panel for each statistic, a line for each row; hollow where the row is not ranked."""
    with house_style():
        names = [one.name for one in drawn]
        hollow = "; hollow: not ranked" if any(not one.ranked for one in drawn) else ""
        figure, axes = panels(
            len(statistics),
            height=0.12 + ROW * len(drawn),
            columns=len(statistics),
            left=names_width(names),
            gap=0.16,
            bottom=0.26,
            total=TWO_COLUMNS,
            foot=frame.foot(f"Normalised scores over the ranked tasks, {frame.interval}{hollow}"),
        )
        look = looks(frame.torsos, frame.roles)
        for i, (ax, statistic) in enumerate(zip(axes, statistics, strict=True)):
            bars = [Bar(one.estimates[i], y, look[one.torso].colour, one.ranked) for y, one in enumerate(drawn)]
            draw_bars(ax, bars)
            name_rows(ax, names, shown=i == 0)
            numbers(ax.xaxis, 4)
            ax.set_title(statistic)
        return save(figure, stem)
