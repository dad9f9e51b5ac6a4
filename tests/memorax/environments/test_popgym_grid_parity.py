"""A defect in Battleship or MineSweeper shows in its comparison with the original; and values that are not allowed."""

import dataclasses

import numpy as np
import pytest

from memorax.environments.popgym import grid
from memorax.environments.popgym.battleship import Battleship
from memorax.environments.popgym.mine_sweeper import MineSweeper

pytest.importorskip("popgym", reason="the original popgym (extra 'popgym') is not installed: nothing to compare with")

from parity import FAMILIES
from parity.comparison import mismatches, play_ours
from parity.recording import record

SEEDS = 4


def recorded(family, difficulty="Easy"):
    return record(FAMILIES[family], difficulty, SEEDS)


def test_observations_of_the_original_cover_the_space():
    for difficulty in ("Easy", "Hard"):
        env, params = FAMILIES["MineSweeper"].build(difficulty)
        recording = recorded("MineSweeper", difficulty)
        shown = recording.shown["observation"][recording.played]
        assert env.observation_space(params).contains(shown, shown.shape)
        assert set(shown) >= {0, 1, 2}


@pytest.mark.parametrize("family", ["Battleship", "MineSweeper"])
def test_a_board_on_its_side_is_caught(family):
    recording = recorded(family, "Medium")
    on_its_side = dataclasses.replace(recording, hidden={"board": recording.hidden["board"].swapaxes(1, 2)})
    ours = play_ours(FAMILIES[family], *FAMILIES[family].build("Medium"), on_its_side)
    assert mismatches(ours, recording).keys() >= {"observation", "reward"}


class RewardsRepeats(Battleship):
    """A shot at a ship is a hit each time."""

    def step_env(self, key, state, action, params):
        forgetful = state.replace(guesses=grid.empty(self.num_cells))
        return super().step_env(key, forgetful, action, params)


class CountsNeighboursOnly(MineSweeper):
    """The cell that is clicked does not count itself."""

    def step_env(self, key, state, action, params):
        observation, state, reward, terminated, *rest = super().step_env(key, state, action, params)
        is_mine = terminated & (reward < 0)
        return observation - is_mine, state, reward, terminated, *rest


def test_a_hit_that_counts_again_is_caught():
    recording = recorded("Battleship")
    found = mismatches(play_ours(FAMILIES["Battleship"], RewardsRepeats(), None, recording), recording)
    assert found.keys() == {"observation", "reward", "terminated", "guesses"}


def test_a_count_without_the_cell_itself_is_caught():
    recording = recorded("MineSweeper")
    found = mismatches(play_ours(FAMILIES["MineSweeper"], CountsNeighboursOnly(), None, recording), recording)
    assert found == {"observation": int((recording.shown["reward"] < -0.5).sum())}


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (lambda: Battleship.create(board_size=5), "board_size is 5; it must be an integer >= 6"),
        (lambda: Battleship.create(board_size=17), "board_size is 17; it must be an integer <= 16"),
        (lambda: MineSweeper.create(num_mines=0), "num_mines is 0; it must be an integer >= 1"),
        (lambda: MineSweeper.create(board_size=4, num_mines=14), "lower num_mines to 13 or raise board_size"),
        (lambda: MineSweeper.create(board_size=100), "board_size is 100; it must be an integer <= 64"),
        (lambda: Battleship().reset_with_board(np.zeros((4, 4)), None), r"shape \(4, 4\); it needs \(8, 8\)"),
        (lambda: MineSweeper().reset_with_board(np.zeros((3, 4)), None), r"shape \(3, 4\); it needs \(4, 4\)"),
    ],
)
def test_values_that_are_not_allowed(create, message):
    with pytest.raises(ValueError, match=message):
        create()
