"""A pole on a cart: what is observed is blue, what is hidden grey."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import BLUE, FAINT, HIDDEN, frame, tile
from memorax_bench.drawing.view import Row, View, decimals

_POLE, _AXLE = 1.0, 0.24  # metres: length of the pole, height of its axle
_ARROW = 0.3  # metres drawn for 1 m/s
_FAILS_AT = 2.4
_DASHES = (0, (2, 1.2))

Words = list[tuple[str, str]]  # of the cart and of the pole, at every step


def position_only(episode: Episode) -> View:
    states = episode.states.physical

    def draw(axes: Axes, t: int) -> None:
        _body(axes, *states[t, [0, 2]], BLUE)
        _arrows(axes, states[t], FAINT)

    legend = "blue: observed; grey: velocities, hidden"
    return _view(episode, states, draw, _positions(states), _velocities(states), legend)


def velocity_only(episode: Episode) -> View:
    states = episode.states.physical
    observed, hidden = _velocities(states), _positions(states)
    observed[0], hidden[0] = hidden[0], observed[0]

    def draw(axes: Axes, t: int) -> None:
        _body(axes, *states[t, [0, 2]], HIDDEN if t else BLUE)
        _arrows(axes, states[t], BLUE if t else FAINT)

    legend = "blue: observed, positions at the reset and then velocities; grey: hidden"
    return _view(episode, states, draw, observed, hidden, legend)


def noisy(episode: Episode) -> View:
    states, seen = episode.states.physical, episode.observations
    pairs = zip(_positions(states), _velocities(states), strict=True)
    hidden = [(f"{x}, {v}", f"{a}, {w}") for (x, a), (v, w) in pairs]

    def draw(axes: Axes, t: int) -> None:
        _body(axes, *states[t, [0, 2]], HIDDEN)
        _outline(axes, *seen[t])
        _arrows(axes, states[t], FAINT)

    observed = _positions(np.insert(seen, 1, 0, axis=1))
    legend = "blue: as observed, with noise; grey: as it is, hidden"
    return _view(episode, states, draw, observed, hidden, legend, float(np.abs(seen[:, 0]).max()))


def gymnax(episode: Episode) -> View:
    state = episode.states
    states = np.stack([state.x, state.x_dot, state.theta, state.theta_dot], axis=1)
    pairs = zip(_positions(states), _velocities(states), strict=True)
    observed = [(f"{x}, {v}", f"{a}, {w}") for (x, a), (v, w) in pairs]

    def draw(axes: Axes, t: int) -> None:
        _body(axes, *states[t, [0, 2]], BLUE)
        _arrows(axes, states[t], BLUE)

    return _view(episode, states, draw, observed, None, "all is observed: positions, and velocities as arrows")


def _positions(states: np.ndarray) -> Words:
    return [(f"{decimals(x, 2, '+')} m", f"{decimals(np.degrees(a), 1, '+')}°") for x, a in states[:, [0, 2]]]


def _velocities(states: np.ndarray) -> Words:
    return [(f"{decimals(v, 2, '+')} m/s", f"{decimals(np.degrees(w), 0, '+')}°/s") for v, w in states[:, [1, 3]]]


def _view(
    episode: Episode,
    states: np.ndarray,
    draw: Callable[[Axes, int], None],
    observed: Words,
    hidden: Words | None,
    legend: str,
    seen: float = 0.0,
) -> View:
    """`states`: `[T+1, 4]`: position, velocity, angle, angular velocity. `seen`: how far from the middle it seems."""
    actions = [("← left", "right →")[int(action)] for action in episode.actions]
    farthest = max(float(np.abs(states[:, 0]).max()), seen)
    reach = 0.75 if farthest < 0.5 else 1.4 if farthest < 1.1 else _FAILS_AT + 0.6

    def draw_all(axes: Axes, t: int) -> None:
        _track(axes, reach)
        draw(axes, t)

    return View(
        observed=[", ".join(pair) for pair in observed],
        actions=actions,
        draw=draw_all,
        size=(1.0, 1.0 * 1.48 / (2 * reach)) if reach < 1 else (1.0, 0.6),
        hidden=None if hidden is None else [", ".join(pair) for pair in hidden],
        # Where there is much to say of each, what stands first has room beneath a frame.
        rows=(
            Row("cart", [cart.partition(",")[0] for cart, _ in observed], "observed"),
            Row("pole", [pole.partition(",")[0] for _, pole in observed], "observed"),
            Row("action", actions),
        ),
        frames_per_second=12.0,
        legend=legend,
    )


def _track(axes: Axes, reach: float) -> None:
    """The track within `reach` metres of its middle; a mark every half metre, posts where the cart fails."""
    frame(axes, 1, 1)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-0.13, 1.35)
    axes.plot([-reach, reach], [0, 0], color=FAINT, lw=0.8)
    for x in np.arange(-2.0, 2.5, 0.5):
        if abs(x) < reach:
            axes.plot([x, x], [0, -0.05 if x else -0.1], color=FAINT, lw=0.8)
    for x in (-_FAILS_AT, _FAILS_AT):
        if abs(x) < reach:
            axes.plot([x, x], [-0.1, 0.25], color=FAINT, lw=1.2)


def _tip(x: float, angle: float) -> tuple[float, float]:
    """The end of the pole; angles are from upright, to the right."""
    return x + _POLE * np.sin(angle), _AXLE + _POLE * np.cos(angle)


def _body(axes: Axes, x: float, angle: float, colour: str) -> None:
    tile(axes, x - 0.21, 0.06, 0.42, 0.18, colour, 0.03)
    axes.plot([x - 0.11, x + 0.11], [0.045, 0.045], "o", color=colour, ms=2.6, mew=0)
    axes.plot(*zip((x, _AXLE), _tip(x, angle), strict=True), color=colour, lw=2.6, solid_capstyle="round")
    axes.plot(x, _AXLE, "o", color="white", ms=2.0, mew=0)


def _outline(axes: Axes, x: float, angle: float) -> None:
    """The body as it is seen through noise."""
    tile(axes, x - 0.21, 0.06, 0.42, 0.18, "none", 0.03, ec=BLUE, lw=1.0, ls=_DASHES)
    axes.plot(*zip((x, _AXLE), _tip(x, angle), strict=True), color=BLUE, lw=1.4, ls=_DASHES)


def _arrows(axes: Axes, state: Sequence[float], colour: str) -> None:
    """The velocities of the cart and of the pole's end, which turns about the cart."""
    x, velocity, angle, angular = (float(value) for value in state)
    along = np.array([np.cos(angle), -np.sin(angle)]) * angular * _POLE
    look = {"arrowstyle": "-|>", "color": colour, "lw": 1.0, "mutation_scale": 6, "shrinkA": 0, "shrinkB": 0}
    for start, change in (((x + np.copysign(0.22, velocity), 0.15), (velocity, 0.0)), (_tip(x, angle), along)):
        if abs(change[0]) > 0.2:
            end = start[0] + _ARROW * change[0], start[1] + _ARROW * change[1]
            axes.annotate("", end, start, arrowprops=look)
