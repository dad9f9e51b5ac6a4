"""Mazes of gymnax, from above: the agent, the goal, and what the agent sees around it."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes

from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import BLUE, FAINT, GREEN, ORANGE, UNKNOWN, frame, glyphs, tile
from memorax_bench.drawing.view import Row, View
from memorax_bench.drawing.words import each

_COMPASS = ("up", "right", "down", "left")
_SIGN = 0.85  # height of agent and goal, in cells
_CLOCKWISE_FROM_LEFT = ("left", "down", "right", "up")


def meta_maze(episode: Episode) -> View:
    maze, state = episode.env.environment, episode.states
    around = maze.rf_size // 2
    places = zip(state.goal, state.pos, strict=True)
    hidden = [f"goal at {_place(goal)}, agent at {_place(place)}" for goal, place in places]

    def draw(axes: Axes, t: int) -> None:
        _floor(axes, np.asarray(maze.env_map), state.pos[t], around)
        _goal(axes, maze.env_map, state.goal[t], "#8494A5")
        _agent(axes, maze.env_map, state.pos[t])

    legend = "yellow: the cells in view; dot: the agent; grey star: the goal, never shown"
    return _view(episode, _COMPASS, draw, hidden, legend)


def four_rooms(episode: Episode) -> View:
    maze, state = episode.env.environment, episode.states

    def draw(axes: Axes, t: int) -> None:
        _floor(axes, np.asarray(maze.env_map), state.pos[t], 0)
        _goal(axes, maze.env_map, state.goal[t], GREEN)
        _agent(axes, maze.env_map, state.pos[t])

    return _view(episode, _COMPASS, draw, None, "dot: the agent; star: the goal; both places are observed")


def frozen_lake(episode: Episode) -> View:
    lake = np.asarray(episode.env.environment.desc)
    columns = lake.shape[1]

    def draw(axes: Axes, t: int) -> None:
        frame(axes, columns, len(lake))
        for (row, column), kind in np.ndenumerate(lake):
            tile(axes, column + 0.05, len(lake) - 0.95 - row, 0.9, 0.9, FAINT if kind == 2 else UNKNOWN, 0.08)
        _goal(axes, lake, np.argwhere(lake == 3)[0], GREEN)
        _agent(axes, lake, divmod(int(episode.observations[t]), columns))

    return _view(episode, _CLOCKWISE_FROM_LEFT, draw, None, "dot: the agent, which slips; star: the goal; dark: holes")


def _view(
    episode: Episode,
    names: Sequence[str],
    draw: Callable[[Axes, int], None],
    hidden: Sequence[str] | None,
    legend: str,
) -> View:
    actions = [names[int(action)] for action in episode.actions]
    rows = (Row("action", actions),)
    observed = each(episode.observations)
    return View(observed, actions, draw, (1.0, 1.0), hidden, rows, frames_per_second=6.0, legend=legend)


def _place(place: np.ndarray) -> str:
    return str(tuple(int(i) for i in place))


def _floor(axes: Axes, free: np.ndarray, agent: np.ndarray, around: int) -> None:
    """Walls and free cells; those at most `around` away from the agent are lit."""
    height, width = free.shape
    frame(axes, width, height)
    for (row, column), is_free in np.ndenumerate(free):
        lit = around and max(abs(row - agent[0]), abs(column - agent[1])) <= around
        colour = (ORANGE if lit else UNKNOWN) if is_free else "#4D5661"
        tile(axes, column, height - 1 - row, 1, 1, colour, alpha=0.45 if lit and is_free else 1.0)


def _agent(axes: Axes, cells: np.ndarray, place: Sequence[int]) -> None:
    glyphs(axes, place[1] + 0.5, len(cells) - 0.5 - place[0], "●", _SIGN, BLUE, zorder=5)


def _goal(axes: Axes, cells: np.ndarray, place: Sequence[int], colour: str) -> None:
    glyphs(axes, place[1] + 0.5, len(cells) - 0.5 - place[0], "★", 1.5 * _SIGN, colour, zorder=4)
