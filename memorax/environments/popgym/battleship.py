"""POPGym Battleship: sink hidden ships, told only whether each shot hit."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.popgym import cards, draws, grid
from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.spaces import Box, Dict, Discrete, MultiDiscrete

DIFFICULTIES = {
    "Easy": {"board_size": 8},
    "Medium": {"board_size": 10},
    "Hard": {"board_size": 12},
}

SHIPS = (2, 3, 3, 4)
NUM_SHIP_CELLS = sum(SHIPS)

MAX_SIZE = 16
MAX_START = 2 * MAX_SIZE**2 - 1


@struct.dataclass
class BattleshipParams:
    """Nothing varies: the size of the board sets shapes, so it belongs to the environment."""


@struct.dataclass
class BattleshipState:
    """`ships`, `guesses`: boards of bits, see `grid`; `hits`, `time`: int32 scalars, the hits and the steps so far."""

    ships: grid.Board
    guesses: grid.Board
    hits: jax.Array
    time: jax.Array


@dataclass(frozen=True)
class Battleship(PopgymEnvironment):
    """Each step shoots at one cell of a board that is never shown; the agent hears whether it hit a ship.

    On the B x B cells of the board, B = board_size, lie straight ships of 2, 3, 3 and 4 cells. They are placed in this
    order, each uniformly over the placements, horizontal and vertical, that overlap no earlier one; they may touch. A
    shot at a ship's cell that was not shot at before is a hit and earns 1/12; any other, a repeated one too, earns
    -1/(B^2 - 12).

    Observation: Discrete(2), 1 for a hit; the reset shows 0, as a miss does. Action: MultiDiscrete((B, B)), row and
    column; an observation does not tell which cell was shot at. Episode: terminated by the 12th hit, truncated on step
    B^2; both flags may be True.
    Return: in [-B^2 / (B^2 - 12), 1], which is from -1.23 / -1.14 / -1.09 on (Easy / Medium / Hard); one shot at every
    cell returns 0 at least, uniform random play averages -0.44 / -0.42 / -0.38.

    Full state: `ships` and `guesses`, 1 for each cell, in C order, with a ship and shot at before; `progress`, the
    share of the B^2 steps that is over. Ships not yet shot at are the right actions; so this suffices.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859;
    popgym 1.0.7, `popgym/envs/battleship.py`.
    """

    board_size: int = 8
    task_version: ClassVar[int] = 1
    can_truncate: ClassVar[bool] = True

    def __post_init__(self):
        # From 6 x 6 on, every ship finds room: the earlier ones touch at most 11 of the 12 rows and columns, and the
        # last fits into an empty one. Up to 16 x 16, two ships can share a random word.
        cards.check_integer("Battleship", "board_size", self.board_size, 6)
        if self.board_size > MAX_SIZE:
            raise ValueError(f"Battleship: board_size is {self.board_size}; it must be an integer <= {MAX_SIZE}")

    @staticmethod
    def create(*, board_size: int = 8) -> tuple["Battleship", BattleshipParams]:
        """The environment and its params; `ValueError` unless 6 <= board_size <= 16."""
        return Battleship(board_size), BattleshipParams()

    @property
    def default_params(self) -> BattleshipParams:
        return BattleshipParams()

    @property
    def num_cells(self) -> int:
        """B^2, the number of cells and of steps."""
        return self.board_size**2

    def observation_space(self, params):
        return Discrete(2)

    def action_space(self, params):
        return MultiDiscrete((self.board_size, self.board_size))

    def state_space(self, params):
        board = Box(0, 1, (self.num_cells,), jnp.uint8)
        return Dict({"ships": board, "guesses": board, "progress": Box(0.0, 1.0)})

    def max_episode_steps(self, params):
        return self.num_cells

    def reset_env(self, key, params):
        return self._start(place_ships(key, self.board_size)[0])

    def reset_with_board(self, board, params):
        """As `reset_env`, but ships lie where `board`, `[B, B]`, is not 0: at 12 cells; go on with `step_env`.

        For parity tests.
        """
        if board.shape != (self.board_size, self.board_size):
            expected = (self.board_size, self.board_size)
            raise ValueError(f"Battleship: the board has shape {board.shape}; it needs {expected}")
        return self._start(grid.packed(board))

    def _start(self, ships):
        return jnp.int32(0), BattleshipState(ships, grid.empty(self.num_cells), jnp.int32(0), jnp.int32(0))

    def step_env(self, key, state, action, params):
        # Barriers, because XLA for CPUs would compute the cell and the hit again for every word of the state.
        cell = jax.lax.optimization_barrier(action[0] * self.board_size + action[1])
        shot = grid.single(cell, self.num_cells)
        hit = jax.lax.optimization_barrier(grid.overlap(state.ships, shot) & ~grid.overlap(state.guesses, shot))
        reward = jnp.where(hit, 1 / NUM_SHIP_CELLS, -1 / (self.num_cells - NUM_SHIP_CELLS)).astype(jnp.float32)
        state = BattleshipState(
            ships=state.ships,
            guesses=grid.either(state.guesses, shot),
            hits=state.hits + hit.astype(jnp.int32),
            time=state.time + 1,
        )
        terminated, truncated = state.hits == NUM_SHIP_CELLS, state.time >= self.num_cells
        return hit.astype(jnp.int32), state, reward, terminated, truncated, {}

    def full_state(self, state, params):
        return {
            "ships": grid.unpacked(state.ships, self.num_cells).astype(jnp.uint8),
            "guesses": grid.unpacked(state.guesses, self.num_cells).astype(jnp.uint8),
            "progress": (state.time / self.num_cells).astype(jnp.float32),
        }


def place_ships(key: jax.Array, board_size: int) -> tuple[grid.Board, jax.Array]:
    """A random board with all ships and where they start, uint32 `[len(SHIPS)]`.

    A start is the leftmost or topmost cell of a ship, in C order, with 32 times the words of a board added for a
    vertical one.

    The original tries cells and directions until a ship fits, one ship after the other; so each is uniform over the
    placements that those before it left. Here all of them are laid out as bits, of which one is picked.
    """
    everywhere = grid.board_of(range(board_size**2), board_size**2)
    free, starts = list(everywhere), []
    words = draws.words(key, len(SHIPS) // 2)
    for i, size in enumerate(SHIPS):
        start, rest = _pick_start(words[i // 2], free, size, board_size)
        # Two ships share a word: their joint distribution is off uniform by less than 1e-4. Start and rest do so too,
        # and are kept apart from what follows, since XLA for CPUs would copy the code of each ship into that of every
        # array that is computed from it.
        both = jax.lax.optimization_barrier(start | rest & ~jnp.uint32(MAX_START))
        start, words[i // 2] = both & MAX_START, both
        free = jax.lax.optimization_barrier(_without(free, start, size, board_size))
        starts.append(start)
    return tuple(all_cells ^ cells for all_cells, cells in zip(everywhere, free, strict=True)), jnp.stack(starts)


def _pick_start(word, free, size, board_size):
    """A random start for a ship of `size` cells on those `free`, a list of words; and what is left of `word`."""
    fits_across = [row * board_size + column for row in range(board_size) for column in range(board_size - size + 1)]
    across, down = list(grid.board_of(fits_across, board_size**2)), free
    across = [allowed & cells for allowed, cells in zip(across, free, strict=True)]
    for i in range(1, size):
        across = [a & b for a, b in zip(across, _shifted(free, i), strict=True)]
        down = [a & b for a, b in zip(down, _shifted(free, i * board_size), strict=True)]

    starts, total, before = across + down, jnp.uint32(0), []
    for bits in starts:
        before.append(total)
        total = total + jax.lax.population_count(bits)
    number, word = grid.digit(word, total)

    # The word that holds the start is the last one with no more than `number` starts before it. An empty word after
    # the last start cannot be taken for it, since `number` is less than the total.
    bits, skipped, position = starts[0], jnp.uint32(0), jnp.uint32(0)
    for i in range(1, len(starts)):
        reached = number >= before[i]
        bits = jnp.where(reached, starts[i], bits)
        skipped = jnp.where(reached, before[i], skipped)
        position = jnp.where(reached, jnp.uint32(32 * i), position)
    return position + grid.nth_bit(bits, number - skipped), word


def _without(free, start, size, board_size):
    """`free` without the cells of the ship of `size` cells at `start`; lists of words."""
    is_down = start >= 32 * len(free)
    first = jnp.where(is_down, start - 32 * len(free), start)
    cells = [first + i * jnp.where(is_down, jnp.uint32(board_size), jnp.uint32(1)) for i in range(size)]
    for cell in cells:
        bit = jnp.uint32(1) << (cell & 31)
        free = [jnp.where(cell >> 5 == i, word & ~bit, word) for i, word in enumerate(free)]
    return free


def _shifted(words, distance):
    """The board on which cell i is what cell i + `distance` is in `words`, and unset if there is none."""
    skipped, bits = divmod(distance, 32)
    words = [*words[skipped:], *[jnp.uint32(0)] * (skipped + 1)]
    if bits == 0:
        return words[:-1]
    return [(low >> bits) | (high << (32 - bits)) for low, high in itertools.pairwise(words)]
