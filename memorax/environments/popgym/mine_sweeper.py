"""POPGym MineSweeper: view every cell without a mine, told how many mines are near."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from memorax.environments.popgym import cards, grid
from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.spaces import Box, Dict, Discrete, MultiDiscrete

DIFFICULTIES = {
    "Easy": {"board_size": 4, "num_mines": 2},
    "Medium": {"board_size": 6, "num_mines": 6},
    "Hard": {"board_size": 8, "num_mines": 10},
}

CLEAR, MINE, VIEWED = range(3)


@struct.dataclass
class MineSweeperParams:
    """Nothing varies: the size of the board and the mines set shapes and spaces, so they belong to the environment."""


@struct.dataclass
class MineSweeperState:
    """`mines`, `viewed`: boards of bits, see `grid`; `num_viewed`, `time`: int32 scalars, cells and steps so far."""

    mines: jax.Array
    viewed: jax.Array
    num_viewed: jax.Array
    time: jax.Array


@dataclass(frozen=True)
class MineSweeper(PopgymEnvironment):
    """Each step clicks one cell of a board that is never shown; the agent hears how many mines are near.

    On D x D cells, D = board_size, lie M = num_mines mines, every arrangement being equally likely. With L = D^2 - M, a
    click earns 1/L where it views a cell, -0.5/(L-2) where the cell was viewed before, and -0.5 - 1/L on a mine. What
    is shown is the number of mines in the 3 x 3 block around the cell, the cell itself included.

    Observation: Discrete(min(M + 1, 10)); the reset shows 0, as a cell without mines nearby does. Action:
    MultiDiscrete((D, D)), row and column; an observation does not tell which cell was clicked. Episode: terminated by
    a mine or when no cell is left to view; truncated on step L = 14 / 30 / 54 (Easy / Medium / Hard) unless terminated.
    Return: in [-1, 1]; uniform random play averages -0.24 / -0.39 / -0.44.

    Full state: `cells`, in C order: 0 a cell to view, 1 a mine, 2 a viewed cell; `progress`, the share of the L steps
    that is over. The cells to view are the right actions, and their number is what they earn; so this suffices.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859;
    popgym 1.0.7, `popgym/envs/minesweeper.py`.
    """

    board_size: int = 4
    num_mines: int = 2
    task_version: ClassVar[int] = 1
    can_truncate: ClassVar[bool] = True

    def __post_init__(self):
        cards.check_integer("MineSweeper", "board_size", self.board_size, 2)
        cards.check_integer("MineSweeper", "num_mines", self.num_mines, 1)
        if self.board_size > 64:
            raise ValueError(f"MineSweeper: board_size is {self.board_size}; it must be an integer <= 64")
        if self.num_mines > self.num_cells - 3:
            raise ValueError(
                f"MineSweeper: num_mines is {self.num_mines}, but 3 of the {self.num_cells} cells must stay clear; "
                f"lower num_mines to {self.num_cells - 3} or raise board_size"
            )

    @staticmethod
    def create(*, board_size: int = 4, num_mines: int = 2) -> tuple["MineSweeper", MineSweeperParams]:
        """The environment and its params; `ValueError` unless 1 <= num_mines <= board_size**2 - 3 <= 4093."""
        return MineSweeper(board_size, num_mines), MineSweeperParams()

    @property
    def default_params(self) -> MineSweeperParams:
        return MineSweeperParams()

    @property
    def num_cells(self) -> int:
        """D^2, the number of cells."""
        return self.board_size**2

    @property
    def num_clear(self) -> int:
        """L, the number of cells without a mine and of steps."""
        return self.num_cells - self.num_mines

    def observation_space(self, params):
        return Discrete(min(self.num_mines + 1, 10))

    def action_space(self, params):
        return MultiDiscrete((self.board_size, self.board_size))

    def state_space(self, params):
        return Dict({"cells": MultiDiscrete((3,) * self.num_cells), "progress": Box(0.0, 1.0)})

    def max_episode_steps(self, params):
        return self.num_clear

    def reset_env(self, key, params):
        return self._start(lay_mines(key, self.num_cells, self.num_mines))

    def reset_with_board(self, board, params):
        """As `reset_env`, but mines lie where `board`, `[D, D]`, is not 0: at M cells; go on with `step_env`.

        For parity tests.
        """
        if board.shape != (self.board_size, self.board_size):
            expected = (self.board_size, self.board_size)
            raise ValueError(f"MineSweeper: the board has shape {board.shape}; it needs {expected}")
        return self._start(grid.packed(board))

    def _start(self, mines):
        return jnp.int32(0), MineSweeperState(mines, jnp.zeros_like(mines), jnp.int32(0), jnp.int32(0))

    def step_env(self, key, state, action, params):
        row, column = action[0], action[1]
        clicked = grid.single(row * self.board_size + column, self.num_cells)
        is_mine, was_viewed = jnp.any(state.mines & clicked), jnp.any(state.viewed & clicked)
        views = ~is_mine & ~was_viewed

        one = 1 / self.num_clear
        reward = jnp.where(is_mine, -0.5 - one, jnp.where(was_viewed, -0.5 / (self.num_clear - 2), one))
        near = jnp.asarray(_blocks(self.board_size))[row, column]
        observation = jnp.sum(jax.lax.population_count(state.mines & near)).astype(jnp.int32)

        state = MineSweeperState(
            mines=state.mines,
            viewed=jnp.where(views, state.viewed | clicked, state.viewed),
            num_viewed=state.num_viewed + views.astype(jnp.int32),
            time=state.time + 1,
        )
        terminated = is_mine | (state.num_viewed == self.num_clear)
        truncated = (state.time == self.num_clear) & ~terminated
        return observation, state, reward.astype(jnp.float32), terminated, truncated, {}

    def full_state(self, state, params):
        mines, viewed = grid.unpacked(state.mines, self.num_cells), grid.unpacked(state.viewed, self.num_cells)
        return {
            "cells": jnp.where(mines, MINE, jnp.where(viewed, VIEWED, CLEAR)).astype(jnp.int32),
            "progress": (state.time / self.num_clear).astype(jnp.float32),
        }


def lay_mines(key: jax.Array, num_cells: int, num_mines: int) -> jax.Array:
    """A random board with `num_mines` of `num_cells` cells set, all such boards being equally likely.

    Floyd's algorithm (Bentley and Floyd 1987, "A sample of brilliance"): the i-th mine goes to a uniform cell among the
    first num_cells - num_mines + i (from 1), or to the last of those if that cell is taken.
    """
    # Two mines share a word: with 64 cells, their joint distribution is off uniform by less than 1e-6.
    words = grid.random_words(key, -(-num_mines // 2))
    mines = jnp.zeros((grid.num_words(num_cells),), jnp.uint32)
    for i in range(num_mines):
        last = num_cells - num_mines + i
        cell, words[i // 2] = grid.digit(words[i // 2], last + 1)
        mine = grid.single(cell, num_cells)
        is_taken = jnp.any(mines & mine)
        mines |= jnp.where(is_taken, grid.board_of([last], num_cells), mine)
    return mines


def _blocks(board_size):
    """Boards of the 3 x 3 blocks around every cell, less what lies outside: uint32 `[D, D, num_words]`."""
    cells = np.arange(board_size**2).reshape(board_size, board_size)
    return np.array(
        [
            [
                grid.board_of(cells[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].ravel(), cells.size)
                for column in range(board_size)
            ]
            for row in range(board_size)
        ]
    )
