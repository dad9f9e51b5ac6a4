"""A pendulum on a joint: what is observed is blue, what is hidden grey."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import BLUE, FAINT, HAIR, HIDDEN, INK, add, frame
from memorax_bench.drawing.view import Row, View, decimals

_ARROW = 0.09  # lengths of the pendulum drawn for 1 rad/s


def position_only(episode: Episode) -> View:
    angles, speeds = episode.states.physical.T
    hidden = [_speed(speed) for speed in speeds]
    return _view(episode, angles, speeds, hidden, "blue: observed; grey: the speed, hidden; ring: upright, the goal")


def noisy(episode: Episode) -> View:
    angles, speeds = episode.states.physical.T
    states = zip(angles, speeds, strict=True)
    hidden = [f"cos {_share(np.cos(a))}, sin {_share(np.sin(a))}, {_speed(speed)}" for a, speed in states]
    legend = "blue: as observed, with noise; grey: as it is, hidden; ring: upright, the goal"
    return _view(episode, angles, speeds, hidden, legend, ghosts=episode.observations)


def gymnax(episode: Episode) -> View:
    legend = "everything is observed; ring: upright, the goal"
    return _view(episode, episode.states.theta, episode.states.theta_dot, None, legend)


def _view(
    episode: Episode,
    angles: np.ndarray,
    speeds: np.ndarray,
    hidden: Sequence[str] | None,
    legend: str,
    ghosts: np.ndarray | None = None,
) -> View:
    """`ghosts`: cosines and sines seen through noise."""
    seen = episode.observations
    observed = [f"cos {_share(cos)}, sin {_share(sin)}" for cos, sin in seen[:, :2]]
    if hidden is None:
        observed = [f"{words}, {_speed(speed)}" for words, speed in zip(observed, seen[:, 2], strict=True)]
    torques = [f"torque {decimals(torque, 1, '+')}" for torque in episode.actions[:, 0]]

    def draw(axes: Axes, t: int) -> None:
        frame(axes, 1, 1)
        axes.set_xlim(-1.3, 1.3)
        axes.set_ylim(-1.3, 1.3)
        add(axes, Circle((0, 0), 1, fc="none", ec=HAIR, lw=0.6, ls=(0, (2, 2))))
        add(axes, Circle((0, 1), 0.13, fc="none", ec=FAINT, lw=0.8))
        _rod(axes, float(angles[t]), float(speeds[t]), BLUE if ghosts is None else HIDDEN, FAINT if hidden else BLUE)
        if ghosts is not None:
            x, y = -float(ghosts[t, 1]), float(ghosts[t, 0])
            axes.plot([0, x], [0, y], color=BLUE, lw=1.3, ls=(0, (2, 1.2)))
            add(axes, Circle((x, y), 0.1, fc="white", ec=BLUE, lw=1.2, zorder=4))

    rows = (
        Row("cos", [_share(cos) for cos in seen[:, 0]], "observed"),
        Row("sin", [_share(sin) for sin in seen[:, 1]], "observed"),
        Row("action", torques),
    )
    return View(observed, torques, draw, (0.95, 0.95), hidden, rows, frames_per_second=20.0, legend=legend)


def _share(value: float) -> str:
    return decimals(value, 2, "+")


def _speed(value: float) -> str:
    return f"{decimals(value, 1, '+')} rad/s"


def _rod(axes: Axes, angle: float, speed: float, colour: str, arrow: str) -> None:
    """`angle` from upright, counter-clockwise, as gymnasium draws it."""
    tip = np.array([-np.sin(angle), np.cos(angle)])
    axes.plot([0, tip[0]], [0, tip[1]], color=colour, lw=3.2, solid_capstyle="round")
    add(axes, Circle(tip, 0.12, color=colour, lw=0, zorder=3))
    axes.plot(0, 0, "o", color=INK, ms=2.4, mew=0, zorder=4)
    if abs(speed) > 0.3:
        end = tip + _ARROW * speed * np.array([-tip[1], tip[0]])
        look = {"arrowstyle": "-|>", "color": arrow, "lw": 1.0, "mutation_scale": 6, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", end, tip, arrowprops=look)
