"""What cannot be injected is drawn as the original draws it: ships and mines.

Each law gives p-values by name. Those of a test are taken together and corrected by Holm's method; the keys are fixed,
so that a sound draw passes for ever. Each law is shown to hold for the original's own draws and to fail on biased ones.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from fixtures.distributions import independent_p, keys, original, rejected, same_p, uniform_p
from memorax.environments.popgym import battleship, grid, mine_sweeper
from memorax.environments.popgym.battleship import SHIPS, Battleship

# Ships


def placements(size, board_size):
    """The cells of every placement: bool `[2 * board_size**2, board_size**2]`, all False for those off the board.

    Placement i < board_size**2 goes right from cell i, the others down.
    """
    cells = np.zeros((2, board_size, board_size, board_size, board_size), bool)
    for row in range(board_size):
        for column in range(board_size):
            if column + size <= board_size:
                cells[0, row, column, row, column : column + size] = True
            if row + size <= board_size:
                cells[1, row, column, row : row + size, column] = True
    return cells.reshape(2 * board_size**2, board_size**2)


def our_ships(board_size, n, seed=0):
    """Where the ships are: placements `[n, 4]`, and the boards, bool `[n, board_size**2]`."""
    boards, starts = jax.jit(jax.vmap(lambda key: battleship.place_ships(key, board_size)))(keys(seed, n))
    boards = np.asarray(jax.vmap(lambda board: grid.unpacked(board, board_size**2))(boards))
    down = 32 * grid.num_words(board_size**2)
    return np.where(starts < down, starts, starts.astype(int) - down + board_size**2), boards


def original_ships(board_size, n, seed=0):
    env = original("battleship", "Battleship")
    env.board_size = board_size
    env.reset(seed=seed)
    codes = {}
    for size in set(SHIPS):
        for code, cells in enumerate(placements(size, board_size)):
            codes[cells.tobytes()] = code
    found = np.empty((n, len(SHIPS)), int)
    boards = np.zeros((n, board_size, board_size), np.int8)
    for board, codes_found in zip(boards, found, strict=True):
        for i, size in enumerate(SHIPS):
            before = board.copy()
            env.place_ship(board, size)
            codes_found[i] = codes[(board != before).tobytes()]
    return found, boards.reshape(n, -1).astype(bool)


def ship_laws(found, boards, board_size):
    """P-values that each ship is uniform over the placements that the earlier ones left, whatever those are.

    The rank of a placement among these, with noise inside of its step, is uniform on [0, 1) and independent.
    """
    rng, occupied, ranks = np.random.default_rng(0), np.zeros_like(boards), []
    for size, code in zip(SHIPS, found.T, strict=True):
        cells = placements(size, board_size)
        free = cells.any(1) & ~(occupied.astype(np.float32) @ cells.T.astype(np.float32) > 0)
        assert np.take_along_axis(free, code[:, None], 1).all(), "a ship overlaps another or the edge"
        rank = np.take_along_axis(free.cumsum(1), code[:, None], 1)[:, 0] - 1
        ranks.append((rank + rng.random(len(code))) / free.sum(1))
        occupied |= cells[code]
    np.testing.assert_array_equal(occupied, boards)
    laws = {f"ship {i}": uniform_p(rank, 50) for i, rank in enumerate(ranks)}
    pairs = itertools.combinations(range(len(SHIPS)), 2)
    return laws | {f"ships {i} and {j}": independent_p(ranks[i], ranks[j]) for i, j in pairs}


@pytest.mark.parametrize("board_size", [6, 8, 10, 12])
def test_each_ship_is_uniform_over_what_the_earlier_ones_left(board_size):
    assert rejected(ship_laws(*our_ships(board_size, 20_000), board_size)) == set()


def test_ships_lie_as_those_of_the_original():
    theirs, our = original_ships(8, 4000), our_ships(8, 40_000)
    laws = ship_laws(*theirs, 8)
    for i in range(len(SHIPS)):
        laws[f"same ship {i}"] = same_p(our[0][:, i], theirs[0][:, i])
    # Ships that touch or line up show in how many ship cells the rows and columns of a board have.
    for axis, name in ((1, "columns"), (2, "rows")):
        crowded = [boards.reshape(-1, 8, 8).sum(axis).max(1) for _, boards in (our, theirs)]
        laws[f"same crowding of {name}"] = same_p(*crowded)
    assert rejected(laws) == set()


def test_a_reset_lays_the_ships_that_were_placed():
    env, params = Battleship.create(board_size=10)
    _, state = jax.jit(jax.vmap(lambda key: env.reset(key, params)))(keys(0, 100))
    placed = jax.jit(jax.vmap(lambda key: battleship.place_ships(key, 10)[0]))(keys(0, 100))
    np.testing.assert_array_equal(state.ships, placed)


def boards_drawn_at_once(n):
    """All four ships at a time, until none overlap: every board, with its ships told apart, is equally likely."""
    rng, drawn = np.random.default_rng(0), 4 * n
    cells = [placements(size, 8) for size in SHIPS]
    found = np.stack([rng.choice(np.flatnonzero(c.any(1)), drawn) for c in cells], axis=1)
    boards = sum(c[code].astype(int) for c, code in zip(cells, found.T, strict=True))
    valid = np.flatnonzero((boards <= 1).all(1))[:n]
    assert len(valid) == n
    return found[valid], boards[valid].astype(bool)


def test_boards_drawn_at_once_are_caught():
    assert rejected(ship_laws(*boards_drawn_at_once(100_000), 8)) & {"ship 0", "ship 1", "ship 2", "ships 0 and 1"}


@pytest.mark.parametrize(
    ("bias", "expected"),
    [
        # The last of all placements is never taken.
        (lambda digit: lambda word, n: digit(word, n - 1), "ship 0"),
        # Low ones are taken more often, by one in a dozen.
        (lambda digit: lambda word, n: digit(jnp.where(word % 12 == 0, word >> 1, word), n), "ship 1"),
        # The second ship of a word goes where the first one went.
        (lambda digit: lambda word, n: (digit(word, n)[0], word), "ships 0 and 1"),
    ],
)
def test_biased_ships_are_caught(bias, expected, monkeypatch):
    monkeypatch.setattr(grid, "digit", bias(grid.digit))
    assert expected in rejected(ship_laws(*our_ships(6, 20_000), 6))


# Mines


def our_mines(difficulty, n, seed=0):
    """Boards, bool `[n, cells]`."""
    options = mine_sweeper.DIFFICULTIES[difficulty]
    num_cells = options["board_size"] ** 2
    lay = lambda key: grid.unpacked(mine_sweeper.lay_mines(key, num_cells, options["num_mines"]), num_cells)  # noqa: E731
    return np.asarray(jax.jit(jax.vmap(lay))(keys(seed, n)))


def original_mines(difficulty, n):
    env, boards = original("minesweeper", f"MineSweeper{difficulty}"), []
    env.reset(seed=0)
    for _ in range(n):
        env.reset()
        boards.append(env.hidden_grid.ravel() == mine_sweeper.MINE)
    return np.stack(boards)


def mine_laws(boards, num_mines):
    """P-values that every set of `num_mines` cells is equally likely."""
    num_cells = boards.shape[1]
    assert (boards.sum(1) == num_mines).all(), "a board has more or fewer mines"
    laws = {}
    if num_mines == 2:
        pairs = np.ravel_multi_index(np.nonzero(boards)[1].reshape(-1, 2).T, (num_cells, num_cells))
        counts = np.bincount(pairs, minlength=num_cells**2).reshape(num_cells, num_cells)
        laws["pairs"] = scipy.stats.chisquare(counts[np.triu_indices(num_cells, 1)]).pvalue
    cells = np.arange(num_cells)
    parts = {"first half": cells < num_cells // 2, "last cells": cells >= num_cells - num_mines, "odd": cells % 2 == 1}
    for name, part in parts.items():
        count = boards[:, part].sum(1)
        possible = np.arange(min(num_mines, part.sum()) + 1)
        expected = scipy.stats.hypergeom.pmf(possible, num_cells, num_mines, part.sum()) * len(boards)
        counts, large = np.bincount(count, minlength=len(possible)), expected >= 5
        pool = lambda x, large=large: np.append(x[large], x[~large].sum() + 1e-9)  # noqa: E731
        laws[name] = scipy.stats.chisquare(pool(counts), pool(expected) * counts.sum() / expected.sum()).pvalue
    # The n indicators of a board sum to a constant: times (n - 1) / n, their deviations are chi-square with n - 1.
    share = num_mines / num_cells
    deviations = (boards.sum(0) - len(boards) * share) ** 2 / (len(boards) * share * (1 - share))
    laws["cells"] = scipy.stats.chi2.sf(deviations.sum() * (num_cells - 1) / num_cells, num_cells - 1)
    return laws


@pytest.mark.parametrize("difficulty", ["Easy", "Medium", "Hard"])
def test_mines_lie_anywhere(difficulty):
    num_mines = mine_sweeper.DIFFICULTIES[difficulty]["num_mines"]
    our, theirs = our_mines(difficulty, 50_000), original_mines(difficulty, 1000)
    laws = {f"ours, {law}": p for law, p in mine_laws(our, num_mines).items()}
    laws |= {f"original, {law}": p for law, p in mine_laws(theirs, num_mines).items()}
    laws["same first mine"] = same_p(our.argmax(1), theirs.argmax(1))
    laws["same last mine"] = same_p(our[:, ::-1].argmax(1), theirs[:, ::-1].argmax(1))
    assert rejected(laws) == set()


def next_to_those_taken(n, num_cells, num_mines):
    """A mine on a cell that is taken goes to the next free one."""
    rng, boards = np.random.default_rng(0), np.zeros((n, num_cells), bool)
    for board in boards:
        for cell in rng.integers(num_cells, size=num_mines):
            while board[cell]:
                cell = (cell + 1) % num_cells
            board[cell] = True
    return boards


def test_biased_mines_are_caught(monkeypatch):
    assert rejected(mine_laws(next_to_those_taken(20_000, 16, 2), 2)) >= {"pairs", "odd"}
    digit = grid.digit
    monkeypatch.setattr(grid, "digit", lambda word, n: digit(word, n - 1))
    assert rejected(mine_laws(our_mines("Hard", 50_000), 10)) >= {"cells", "last cells"}
    monkeypatch.setattr(grid, "digit", lambda word, n: (digit(word, n)[0], word))
    assert "odd" in rejected(mine_laws(our_mines("Hard", 50_000), 10))
