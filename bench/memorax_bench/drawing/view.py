"""What a task's steps look like and are called: the contract between those who know a task and those who lay it out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes


@dataclass(frozen=True)
class Row:
    """A line of words beneath the frames, one entry a step. `role`: "plain", "observed" or "hidden"."""

    name: str
    words: Sequence[str]
    role: str = "plain"


@dataclass(frozen=True)
class View:
    """How the T steps of one episode are told and drawn.

    `observed` has T+1 entries, as observations have; `actions` has T; `hidden` T or T+1: what the agent cannot see and
    what explains the step. `draw(axes, t)` draws step t into axes that are empty; `size` is that of a frame, width and
    height in inches. `rows` are written beneath a frame, the reward below them.

    `follows` says that a picture lives by the one before it: frames are then consecutive, else spread over the episode.
    `whole` says that one frame shows all steps up to its own, as traces do. `legend` says how to read the pictures;
    `notes` are lines for the terminal.
    """

    observed: Sequence[str]
    actions: Sequence[str]
    draw: Callable[[Axes, int], None]
    size: tuple[float, float]
    hidden: Sequence[str] | None = None
    rows: tuple[Row, ...] = ()
    follows: bool = False
    whole: bool = False
    frames_per_second: float = 8.0
    legend: str = ""
    notes: tuple[str, ...] = ()


def moments(rewards: np.ndarray, count: int) -> tuple[int, ...]:
    """At most `count` steps that show what a task is about: the first, and where later the first that earn anything."""
    total = len(rewards)
    earning = np.flatnonzero(rewards)
    if total <= count or not earning.size or earning[0] < count:
        return tuple(range(min(total, count)))
    start = count // 3
    rest = count - start
    around = min(int(earning[0]) - rest // 3, total - rest)
    return (*range(start), *range(around, around + rest))


def spread(total: int, count: int) -> tuple[int, ...]:
    """At most `count` of `total` steps, evenly, with the first and the last."""
    return tuple(np.unique(np.linspace(0, total - 1, min(total, count)).round().astype(int)).tolist())


def signed(value: float) -> str:
    """A reward: `+.021`, `-1`, `-512`, `0`; two digits that count."""
    text = f"{float(value):+,.0f}" if abs(value) >= 10 else f"{float(value):+.2g}"
    return "0" if not value else text.replace("0.", ".", 1) if abs(value) < 1 else text


def decimals(value: float, places: int = 2, sign: str = "-") -> str:
    """A measurement with that many decimals, and no sign before a zero. `sign`: "+" to show that of others, too."""
    text = f"{float(value):{sign}.{places}f}"
    return text.lstrip("+-") if float(text) == 0 else text
