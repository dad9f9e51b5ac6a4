"""Lays out the frames of an episode: side by side as a PNG, one after the other as a GIF."""

import math
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import matplotlib as mpl
from matplotlib.animation import PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import BLUE, CARD_RED, FAINT, GREEN, INK, STYLE, VERMILION
from memorax_bench.drawing.text import named
from memorax_bench.drawing.view import Row, View, signed

DPI, GIF_DPI = 200, 110
# Inches.
_WIDEST, _NARROWEST = 9.7, 2.7  # of a page; a README shows about 900 pixels
_MARGIN, _SPACE = 0.12, 0.1  # around everything; between frames
_TITLE, _STEP, _LINE, _FOOT = 0.3, 0.21, 0.165, 0.13  # heights of the lines of words
_NAMES, _SCALES, _AXIS = 1.15, 0.85, 0.32  # left of traces, right of them, beneath them
_TITLE_SIGN, _FOOT_SIGN, _NAME_SIGN = 0.083, 0.048, 0.068  # widths of an average letter
_ENLARGED = 2.0  # how much larger a frame of the GIF is
_COLOURS = {"plain": INK, "observed": BLUE, "hidden": FAINT}


@dataclass(frozen=True)
class _Page:
    """Where things go; all lengths in inches. `frame` and `size` are width and height of a frame and of the page."""

    episode: Episode
    view: View
    rows: tuple[Row, ...]
    frame: tuple[float, float]
    size: tuple[float, float]
    left: float  # of the first frame of a line
    columns: int
    line_height: float
    foot: tuple[str, ...]


def save_strip(episode: Episode, view: View, steps: Sequence[int], file: Path | BinaryIO) -> None:
    """Draws `steps` into a PNG."""
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        page = _page(episode, view, len(steps), 1.0)
        figure = _figure(page)
        _draw(figure, page, steps)
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})


def save_animation(episode: Episode, view: View, steps: Sequence[int], path: Path) -> None:
    """Draws `steps` into a GIF, a frame each."""
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE}):
        page = _page(episode, view, 1, 1.0 if view.whole else _ENLARGED)
        figure = _figure(page)
        writer = PillowWriter(fps=view.frames_per_second)
        with writer.saving(figure, str(path), GIF_DPI):
            for t in steps:
                figure.clear()
                _draw(figure, page, [t])
                writer.grab_frame()


def _page(episode: Episode, view: View, count: int, scale: float) -> _Page:
    """The page for `count` frames, in lines of equal length."""
    width, height = (scale * length for length in view.size)
    reward = Row("reward", [signed(reward) for reward in episode.rewards])
    rows = () if view.whole else (*view.rows, reward)
    left = _MARGIN + (_NAMES if view.whole else 0.1 + _NAME_SIGN * max(len(row.name) for row in rows))
    right = _MARGIN + (_SCALES if view.whole else 0.0)
    lines = math.ceil(count / max(1, int((_WIDEST - left - right + _SPACE) / (width + _SPACE))))
    columns = math.ceil(count / lines)
    needed = left + columns * (width + _SPACE) - _SPACE + right
    page_width = max(needed, _TITLE_SIGN * len(named(episode)) + 2 * _MARGIN, _NARROWEST)
    words = "; ".join(part for part in (f"random actions, seed {episode.seed}", view.legend) if part)
    foot = textwrap.wrap(words, int((page_width - 2 * _MARGIN) / _FOOT_SIGN))
    line_height = height + (_AXIS if view.whole else _STEP + _LINE * len(rows) + 0.12)
    page_height = _TITLE + lines * line_height + _FOOT * len(foot) + _MARGIN
    return _Page(
        episode=episode,
        view=view,
        rows=rows,
        frame=(width, height),
        size=(page_width, page_height),
        left=left + (page_width - needed) / 2,
        columns=columns,
        line_height=line_height,
        foot=tuple(foot),
    )


def _figure(page: _Page) -> Figure:
    figure = Figure(figsize=page.size)
    FigureCanvasAgg(figure)
    return figure


def _draw(figure: Figure, page: _Page, steps: Sequence[int]) -> None:
    """The frames of `steps`, and the words around them."""
    high = page.size[1]
    _write(figure, page, _MARGIN, high - 0.19, named(page.episode), fontsize=9, weight="bold")
    for i, words in enumerate(reversed(page.foot)):
        _write(figure, page, _MARGIN, 0.13 + _FOOT * i, words, fontsize=6.8, color=FAINT)
    for i, t in enumerate(steps):
        x = page.left + (i % page.columns) * (page.frame[0] + _SPACE)
        top = high - _TITLE - (i // page.columns) * page.line_height
        if page.view.whole:
            _add_picture(figure, page, x, top, t)
            continue
        _add_picture(figure, page, x, top - _STEP, t)
        _add_words(figure, page, x + page.frame[0] / 2, top, t)
        if i % page.columns == 0:
            for y, row in _places(page, top):
                _write(figure, page, _MARGIN, y, row.name, fontsize=7, color=FAINT)
        elif t != steps[i - 1] + 1 and page.view.follows:
            _write(figure, page, x - _SPACE / 2, top - 0.12, "···", ha="center", color=FAINT)


def _add_picture(figure: Figure, page: _Page, x: float, top: float, t: int) -> None:
    (wide, high), (width, height) = page.size, page.frame
    axes = figure.add_axes((x / wide, (top - height) / high, width / wide, height / high))
    page.view.draw(axes, t)


def _add_words(figure: Figure, page: _Page, middle: float, top: float, t: int) -> None:
    last = page.episode.is_over and t == page.episode.length - 1
    _write(figure, page, middle, top - 0.12, f"step {t}{', end' if last else ''}", ha="center", fontsize=7, color=FAINT)
    for y, row in _places(page, top):
        # A hyphen before a digit is a minus.
        words = re.sub(r"-(?=[\d.])", "\N{MINUS SIGN}", row.words[t])
        _write(figure, page, middle, y, words, ha="center", **_look(row, words, page.episode.rewards[t]))


def _look(row: Row, words: str, reward: float) -> dict:
    if row.name == "reward":
        colour = GREEN if reward > 0 else VERMILION if reward < 0 else FAINT
        return {"color": colour, "weight": "bold" if reward else "normal"}
    if words in ("♠", "♣", "♦", "♥"):
        return {"color": CARD_RED if words in "♦♥" else INK, "fontsize": 10}
    return {"color": _COLOURS[row.role]}


def _places(page: _Page, top: float) -> list[tuple[float, Row]]:
    """The height at which each line of words stands."""
    return [(top - _STEP - page.frame[1] - _LINE * (i + 0.8), row) for i, row in enumerate(page.rows)]


def _write(figure: Figure, page: _Page, x: float, y: float, words: str, **how) -> None:
    figure.text(x / page.size[0], y / page.size[1], words, va="center_baseline", **{"fontsize": 8, **how})
