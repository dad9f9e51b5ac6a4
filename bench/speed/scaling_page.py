"""How training grows, as text and as a picture for docs/performance.md, from what `scaling.py` measured. Pure but for
the file of the picture."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from memorax_bench.report.figures.canvas import panels
from memorax_bench.report.figures.style import RULE, house_style, looks, save
from speed.measuring import mebibytes, significant, table

Rows = Sequence[Mapping[str, Any]]  # of one torso, from small to large
KINDS = {
    "environments": "environments",
    "seeds": "seeds trained together",
    "length": "steps of a sequence",
    "width": "width of the state",
}
CHOICES = {  # torso -> the ways that `auto` chooses between, the first of which is chosen for few environments
    "gru": ("gru:by_hand", "gru:autodiff"),
    "lru": ("lru:sequential", "lru:associative"),
    "mamba2": ("mamba2:chunked", "mamba2:sequential", "mamba2:associative"),
}
TOLERANCE = 1.1  # `auto` sits on the right side where it takes at most this many times what the best way takes


def growth(rows: Rows, kind: str, what: str) -> float | None:
    """The exponent with which `what` grows over the upper half of the sizes: 1 is in proportion, 2 is squared.

    The slope between the middle size and the largest, on logarithmic scales; None of fewer than three sizes.
    """
    if len(rows) < 3:
        return None
    first, last = rows[len(rows) // 2], rows[-1]
    if first is last:
        first = rows[-2]
    return math.log(last[what] / first[what]) / math.log(last[kind] / first[kind])


def text(part: Mapping[str, Mapping[str, Any]]) -> str:
    """The sections on growth; `part`: command line -> torso -> rows."""
    sections = []
    for kind, torsos in _by_kind(part):
        if kind in KINDS:
            sections.append(
                f"### Against {KINDS[kind]}\n\n{_WHY[kind]}\n\n{_sizes(kind, torsos)}\n\n{_growth(kind, torsos)}"
            )
        else:
            sections.append(f"### Are the automatic choices the right ones?\n\n{_CHOICE}\n\n{_choices(torsos)}")
    return "\n\n".join(sections)


_WHY = {
    "environments": """\
More environments make larger products of the same number: steps/s rise until the cores are busy. From there on time
grows in proportion, as memory does, which is a rollout's and the activations of one minibatch. Where steps/s fall
again, those have outgrown the processor's caches, which we take to be the reason.""",
    "seeds": """\
Seeds are mapped over: as many more products, none of them larger. On two cores little is gained, and memory grows in
proportion; an accelerator has room for them.""",
    "length": """\
A sequence is scanned step by step or chunk by chunk: work is in proportion to its length, and so is memory while all
activations are kept. Where they would exceed the caches, linear recurrences keep those of one span of 64 steps and
compute the others again for the gradient: memory falls, and some of the speed with it.""",
    "width": """\
Products have the square of the width, everything between them the width itself: the exponent of time lies between one
and two, and tends to two. Mamba-2 has a state of fixed size to each unit, and is nearer to one. Memory is activations,
with the width, and parameters with their two moments, with its square.""",
}
_CHOICE = """\
One update of the same agent, steps/s by the ways that the torso could be run and by what `auto` takes, measured in
turns. It is *right* where it takes at most 10 % longer than the best way."""


def _by_kind(part: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Rows]]]:
    found = {command.split()[-1]: rows for command, rows in part.items()}
    for kind in (*KINDS, "choice"):
        if kind in found:
            yield kind, {torso: rows for torso, rows in found[kind].items() if torso != "circumstances"}


def _sizes(kind: str, torsos: Mapping[str, Rows]) -> str:
    sizes = sorted({row[kind] for rows in torsos.values() for row in rows})
    shows = {
        "steps/s": lambda row: significant(row["steps_per_s"]),
        "temporary MiB": lambda row: mebibytes(row["temporary_bytes"]),
        "compile, s": lambda row: significant(row["compile_s"]),
    }
    lines = []
    for torso, rows in torsos.items():
        at = {row[kind]: row for row in rows}
        for what, show in shows.items():
            lines.append((f"`{torso}`", what, *(show(at[size]) if size in at else "-" for size in sizes)))
    return table(("torso", "", *map(str, sizes)), lines, left=2)


def _growth(kind: str, torsos: Mapping[str, Rows]) -> str:
    """Exponents of an update's time and memory, over the upper half of the sizes."""
    lines = []
    for torso, rows in torsos.items():
        exponents = (growth(rows, kind, what) for what in ("seconds", "temporary_bytes"))
        shown = ["-" if exponent is None else f"{exponent:.2f}" for exponent in exponents]
        lines.append((f"`{torso}`", *shown))
    return table(("torso", f"time grows as {kind} to the", "memory to the"), lines)


def _choices(torsos: Mapping[str, Rows]) -> str:
    lines = []
    for name, ways in CHOICES.items():
        for row in torsos.get(name, ()):
            size = row["environments"], row["length"]
            rates = {way: _at(torsos.get(way, ()), size) for way in ways}
            best = max((rate for rate in rates.values() if rate is not None), default=row["steps_per_s"])
            verdict = "right" if row["steps_per_s"] * TOLERANCE >= best else "WRONG"
            cells = [f"{way.partition(':')[2]} {significant(rate) if rate else '-'}" for way, rate in rates.items()]
            lines.append((f"`{name}`", *map(str, size), ", ".join(cells), significant(row["steps_per_s"]), verdict))
    return table(("torso", "environments", "length", "ways, steps/s", "auto, steps/s", ""), lines)


def _at(rows: Rows, size: tuple[int, int]) -> float | None:
    return next((row["steps_per_s"] for row in rows if (row["environments"], row["length"]) == size), None)


def draw(part: Mapping[str, Mapping[str, Any]], stem: Path) -> tuple[Path, Path]:
    """Steps/s above and memory below, a column a kind of growth, into `<stem>.png` and `<stem>.svg`."""
    kinds = [(kind, torsos) for kind, torsos in _by_kind(part) if kind in KINDS]
    names = list(dict.fromkeys(torso for _, torsos in kinds for torso in torsos))
    look = {name: {**one.line(1.4), "ls": "-", "marker": "o", "ms": 3} for name, one in looks(names).items()}
    with house_style():
        figure, axes = panels(
            2 * len(kinds),
            1.7,
            columns=len(kinds),
            gap=0.42,
            top=0.1,
            right=0.2,
            legend=[Line2D([], [], label=name, **look[name]) for name in names],
            foot="One update of PPO on RepeatPreviousEasy; other sizes: 16 environments, 128 steps, width 64, 1 seed. "
            "Median of 3.",
        )
        for column, (kind, torsos) in enumerate(kinds):
            above, below = axes[column], axes[len(kinds) + column]
            for torso, rows in torsos.items():
                sizes = [row[kind] for row in rows]
                above.plot(sizes, [row["steps_per_s"] for row in rows], **look[torso])
                below.plot(sizes, [row["temporary_bytes"] / 2**20 for row in rows], **look[torso])
            below.set_xlabel(KINDS[kind].capitalize())
            for ax in (above, below):
                _logarithmic(ax, sorted({row[kind] for rows in torsos.values() for row in rows}))
        axes[0].set_ylabel("Steps/s")
        axes[len(kinds)].set_ylabel("Temporary memory, MiB")
        return save(figure, stem)


def _logarithmic(ax: Axes, sizes: Sequence[int]) -> None:
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(sizes[:: 2 if len(sizes) > 4 else 1])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda size, _: f"{size:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.grid(color=RULE, lw=0.6)
