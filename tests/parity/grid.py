"""Battleship and MineSweeper: the board is injected, and what is left of it is compared after every step."""

import itertools

import numpy as np

from parity.family import ANYTHING, Family, Outcome

SHIP, MINE = 1, 1  # on the boards of the original


def _battleship_begin(original, seed):
    observation, _ = original.reset(seed=seed)
    return observation, {"board": original.board.copy()}


def _mine_sweeper_begin(original, seed):
    observation, _ = original.reset(seed=seed)
    return observation, {"board": original.hidden_grid.copy()}


def _battleship_choose(policy, original, rng):
    return _in_order(_shots(policy, original.board, rng))


def _mine_sweeper_choose(policy, original, rng):
    return _in_order(_clicks(policy, original.hidden_grid.copy(), int(original.max_episode_length), rng))


def _in_order(cells: np.ndarray):
    """The rule for actions that goes through `cells`, `[n, 2]`, and begins again at their end."""
    cells = itertools.cycle(cells)
    return lambda observation: next(cells)


def _shots(policy: str, board: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    ships, sea = rng.permutation(np.argwhere(board == SHIP)), rng.permutation(np.argwhere(board != SHIP))
    match policy:
        case "random":
            return rng.integers(0, len(board), (board.size, 2))
        case "perfect":
            return ships
        case "each shot twice":
            return np.repeat(ships, 2, axis=0)
        case "one ship cell for ever":
            return ships[:1]
        case "one miss for ever":
            return sea[:1]
        case "every cell, a ship last":
            return np.concatenate([rng.permutation(np.concatenate([ships[1:], sea])), ships[:1]])
    raise ValueError(policy)


def _clicks(policy: str, board: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    mines, clear = rng.permutation(np.argwhere(board == MINE)), rng.permutation(np.argwhere(board != MINE))
    match policy:
        case "random":
            return rng.integers(0, len(board), (limit, 2))
        case "perfect":
            return clear
        case "each click twice":
            return np.repeat(clear, 2, axis=0)
        case "one cell for ever":
            return clear[:1]
        case "a mine at once":
            return mines
        case "a mine on the last step":
            return np.concatenate([np.repeat(clear[:1], limit - 1, axis=0), mines[:1]])
        case "all cells but one, then a mine":
            return np.concatenate([clear[1:], mines[:1]])
    raise ValueError(policy)


FAMILIES = (
    Family(
        name="Battleship",
        policies={
            "random": ANYTHING,
            "perfect": Outcome(within=(1, 1), terminated=True, truncated=False),
            "each shot twice": ANYTHING,
            "one ship cell for ever": Outcome(terminated=False, truncated=True),
            # Repeated misses cost more than all there are: -64/52 on the smallest board.
            "one miss for ever": Outcome(within=(-64 / 52, -1.05), terminated=False, truncated=True),
            "every cell, a ship last": Outcome(within=(0, 0), terminated=True, truncated=True),
        },
        choose=_battleship_choose,
        begin=_battleship_begin,
        reset=lambda env, hidden, params: env.reset_with_board(hidden["board"], params),
        state=lambda original: {"ships": original.board.ravel().copy(), "guesses": original.guesses.ravel().copy()},
    ),
    Family(
        name="MineSweeper",
        policies={
            "random": ANYTHING,
            "perfect": Outcome(within=(1, 1), terminated=True, truncated=False),
            "each click twice": ANYTHING,
            "one cell for ever": Outcome(terminated=False, truncated=True),
            "a mine at once": Outcome(terminated=True, truncated=False),
            "a mine on the last step": Outcome(within=(-1, -1), terminated=True, truncated=False),
            "all cells but one, then a mine": Outcome(terminated=True, truncated=False),
        },
        choose=_mine_sweeper_choose,
        begin=_mine_sweeper_begin,
        reset=lambda env, hidden, params: env.reset_with_board(hidden["board"], params),
        state=lambda original: {"cells": np.array(original.get_state())},
    ),
)
