"""A body of brax: its capsules and spheres as seen from afar. What is observed is blue, what is hidden grey."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import BLUE, FAINT, HAIR, HIDDEN, add, frame
from memorax_bench.drawing.view import Row, View, decimals
from memorax_bench.drawing.words import each

_CAPSULE = 3  # of mujoco's kinds of geometry; what is left are spheres, which are capsules of no length, and planes
_PLANE = 0
# body -> azimuth and elevation of who looks at it, in degrees; the others are seen from the side
_SEEN_FROM = {
    "ant": (25.0, 35.0),
    "humanoid": (35.0, 12.0),
    "humanoidstandup": (35.0, 25.0),
    "pusher": (-35.0, 35.0),
    "reacher": (0.0, 90.0),
}
_ARROW = 0.25  # metres drawn for 1 m/s
_WIDEST, _HIGHEST = 1.25, 1.0  # inches, of a frame
_MARGIN = 0.05  # of the picture, on each side


_NARROWEST = 0.62  # width over height: the words beneath a frame need room


@dataclass(frozen=True)
class _Scene:
    """T+1 moments of S solids, projected: `ends` `[T+1, S, 2, 2]` metres to the right and up, `depth` `[T+1, S]`.

    A solid is all that is within its `radius` `[S]` of the line between its ends; `is_body` `[S]` says that it belongs
    to the body and not to what stands around it. The camera is at `centre` `[T+1, 2]`; `arrow` `[T+1, 2]` is the
    velocity of the root, and `root` `[T+1, 2]` its place. `plane` `[2, 3]` projects a point of space.
    """

    ends: np.ndarray
    depth: np.ndarray
    radius: np.ndarray
    is_body: np.ndarray
    centre: np.ndarray
    root: np.ndarray
    arrow: np.ndarray
    plane: np.ndarray


def body(episode: Episode) -> View:
    """The view of a body, whatever is shown of it."""
    name, _, variant = episode.task.partition("::")[2].partition("-")
    shown = episode.options.get("observe", variant or "all")
    system = episode.env.environment.sys
    moves = system.link_types[0] in "f3"  # its root is free to go where it wants
    scene = _scene(episode.states.pipeline_state, system.mj_model, _SEEN_FROM.get(name, (0.0, 0.0)), moves)
    window = _window(scene)
    colours = HIDDEN if shown == "velocities" else BLUE, FAINT if shown == "positions" else BLUE

    def draw(axes: Axes, t: int) -> None:
        left, right, low, high = window
        frame(axes, 1, 1)
        axes.set_xlim(left, right)
        axes.set_ylim(low, high)
        if moves:
            _floor(axes, scene, t, max(right - left, high - low))
        _solids(axes, scene, t, colours[0])
        _arrow(axes, scene, t, colours[1])

    place, speed = episode.states.pipeline_state.x.pos[:, 0], episode.states.pipeline_state.xd.vel[:, 0]
    hidden = {
        "all": None,
        "positions": _words("root moves", speed, "m/s"),
        "velocities": _words("root at", place, "m"),
    }[shown]
    width, height = float(window[1] - window[0]), float(window[3] - window[2])
    scale = min(_WIDEST / width, _HIGHEST / height)
    return View(
        observed=each(episode.observations),
        actions=each(episode.actions),
        draw=draw,
        size=(width * scale, height * scale),
        hidden=hidden,
        rows=(Row("x of the root", [f"{decimals(x, 2, '+')} m" for x in place[:, 0]], "hidden"),) if moves else (),
        frames_per_second=20.0,
        legend=_legend(shown, moves),
    )


def _legend(shown: str, moves: bool) -> str:
    if shown == "all":
        words = (
            "all is observed but where on the floor it is; arrow: how the root moves" if moves else "all is observed"
        )
    else:
        words = {
            "positions": "blue: positions, observed; grey: how the root moves, hidden",
            "velocities": "blue: how the root moves, observed; grey: positions, hidden",
        }[shown]
    return words + ("; the camera follows it" if moves else "")


def _words(what: str, vectors: np.ndarray, unit: str) -> list[str]:
    return [f"{what} {' '.join(decimals(value, 2, '+') for value in vector)} {unit}" for vector in vectors]


def _scene(physics, model, seen_from: tuple[float, float], moves: bool) -> _Scene:
    """`physics`: brax's pipeline states `[T+1]`; `model`: mujoco's, which knows the solids."""
    kept = [i for i in range(model.ngeom) if model.geom_type[i] != _PLANE and model.geom_rgba[i, 3] > 0]
    links = model.geom_bodyid[kept] - 1  # -1 is the world
    half = np.where(model.geom_type[kept] == _CAPSULE, model.geom_size[kept, 1], 0.0)
    along = _rotate(model.geom_quat[kept], np.array([0.0, 0.0, 1.0])) * half[:, None]
    local = model.geom_pos[kept][:, None] + np.stack([-along, along], axis=1)  # [S, 2, 3]

    count = len(physics.x.pos)
    places = np.concatenate([physics.x.pos, np.zeros((count, 1, 3))], axis=1)[:, links]
    turns = np.concatenate([physics.x.rot, np.tile([1.0, 0, 0, 0], (count, 1, 1))], axis=1)[:, links]
    ends = places[:, :, None] + _rotate(turns[:, :, None], local)  # [T+1, S, 2, 3]

    around, above = np.radians(seen_from)
    right = [np.cos(around), np.sin(around), 0.0]
    up = [-np.sin(around) * np.sin(above), np.cos(around) * np.sin(above), np.cos(above)]
    plane = np.array([right, up])
    root = physics.x.pos[:, 0] @ plane.T
    # Who looks from the side sees it fall; who follows upwards as well sees only the floor move.
    follows = np.array([moves, moves and above > 0])
    return _Scene(
        ends=ends @ plane.T,
        depth=ends.mean(axis=2) @ np.cross(right, up),
        radius=model.geom_size[kept, 0],
        is_body=links >= 0,
        centre=root * follows,
        root=root,
        arrow=physics.xd.vel[:, 0] @ plane.T,
        plane=plane,
    )


def _rotate(quaternions: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """`vectors` `[..., 3]` turned by unit `quaternions` `[..., 4]`, real part first."""
    real, axis = quaternions[..., :1], quaternions[..., 1:]
    across = np.cross(axis, vectors)
    return vectors + 2 * (real * across + np.cross(axis, across))


def _window(scene: _Scene) -> tuple[float, float, float, float]:
    """Left, right, low and high, relative to the camera, so that the body is inside at every moment."""
    ends = scene.ends - scene.centre[:, None, None]
    low = (ends - scene.radius[:, None, None]).min(axis=(0, 1, 2))
    high = (ends + scene.radius[:, None, None]).max(axis=(0, 1, 2))
    low, high = low - _MARGIN * (high - low).max(), high + _MARGIN * (high - low).max()
    lacks = max(_NARROWEST * (high[1] - low[1]) - (high[0] - low[0]), 0.0) / 2
    return low[0] - lacks, high[0] + lacks, low[1], high[1]


def _floor(axes: Axes, scene: _Scene, t: int, reach: float) -> None:
    """Lines on the floor, a metre apart; from the side, a line with marks."""
    if scene.plane[1, 2] == 1:
        axes.axhline(0, color=FAINT, lw=0.8, zorder=0)
        x = scene.centre[t, 0]
        marks = np.arange(np.floor(x - reach), np.ceil(x + reach) + 1) - x
        axes.plot([marks, marks], [np.zeros(len(marks)), np.full(len(marks), -reach)], color=HAIR, lw=0.8, zorder=0)
        return
    # The point of the floor beneath the middle of the picture, then lines around it in both directions.
    middle = np.linalg.solve(scene.plane[:, :2], scene.centre[t])
    for axis in (0, 1):
        first, last = np.floor(middle[axis] - 3 * reach), np.ceil(middle[axis] + 3 * reach)
        for value in np.arange(first, last + 1):
            line = np.array([middle - 3 * reach, middle + 3 * reach])
            line[:, axis] = value
            axes.plot(*(line @ scene.plane[:, :2].T - scene.centre[t]).T, color=HAIR, lw=0.6, zorder=0)


def _solids(axes: Axes, scene: _Scene, t: int, colour: str) -> None:
    """The farthest first."""
    for solid in np.argsort(scene.depth[t], kind="stable"):
        outline = _outline(*(scene.ends[t, solid] - scene.centre[t]), scene.radius[solid])
        look = {"fc": colour, "ec": "white", "lw": 0.5} if scene.is_body[solid] else {"fc": HAIR, "lw": 0}
        add(axes, PathPatch(outline, **look))


def _outline(start: np.ndarray, end: np.ndarray, radius: float) -> Path:
    """All within `radius` of the line from `start` to `end`: two half circles, joined."""
    angle = np.arctan2(*(end - start)[::-1])
    turn = np.linspace(-np.pi / 2, np.pi / 2, 13)
    caps = [
        middle + radius * np.stack([np.cos(angle + turn + back), np.sin(angle + turn + back)], axis=1)
        for middle, back in ((end, 0.0), (start, np.pi))
    ]
    return Path(np.concatenate(caps), closed=False)


def _arrow(axes: Axes, scene: _Scene, t: int, colour: str) -> None:
    start, change = scene.root[t] - scene.centre[t], scene.arrow[t] * _ARROW
    if np.hypot(*change) > 0.12:
        look = {"arrowstyle": "-|>", "color": colour, "lw": 1.0, "mutation_scale": 6, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", start + change, start, arrowprops=look, annotation_clip=False)
