"""Tasks on a board that the agent never sees as a whole: Battleship, Concentration, MineSweeper."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from memorax_bench.drawing.cards import RANKS
from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.style import (
    BLUE,
    CARD_RED,
    FAINT,
    HIDDEN,
    INK,
    UNKNOWN,
    VERMILION,
    add,
    frame,
    glyphs,
    tile,
)
from memorax_bench.drawing.view import Row, View

_GAP = 0.06


def battleship(episode: Episode) -> View:
    size = episode.env.board_size
    ships, shots = episode.full["ships"][0].reshape(size, size), episode.full["guesses"].reshape(-1, size, size)
    cells = [tuple(int(i) for i in action) for action in episode.actions]
    told = ["hit" if observation else "miss" for observation in episode.observations]

    def what(t: int) -> str:
        return ("ship" if ships[cells[t]] else "water") + (", shot at before" if shots[t][cells[t]] else "")

    def draw(axes: Axes, t: int) -> None:
        frame(axes, size, size)
        for (row, column), ship in np.ndenumerate(ships):
            shot, x, y = shots[t + 1][row, column], column, size - 1 - row
            _cell(axes, x, y, VERMILION if ship and shot else "white" if shot else HIDDEN if ship else UNKNOWN)
            if shot and ship:
                glyphs(axes, x + 0.5, y + 0.5, "×", 0.5, "white")
            elif shot:
                add(axes, Circle((x + 0.5, y + 0.5), 0.13, color=FAINT, lw=0))
        _mark(axes, cells[t][1], size - 1 - cells[t][0])

    return View(
        observed=told,
        actions=[str(cell) for cell in cells],
        hidden=[what(t) for t in range(episode.length)],
        draw=draw,
        size=(1.0, 1.0),
        rows=(Row("action", [str(cell) for cell in cells]), Row("then seen", told[1:], "observed")),
        follows=False,
        frames_per_second=4.0,
        legend="blue-grey: ships, never shown; red: hits; dots: misses; framed: the last shot",
        notes=(
            "The first observation is always a miss. The board, never shown (S: ship):",
            *_grid(np.where(ships, "S", "·")),
        ),
    )


def mine_sweeper(episode: Episode) -> View:
    size = episode.env.board_size
    state = episode.full["cells"].reshape(-1, size, size)
    mines = state[0] == 1
    cells = [tuple(int(i) for i in action) for action in episode.actions]
    counts = [int(count) for count in episode.observations]
    told = [f"{count} near" for count in counts]

    def draw(axes: Axes, t: int) -> None:
        frame(axes, size, size)
        known = dict(zip(cells[: t + 1], counts[1 : t + 2], strict=True))
        for row, column in np.ndindex(size, size):
            x, y, mine = column, size - 1 - row, mines[row, column]
            hit = mine and (row, column) in known
            _cell(axes, x, y, VERMILION if hit else "white" if (row, column) in known else UNKNOWN)
            if mine:
                add(axes, Circle((x + 0.5, y + 0.5), 0.24, color="white" if hit else HIDDEN, lw=0))
            elif (row, column) in known:
                colour = INK if (row, column) == cells[t] else FAINT
                glyphs(axes, x + 0.5, y + 0.5, str(known[row, column]), 0.42, colour)
        _mark(axes, cells[t][1], size - 1 - cells[t][0])

    names = ("clear", "a mine", "clear, opened before")
    return View(
        observed=told,
        actions=[str(cell) for cell in cells],
        hidden=[names[state[t][cell]] for t, cell in enumerate(cells)],
        draw=draw,
        size=(1.0, 1.0),
        rows=(Row("action", [str(cell) for cell in cells]), Row("then seen", told[1:], "observed")),
        follows=False,
        frames_per_second=2.0,
        legend="discs: mines, never shown; numbers: what was said of opened cells; framed: the last one",
        notes=(
            "The first observation is always a 0. The board, never shown (*: mine):",
            *_grid(np.where(mines, "*", "·")),
        ),
    )


def concentration(episode: Episode) -> View:
    env = episode.env
    names = ("black", "red") if env.deck_type == "colors" else RANKS
    actions = [f"card {action}" for action in episode.actions]
    paired = episode.full["face_up"].astype(bool)
    shown = episode.observations < len(names)

    def words(t: int) -> str:
        play = [f"{i} {names[episode.observations[t, i]]}" for i in np.flatnonzero(shown[t] & ~paired[t])]
        pairs = int(paired[t].sum()) // 2
        return ", ".join([*play, *([f"{pairs} pair{'s' * (pairs != 1)}"] if pairs else [])]) or "all face-down"

    def outcome(t: int) -> str:
        first, action = int(episode.full["first"][t]), int(episode.actions[t])
        if paired[t, action]:
            return "face-up already"
        if first == env.num_cards:
            return "first of two"
        return "a pair" if paired[t + 1, action] else "the same card" if first == action else "no pair"

    def draw(axes: Axes, t: int) -> None:
        rows = env.num_cards // 13
        frame(axes, 13 * 0.8, rows)
        for i in range(env.num_cards):
            x, y = 0.8 * (i % 13), rows - 1 - i // 13
            seen = int(episode.full["cells"][t + 1, i])
            _small_card(axes, x, y, names[seen] if seen < len(names) else "", shown[t + 1, i], paired[t + 1, i])
        i = int(episode.actions[t])
        _mark(axes, 0.8 * (i % 13), rows - 1 - i // 13, 0.8)

    outcomes = [outcome(t) for t in range(episode.length)]
    known = [int(np.sum(cells < len(names))) for cells in episode.full["cells"]]
    return View(
        observed=[words(t) for t in range(episode.length + 1)],
        actions=actions,
        hidden=[f"{words}; {count} seen before" for words, count in zip(outcomes, known, strict=False)],
        draw=draw,
        size=(2.0, 2.0 * env.num_cards / 13 / (13 * 0.8)),
        rows=(Row("action", actions), Row("outcome", outcomes)),
        follows=False,
        frames_per_second=3.0,
        legend="white: in sight; blue edge: paired up; faint: seen before, to be remembered; framed: the card flipped",
    )


def _small_card(axes: Axes, x: float, y: float, name: str, shown: bool, paired: bool) -> None:
    """One of the board's cards: in sight, seen before (faint), or never seen (`name` empty)."""
    edge = {"ec": BLUE if paired else "#9A9A9A", "lw": 0.9 if paired else 0.5} if shown else {}
    tile(axes, x + _GAP, y + _GAP, 0.8 - 2 * _GAP, 1 - 2 * _GAP, "white" if shown else UNKNOWN, 0.1, **edge)
    if not name:
        return
    colour = (CARD_RED if name == "red" else INK) if shown else HIDDEN
    sign = {"red": "♥", "black": "♠"}.get(name, name)
    glyphs(axes, x + 0.4, y + 0.5, sign, 0.36, colour)


def _cell(axes: Axes, x: float, y: float, colour: str) -> None:
    edge = {"ec": "#C4C4C4", "lw": 0.5} if colour == "white" else {}
    tile(axes, x + _GAP, y + _GAP, 1 - 2 * _GAP, 1 - 2 * _GAP, colour, 0.12, **edge)


def _mark(axes: Axes, x: float, y: float, width: float = 1.0) -> None:
    tile(axes, x + _GAP / 2, y + _GAP / 2, width - _GAP, 1 - _GAP, "none", 0.14, ec=INK, lw=1.4, clip_on=False)


def _grid(signs: np.ndarray) -> Sequence[str]:
    return tuple("  " + " ".join(row) for row in signs)
