"""Numbers over time: the entries of an observation, the action, the reward."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import BLUE, FAINT, GREEN, HAIR, INK, UNKNOWN, VERMILION
from memorax_bench.drawing.view import View, decimals
from memorax_bench.drawing.words import each, entries

_MOST_LINES = 12  # entries drawn as lines; more of them become a picture, a line of pixels each
_WIDTH, _BAND = 8.4, 0.36  # inches

_BANDIT = ("last reward", "last action 0", "last action 1", "time")
# prefix of a task's id -> what the entries of its observation are
NAMES = {
    "gymnax::Acrobot-v1": ("cos 1", "sin 1", "cos 2", "sin 2", "speed 1", "speed 2"),
    "gymnax::DiscountingChain": ("context", "time"),
    "gymnax::GaussianBandit": _BANDIT,
    "gymnax::MemoryChain": ("time left", "question", "context"),
    "gymnax::MountainCar": ("position", "velocity"),
    "gymnax::PointRobot": ("x", "y", "last reward", "last action x", "last action y", "time"),
    "gymnax::UmbrellaChain": ("needs umbrella", "has umbrella", "time left"),
}


def memory_chain(episode: Episode) -> View:
    context, question = episode.states.context, episode.states.query
    answers = [f"{context[t, question[t]]} due at the end" for t in range(episode.length + 1)]
    return replace(traces(episode), hidden=answers)


def traces(episode: Episode) -> View:
    """Stacked traces over all steps, each scaled to its own range."""
    bands = _named(episode)
    lines = [(_label(name, i, array), array[:, i], BLUE) for name, array in bands for i in range(array.shape[1])]
    raster = None if len(lines) <= _MOST_LINES else np.concatenate([array for _, array in bands], axis=1)
    acted = np.concatenate([_flat(array) for _, array in entries(episode.actions)], axis=1)
    actions = [(_label("action", i, acted), acted[:, i], INK) for i in range(min(acted.shape[1], 4))]
    height = (5 if raster is not None else len(lines)) + len(actions) + 1

    def draw(axes: Axes, t: int) -> None:
        _prepare(axes, height, episode.length, t)
        top = height
        if raster is None:
            top = _lines(axes, lines, top, t + 1, episode.length)
        else:
            top = _raster(axes, raster, top, t + 1)
        top = _lines(axes, actions, top, t, episode.length)
        _rewards(axes, episode.rewards, top, t)

    words = each(episode.observations)
    size = (_WIDTH, _BAND * height + 0.3)
    return View(words, each(episode.actions), draw, size, whole=True, frames_per_second=8.0, legend=_legend(raster))


def _legend(raster: np.ndarray | None) -> str:
    if raster is None:
        return "each line scaled to the range given at its right"
    return "observation: one line of pixels an entry, each scaled to its own range, dark to light; grey: never changes"


def _named(episode: Episode) -> list[tuple[str | tuple[str, ...], np.ndarray]]:
    """(name or names, `[T+1, n]`) of every array in the observation."""
    names = next((names for prefix, names in NAMES.items() if episode.task.startswith(prefix)), None)
    named = [(name or "observation", _flat(array)) for name, array in entries(episode.observations)]
    if names is not None and len(named) == 1 and named[0][1].shape[1] >= len(names):
        return [(names, named[0][1])]
    return named


def _flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(len(array), -1).astype(np.float64)


def _label(name: str | Sequence[str], i: int, array: np.ndarray) -> str:
    if not isinstance(name, str):
        return name[i] if i < len(name) else f"{name[-1]} {i}"
    return name if array.shape[1] == 1 else f"{name} {i}"


def _prepare(axes: Axes, height: int, length: int, t: int) -> None:
    axes.set_xlim(-0.02 * length, 1.02 * length)
    axes.set_ylim(0, height + 0.15)
    axes.set_yticks([])
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(axis="x", colors=FAINT, labelsize=7, width=0.7, length=2.5)
    axes.set_xlabel("step", fontsize=7, color=FAINT, labelpad=1)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if t < length - 1:
        axes.axvline(t + 1, color=HAIR, lw=0.8, zorder=0)


def _lines(axes: Axes, lines: Sequence[tuple[str, np.ndarray, str]], top: float, upto: int, length: int) -> float:
    """Draws one band a line, downwards from `top`, up to step `upto`; returns where the next band begins."""
    for name, values, colour in lines:
        finite = values[np.isfinite(values)]
        low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
        middle = np.full(len(values), 0.5) if high == low else (values - low) / (high - low)
        x = np.arange(len(values))[: upto + 1]
        whole = np.all(finite == finite.round())
        look = {"drawstyle": "steps-post"} if whole else {}
        marker = {"marker": "o", "ms": 2.2, "mew": 0} if length <= 24 else {}
        axes.plot(x, top - 0.86 + 0.72 * middle[: upto + 1], color=colour, lw=1.1, **look, **marker)
        _name(axes, name, top - 0.5, f"{_short(low)} to {_short(high)}" if high > low else f"always {_short(low)}")
        top -= 1
    return top


def _raster(axes: Axes, values: np.ndarray, top: float, upto: int) -> float:
    low, high = values.min(axis=0), values.max(axis=0)
    scaled = (values - low) / np.where(high > low, high - low, np.nan)
    extent = (-0.5, upto + 0.5, top - 4.9, top - 0.1)
    colours = colormaps["cividis"].with_extremes(bad=UNKNOWN)
    axes.imshow(
        scaled[: upto + 1].T, extent=extent, aspect="auto", cmap=colours, vmin=0, vmax=1, interpolation="nearest"
    )
    _name(axes, "observation", top - 2.5, f"{values.shape[1]} entries")
    return top - 5


def _rewards(axes: Axes, rewards: np.ndarray, top: float, t: int) -> None:
    scale = max(float(np.abs(rewards).max()), 1e-12)
    x, values = np.arange(len(rewards))[: t + 1], rewards[: t + 1] / scale
    base = top - 0.5
    axes.axhline(base, color=HAIR, lw=0.6, zorder=0)
    colours = [GREEN if value > 0 else VERMILION for value in values]
    axes.vlines(x, base, base + 0.4 * values, colors=colours, lw=1.6 if len(rewards) <= 60 else 1.0)
    low, high = _short(rewards.min()), _short(rewards.max())
    _name(axes, "reward", base, f"{low} to {high}" if low != high else f"always {low}")


def _name(axes: Axes, name: str, y: float, scale: str) -> None:
    where = {"transform": axes.get_yaxis_transform(), "va": "center"}
    axes.text(-0.012, y, name, ha="right", fontsize=8, **where)
    axes.text(1.008, y, scale, ha="left", fontsize=7, color=FAINT, **where)


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) >= 100 else decimals(value).removesuffix(".00")
