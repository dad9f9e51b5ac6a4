"""MiniGrid's worlds, of navix and of xminigrid: the whole grid from above, and beside it what the agent sees."""

import collections
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Polygon

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import BLUE, INK, add, frame, glyphs, tile
from memorax_bench.drawing.view import Row, View

# Of a cell: the kind and the colour of what is in it, by name.
Cells = list[list[tuple[str, str]]]

_HEIGHT = 1.35  # inches, of a frame
_NAMED = 4  # kinds of things that are named before the others are only counted
_GAP = 1.5  # cells between the grid and what is seen of it
_WALL, _FLOOR, _LIT, _OUTSIDE = "#4D5661", "#E9EDF1", "#FFF6D6", "#F6F6F6"
_SIGNS = {  # kind -> what it looks like, and how high that is, in cells
    "key": ("⚷", 0.75),
    "ball": ("●", 0.6),
    "box": ("■", 0.6),
    "goal": ("★", 0.8),
    "lava": ("≈", 0.5),
    "square": ("■", 0.55),
    "pyramid": ("▲", 0.6),
    "hex": ("⬢", 0.6),
    "star": ("✦", 0.7),
}
_INKS = {
    "red": "#C0182B",
    "green": "#1B8A3A",
    "blue": "#1F5FBF",
    "purple": "#7A2FA8",
    "yellow": "#C99700",
    "grey": "#7B8794",
    "orange": "#E07B00",
    "white": "#FFFFFF",
    "brown": "#7A4A21",
    "pink": "#D6337F",
}
_AHEAD = ((0, 1), (1, 0), (0, -1), (-1, 0))  # row and column of the next cell to the east, south, west, north
_COMPASS = ("east", "south", "west", "north")

_NAVIX_KINDS = ("", "floor", "wall", "", "door", "key", "ball", "box", "goal", "lava")  # by tag
_NAVIX_COLOURS = ("red", "green", "blue", "purple", "yellow", "grey")
_NAVIX_NAMED = ("door", "key", "ball", "box")  # by what a mission calls them
_XMINIGRID_KINDS = (
    *("outside", "floor", "wall", "ball", "square", "pyramid", "goal", "key"),
    *("locked door", "door", "open door", "hex", "star"),
)
_XMINIGRID_COLOURS = ("", "red", "green", "blue", "purple", "yellow", "grey", "", "orange", "white", "brown", "pink")


@dataclass(frozen=True)
class _Moment:
    """What is where: `seen` is turned so that the agent, at the middle of its last row, faces up."""

    cells: Cells
    seen: Cells
    place: tuple[int, int]
    direction: int  # an index into _AHEAD
    carried: str
    mission: str = ""


def navix(episode: Episode) -> View:
    actions = ("left", "right", "forward", "pick up", "drop", "toggle", "done")
    return _view(episode, actions, lambda t: _of_navix(episode, t))


def xminigrid(episode: Episode) -> View:
    actions = ("forward", "right", "left", "pick up", "put down", "toggle")
    return _view(episode, actions, lambda t: _of_xminigrid(episode, t))


def _view(episode: Episode, names: tuple[str, ...], moment: Callable[[int], _Moment]) -> View:
    moments = [moment(t) for t in range(episode.length + 1)]
    actions = [names[int(action)] for action in episode.actions]
    height, width = len(moments[0].cells), len(moments[0].cells[0])
    view = len(moments[0].seen)
    size = max(height, view)
    carried = [moment.carried or "–" for moment in moments]
    carries = (Row("carries", carried, "hidden"),) if {*carried} != {"–"} else ()

    def draw(axes: Axes, t: int) -> None:
        now = moments[t]
        frame(axes, width + _GAP + view, size)
        lit = _in_view(now, view)
        _cells(axes, 0, (size + height) / 2, now.cells, lit)
        _agent(axes, now.place[1], (size + height) / 2 - now.place[0], (0, -90, 180, 90)[now.direction])
        _cells(axes, width + _GAP, (size + view) / 2, now.seen, {*np.ndindex(view, view)})
        _agent(axes, width + _GAP + view // 2, (size + view) / 2 - (view - 1), 90)

    return View(
        observed=[_told(moment) for moment in moments],
        actions=actions,
        draw=draw,
        size=(_HEIGHT * (width + _GAP + view) / size, _HEIGHT),
        hidden=[_whereabouts(moment) for moment in moments],
        rows=(Row("action", actions), *carries),
        frames_per_second=6.0,
        legend="left: the whole grid, hidden; yellow: the cells in view; right: what the agent, a blue arrow, sees",
    )


def _of_navix(episode: Episode, t: int) -> _Moment:
    state, told = episode.states, episode.observations
    cells = [[("wall" if cell else "floor", "") for cell in row] for row in state.grid[t]]
    things = {kind: {name: value[t] for name, value in vars(thing).items()} for kind, thing in state.entities.items()}
    player, carried = things.pop("player"), ""
    for kind, thing in things.items():
        for i, (row, column) in enumerate(thing["position"]):
            colour = _NAVIX_COLOURS[thing["colour"][i]] if "colour" in thing else ""
            if column >= 0:
                door = kind == "door" and (2 if thing["open"][i] else 0 if thing["requires"][i] != -1 else 1)
                cells[row][column] = (("locked door", "door", "open door")[door] if kind == "door" else kind, colour)
            elif "id" in thing and thing["id"][i] == player["pocket"][0]:
                carried = f"{colour} {kind}"
    view = told["view"] if isinstance(told, dict) else told
    mission = told["mission"][t].reshape(-1, 2) if isinstance(told, dict) else ()
    return _Moment(
        cells,
        [[_navix_cell(*cell) for cell in row] for row in view[t].tolist()],
        tuple(player["position"][0].tolist()),
        int(player["direction"][0]),
        carried,
        " near ".join(f"{_NAVIX_COLOURS[colour]} {_NAVIX_NAMED[kind]}" for colour, kind in mission),
    )


def _navix_cell(tag: int, colour: int, state: int) -> tuple[str, str]:
    kind = ("open door", "door", "locked door")[state] if _NAVIX_KINDS[tag] == "door" else _NAVIX_KINDS[tag]
    return kind, _NAVIX_COLOURS[colour]


def _of_xminigrid(episode: Episode, t: int) -> _Moment:
    grid, agent = episode.states.grid[t], episode.states.agent
    kind, colour = agent.pocket[t]
    return _Moment(
        _xminigrid_cells(grid),
        _xminigrid_cells(episode.observations[t]),
        tuple(agent.position[t].tolist()),
        (int(agent.direction[t]) - 1) % 4,
        f"{_XMINIGRID_COLOURS[colour]} {_XMINIGRID_KINDS[kind]}" if kind else "",
    )


def _xminigrid_cells(grid: np.ndarray) -> Cells:
    return [[(_XMINIGRID_KINDS[kind], _XMINIGRID_COLOURS[colour]) for kind, colour in row] for row in grid.tolist()]


# --- words ---


def _told(moment: _Moment) -> str:
    """What is seen but walls and floor, the nearest row first."""
    things = collections.Counter(
        kind if kind in ("goal", "lava") else f"{colour} {kind}"
        for row in reversed(moment.seen)
        for kind, colour in row
        if kind not in ("wall", "floor", "outside")
    )
    words = [thing if count == 1 else f"{count} {thing}s" for thing, count in things.items()]
    more = [f"{len(words) - _NAMED} more"] if len(words) > _NAMED else []
    seen = ", ".join(words[:_NAMED] + more) or "walls and floor"
    return f"{moment.mission}? {seen}" if moment.mission else seen


def _whereabouts(moment: _Moment) -> str:
    carries = f", carries {moment.carried}" if moment.carried else ""
    return f"at {moment.place}, facing {_COMPASS[moment.direction]}{carries}"


# --- pictures ---


def _in_view(moment: _Moment, view: int) -> set[tuple[int, int]]:
    """The cells that lie in the view, `(row, column)`, whether or not they are in the grid."""
    ahead, right = np.array(_AHEAD[moment.direction]), np.array(_AHEAD[(moment.direction + 1) % 4])
    steps = ((forward, aside) for forward in range(view) for aside in range(-(view // 2), view // 2 + 1))
    return {tuple((np.array(moment.place) + forward * ahead + aside * right).tolist()) for forward, aside in steps}


def _cells(axes: Axes, x: float, top: float, cells: Cells, lit: set[tuple[int, int]]) -> None:
    """Cells with their upper left corner at (x, top), 1 wide and high."""
    for row, column in np.ndindex(len(cells), len(cells[0])):
        kind, colour = cells[row][column]
        left, low = x + column, top - row - 1
        ground = _LIT if (row, column) in lit else _FLOOR
        ground = {"wall": _WALL, "outside": _OUTSIDE, "lava": _INKS["orange"]}.get(kind, ground)
        tile(axes, left, low, 1, 1, ground)
        if kind.endswith("door"):
            _door(axes, left, low, kind, _INKS[colour])
        elif kind in _SIGNS:
            sign, height = _SIGNS[kind]
            ink = _INKS["green"] if kind == "goal" else INK if kind == "lava" else _INKS.get(colour, INK)
            glyphs(axes, left + 0.5, low + 0.5, sign, height, ink, zorder=4)


def _door(axes: Axes, left: float, low: float, kind: str, ink: str) -> None:
    if kind == "open door":
        tile(axes, left, low, 0.22, 1, ink)
        return
    tile(axes, left + 0.05, low + 0.05, 0.9, 0.9, ink)
    glyphs(axes, left + 0.5, low + 0.5, "×" if kind == "locked door" else "•", 0.5, "white", zorder=4)


def _agent(axes: Axes, left: float, top: float, angle: float) -> None:
    """An arrow in the cell with its upper left corner at (left, top), turned from east by `angle` degrees."""
    turn = np.deg2rad(angle)
    corners = np.array([(0.38, 0), (-0.3, 0.3), (-0.15, 0), (-0.3, -0.3)])
    turned = corners @ np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    add(axes, Polygon(turned + np.array([left + 0.5, top - 0.5]), facecolor=BLUE, edgecolor="white", lw=0.4, zorder=5))
