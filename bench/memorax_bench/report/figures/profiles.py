"""Performance profiles: a panel for each algorithm."""

from pathlib import Path

from matplotlib.ticker import PercentFormatter

from memorax_bench.report.figures.canvas import numbers, panels, title
from memorax_bench.report.figures.lines import band, behind, in_front, legend, mean_line, pale_lines
from memorax_bench.report.figures.style import house_style, save
from memorax_bench.report.frame import Frame
from memorax_bench.report.sections.profiles import Profiles


def save_profiles(frame: Frame, profiles: Profiles, stem: Path) -> tuple[Path, Path]:
    """The share of runs above each score."""
    with house_style():
        algorithms = list(dict.fromkeys(algorithm for algorithm, _ in profiles))
        figure, axes = panels(
            len(algorithms),
            height=2.0,
            left=0.54,
            top=0.22 if len(algorithms) > 1 else 0.08,
            legend=legend(frame, (torso for _, torso in profiles)),
            foot=frame.foot(f"Families weighing the same; bands: pointwise {frame.interval}"),
        )
        for i, (ax, algorithm) in enumerate(zip(axes, algorithms, strict=True)):
            mine = {torso: profile for (name, torso), profile in profiles.items() if name == algorithm}
            pale_lines(ax, [(mine[torso].taus, mine[torso].value) for torso in behind(frame, mine)])
            for order, torso, look in in_front(frame, mine):
                profile = mine[torso]
                band(ax, profile.taus, profile.low, profile.high, look)
                mean_line(ax, profile.taus, profile.value, look, order)
            ax.set_xlabel("Normalised score")
            if i % 3 == 0:
                ax.set_ylabel("Runs above it")
            ax.yaxis.set_major_formatter(PercentFormatter(1.0))
            numbers(ax.xaxis)
            ax.margins(x=0.0, y=0.02)
            title(ax, algorithm if len(algorithms) > 1 else "")
        return save(figure, stem)
