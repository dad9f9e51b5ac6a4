"""Observations that are pictures or grids: photographs as they are, everything else as a map of categories."""

import itertools

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import UNKNOWN, frame
from memorax_bench.drawing.view import Row, View
from memorax_bench.drawing.words import each
from memorax_bench.report.figures.style import PALETTE

COLOURS = ("blue", "red", "green", "orange", "pink", "sky blue", "indigo", "wine", "olive", "teal")  # of PALETTE
# prefix of a task's id -> what its channels show; a cell has the colour of the first that is set
CHANNELS = {
    "gymnax::Asterix": ("player", "enemy", "trail", "gold"),
    "gymnax::Breakout": ("paddle", "ball", "trail of the ball", "brick"),
    "gymnax::Freeway": ("chicken", "car", *(f"trail at speed {speed}" for speed in range(1, 6))),
    "gymnax::Pong": ("paddle", "ball", "ball one step before"),
    "gymnax::Seaquest": (
        *("submarine", "its stern", "own bullet", "trail", "enemy bullet", "fish", "enemy submarine"),
        *("oxygen", "divers on board", "diver"),
    ),
    "gymnax::SpaceInvaders": ("cannon", "alien", "", "", "own bullet", "enemy bullet"),
}
_SMALLEST = 3  # cells along a side; below that a grid is only a few numbers


def is_picture(array: np.ndarray) -> bool:
    """Whether observations `[steps, ...]` are pictures (H, W) or (H, W, channels)."""
    return array.ndim in (3, 4) and min(array.shape[1:3]) >= _SMALLEST


def image(episode: Episode) -> View:
    """The observation itself."""
    pixels, colours, legend = _coloured(np.asarray(episode.observations), _channels(episode.task))
    height, width = pixels.shape[1:3]

    def draw(axes: Axes, t: int) -> None:
        frame(axes, width, height)
        look = {} if colours is None else {"cmap": colours, "vmin": 0, "vmax": colours.N - 1}
        extent = (0, width, 0, height)
        axes.imshow(pixels[t], extent=extent, interpolation="nearest", **look)

    size = (1.0, height / width) if height <= 1.4 * width else (1.2 * width / height, 1.2)
    words, actions = each(episode.observations), each(episode.actions)
    rows = (Row("action", actions),)
    return View(words, actions, draw, size, None, rows, frames_per_second=6.0, legend=legend)


def _channels(task: str) -> tuple[str, ...]:
    return next((names for prefix, names in CHANNELS.items() if task.startswith(prefix)), ())


def _coloured(images: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, ListedColormap | None, str]:
    """Pixels to show, `[steps, H, W]` of categories with their colours, or `[steps, H, W, 3]` with None; the legend.

    `names`: of the channels, as far as they are known.
    """
    channels = images.shape[3] if images.ndim == 4 else 1
    binary = set(np.unique(images).tolist()) <= {0, 1}
    if channels == 3 and not binary and (images.max() > 32 or images.dtype.kind == "f"):
        return (images if images.dtype == np.uint8 else _to_unit(images)), None, "as observed"
    if channels == 1 and images.dtype.kind == "f" and not binary:
        return _to_unit(images.reshape(images.shape[:3])) * 255, _greys(), "as observed; dark: large"
    if binary and images.ndim == 4:
        # What a cell holds: its first channel that is set; 0 where none is.
        first = np.where(images.any(axis=3), images.argmax(axis=3) + 1, 0)
        named = "; ".join(f"{colour}: {name}" for colour, name in zip(COLOURS, names, strict=False) if name)
        return first, _categories(channels + 1), named or "one colour a channel; where several are set, the first"
    if binary:
        return images.reshape(images.shape[:3]).astype(int), _categories(2), "blue: 1; light: 0"
    codes = images.reshape(-1, channels).astype(np.int64)
    _, kinds, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    rank = np.empty(len(counts), int)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    index = rank[kinds].reshape(images.shape[:3])
    return index, _categories(len(counts)), "one colour for each kind of cell; light: the most frequent"


def _to_unit(images: np.ndarray) -> np.ndarray:
    low, high = float(images.min()), float(images.max())
    return (images - low) / ((high - low) or 1.0)


def _categories(count: int) -> ListedColormap:
    """Light for the first category, then the palette; once that is used up, its colours again, lighter."""
    lighter = [tuple(1 - 0.5 * (1 - int(c[i : i + 2], 16) / 255) for i in (1, 3, 5)) for c in PALETTE]
    cycle = itertools.cycle([*PALETTE, *lighter])
    return ListedColormap([UNKNOWN, *itertools.islice(cycle, max(count - 1, 1))])


def _greys() -> ListedColormap:
    return ListedColormap([(1 - 0.75 * i / 255,) * 3 for i in range(256)])
