"""Colours, fonts and the few shapes that all pictures share. Text inside of a picture is drawn as shapes: it scales."""

import functools

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, Patch, PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from memorax_bench.report.figures.style import PALETTE

INK, FAINT, HAIR = "#262626", "#6B6B6B", "#D0D0D0"
BLUE, VERMILION, GREEN, ORANGE = PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[3]
CARD_RED = "#C0182B"
UNKNOWN = "#E9EDF1"  # what nobody has shown to the agent
HIDDEN = "#B4BEC9"  # what is there although the agent cannot see it
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "text.color": INK,
    "axes.linewidth": 0.7,
    "path.simplify": False,
}


def frame(axes: Axes, width: float, height: float) -> None:
    """Units of the picture: x in 0 .. width, y in 0 .. height, equally long; no axes are seen."""
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.set_aspect("equal")
    axes.axis("off")


def add(axes: Axes, patch: Patch) -> None:
    """Adds a patch. matplotlib's own `add_patch` takes half of the time of a frame to see how far each one reaches."""
    axes.add_artist(patch)


def glyphs(axes: Axes, x: float, y: float, text: str, height: float, colour: str, turned: bool = False, **how) -> None:
    """Text centred on (x, y); a capital is as tall as `height`, in units of the picture."""
    path = _outline(text)
    turn = Affine2D().scale(height).rotate_deg(180 if turned else 0).translate(x, y)
    add(axes, PathPatch(path.transformed(turn), facecolor=colour, **{"lw": 0, **how}))


@functools.cache
def _outline(text: str) -> Path:
    """The text around the origin, its capitals 1 high; letters are centred as if they were capitals."""
    font = FontProperties(family="DejaVu Sans", weight="bold")
    capital = TextPath((0, 0), "H", size=1, prop=font).get_extents()
    path = TextPath((0, 0), text, size=1 / capital.height, prop=font)
    box = path.get_extents()
    middle = 0.5 if text.isalnum() else (box.y0 + box.y1) / 2
    return path.transformed(Affine2D().translate(-(box.x0 + box.x1) / 2, -middle))


def tile(
    axes: Axes, x: float, y: float, width: float, height: float, colour: str, rounding: float = 0.0, **how
) -> None:
    """A filled rectangle with its lower left corner at (x, y), its own corners rounded."""
    style = f"round,pad=0,rounding_size={rounding}" if rounding else "square,pad=0"
    look = {"fc": colour, "ec": "none", "lw": 0, **how}
    add(axes, FancyBboxPatch((x, y), width, height, boxstyle=style, **look))
