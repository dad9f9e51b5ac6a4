"""POPGym MineSweeper: view every cell without a mine, told how many mines are near."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from memorax.environments.popgym import cards, draws, grid
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

    mines: grid.Board
    viewed: grid.Board
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
        return jnp.int32(0), MineSweeperState(mines, grid.empty(self.num_cells), jnp.int32(0), jnp.int32(0))

    def step_env(self, key, state, action, params):
        # Barriers, because XLA for CPUs would compute the cell and what is there again for every word of the state.
        cell = jax.lax.optimization_barrier(action[0] * self.board_size + action[1])
        clicked = grid.single(cell, self.num_cells)
        is_mine, was_viewed = jax.lax.optimization_barrier(
            (grid.overlap(state.mines, clicked), grid.overlap(state.viewed, clicked))
        )
        views = ~is_mine & ~was_viewed

        one = 1 / self.num_clear
        reward = jnp.where(is_mine, -0.5 - one, jnp.where(was_viewed, -0.5 / (self.num_clear - 2), one))
        near = grid.both(state.mines, tuple(jnp.asarray(_blocks(self.board_size))[cell]))
        observation = sum(jax.lax.population_count(word) for word in near).astype(jnp.int32)

        state = MineSweeperState(
            mines=state.mines,
            viewed=grid.either(state.viewed, tuple(jnp.where(views, word, 0) for word in clicked)),
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


def lay_mines(key: jax.Array, num_cells: int, num_mines: int) -> grid.Board:
    """A random board with `num_mines` of `num_cells` cells set, all such boards being equally likely.

    Floyd's algorithm (Bentley and Floyd 1987, "A sample of brilliance"): the i-th mine goes to a uniform cell among the
    first num_cells - num_mines + i (from 1), or to the last of those if that cell is taken.
    """
    # Two mines share a word: with 64 cells, their joint distribution is off uniform by less than 1e-6.
    words = draws.words(key, -(-num_mines // 2))
    mines = grid.empty(num_cells)
    for i in range(num_mines):
        last = num_cells - num_mines + i
        cell, words[i // 2] = grid.digit(words[i // 2], last + 1)
        mine = grid.single(cell, num_cells)
        is_taken, instead = grid.overlap(mines, mine), grid.board_of([last], num_cells)
        mine = tuple(jnp.where(is_taken, a, b) for a, b in zip(instead, mine, strict=True))
        mines = grid.either(mines, mine)
    # Kept apart from what follows, since XLA for CPUs would copy this code into that of every word.
    return jax.lax.optimization_barrier(mines)


def _blocks(board_size):
    """Boards of the 3 x 3 blocks around every cell, less what lies outside: uint32 `[D^2, num_words]`."""
    cells = np.arange(board_size**2).reshape(board_size, board_size)
    blocks = [cells[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] for i in range(board_size) for j in range(board_size)]
    return np.array([grid.board_of(block.ravel().tolist(), cells.size) for block in blocks])
