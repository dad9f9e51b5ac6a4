"""Our Battleship and MineSweeper against the installed original, step by step, on boards injected from it."""

import importlib

import jax
import numpy as np
import pytest

from memorax.environments.popgym import battleship, mine_sweeper
from memorax.environments.popgym.battleship import Battleship
from memorax.environments.popgym.mine_sweeper import MineSweeper

pytest.importorskip("popgym", reason="the original popgym (extra 'popgym') is not installed: nothing to compare with")

SEEDS = (0, 1, 2, 3)
FAMILIES = {"Battleship": (Battleship, battleship), "MineSweeper": (MineSweeper, mine_sweeper)}
TASKS = [(family, difficulty) for family in FAMILIES for difficulty in ("Easy", "Medium", "Hard")]
# What an episode of each policy earns and how it ends, where the policy decides that: return, terminated, truncated.
POLICIES = {
    "Battleship": {
        "random": None,
        "perfect": (1, True, False),
        "perfect, each shot twice": None,
        "one ship cell for ever": None,
        "one miss for ever": ("lowest", False, True),
        "every cell, a ship last": (0, True, True),
    },
    "MineSweeper": {
        "random": None,
        "perfect": (1, True, False),
        "perfect, each click twice": None,
        "one cell for ever": (None, False, True),
        "a mine at once": (None, True, False),
        "one cell, then a mine on the last step": (-1, True, False),
        "all cells but one, then a mine": (None, True, False),
    },
}


def build(family, difficulty):
    cls, module = FAMILIES[family]
    return cls.create(**module.DIFFICULTIES[difficulty])


def planned_actions(family, policy, board, limit, rng):
    """More than enough actions for an episode, `[n, 2]`."""
    marked, unmarked = rng.permutation(np.argwhere(board == 1)), rng.permutation(np.argwhere(board != 1))
    good = marked if family == "Battleship" else unmarked
    match policy:
        case "random":
            return rng.integers(0, len(board), (limit, 2))
        case "perfect":
            return good
        case "perfect, each shot twice" | "perfect, each click twice":
            return np.repeat(good, 2, axis=0)[:limit]
        case "one ship cell for ever":
            return np.repeat(marked[:1], limit, axis=0)
        case "one miss for ever" | "one cell for ever":
            return np.repeat(unmarked[:1], limit, axis=0)
        case "every cell, a ship last":
            return np.concatenate([rng.permutation(np.concatenate([marked[1:], unmarked])), marked[:1]])
        case "a mine at once":
            return marked
        case "one cell, then a mine on the last step":
            return np.concatenate([np.repeat(unmarked[:1], limit - 1, axis=0), marked[:1]])
        case "all cells but one, then a mine":
            return np.concatenate([unmarked[1:], marked[:1]])


def hidden_state(family, original):
    if family == "Battleship":
        return {"ships": original.board.ravel().copy(), "guesses": original.guesses.ravel().copy()}
    return {"cells": original.get_state()}


def play_original(family, difficulty):
    """Episodes of the original for all seeds and policies: dict of arrays `[episodes, ...]`.

    Steps that an episode does not have are zeros, and False in `played`.
    """
    original = getattr(importlib.import_module(f"popgym.envs.{family.lower()}"), f"{family}{difficulty}")()
    limit, episodes = int(original.max_episode_length), []
    for seed in SEEDS:
        for policy in POLICIES[family]:
            first, _ = original.reset(seed=seed)
            board = (original.board if family == "Battleship" else original.hidden_grid).copy()
            actions = planned_actions(family, policy, board, limit, np.random.default_rng(seed))
            steps = []
            for action in actions:
                observation, reward, terminated, truncated, _ = original.step(action)
                steps.append(
                    {"observation": observation, "reward": reward, "terminated": terminated, "truncated": truncated}
                    | {"action": action, "played": True}
                    | hidden_state(family, original)
                )
                if terminated or truncated:
                    break
            assert terminated or truncated, policy
            padding = [jax.tree.map(np.zeros_like, steps[0])] * (limit - len(steps))
            episode = {name: np.array([step[name] for step in steps + padding]) for name in steps[0]}
            episodes.append({"first": first, "board": board, **episode})
    return {name: np.stack([episode[name] for episode in episodes]) for name in episodes[0]}


def play_ours(env, params, boards, actions):
    def episode(board, actions):
        first, state = env.reset_with_board(board, params)

        def step(state, action):
            observation, state, reward, terminated, truncated, _ = env.step_env(key, state, action, params)
            flags = {"terminated": terminated, "truncated": truncated}
            seen = {"observation": observation, "reward": reward, **flags, **env.full_state(state, params)}
            return state, seen

        return {"first": first, **jax.lax.scan(step, state, actions)[1]}

    key = jax.random.key(0)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(episode))(boards, actions.astype(np.int32)))


def mismatches(ours, original):
    """How many steps differ in each quantity that differs anywhere: exactly, or by more than 1e-6 for rewards."""
    counts = {"first": np.sum(ours["first"] != original["first"])}
    for name in set(ours) - {"first", "progress"}:
        differ = np.abs(ours[name].astype(np.float64) - original[name]) > (1e-6 if name == "reward" else 0)
        counts[name] = np.sum(differ.reshape(*original["played"].shape, -1).any(-1) & original["played"])
    return {name: int(count) for name, count in counts.items() if count}


@pytest.mark.parametrize(("family", "difficulty"), TASKS, ids="".join)
def test_every_step_equals_the_original(family, difficulty):
    env, params = build(family, difficulty)
    original = play_original(family, difficulty)
    ours = play_ours(env, params, original["board"], original["action"])
    assert mismatches(ours, original) == {}
    assert original["played"].shape[1] == env.max_episode_steps(params)
    assert original["played"].sum() > 3 * len(SEEDS) * env.max_episode_steps(params)

    for i, outcome in enumerate(POLICIES[family].values()):
        if outcome is None:
            continue
        rows = slice(i, None, len(POLICIES[family]))
        earned, terminated, truncated = outcome
        returns = (ours["reward"] * original["played"])[rows].sum(-1)
        lowest = -env.num_cells / (env.num_cells - 12)
        if earned is not None:
            np.testing.assert_allclose(returns, lowest if earned == "lowest" else earned, atol=1e-5)
        assert (original["terminated"][rows].any(-1) == terminated).all()
        assert (original["truncated"][rows].any(-1) == truncated).all()


def test_observations_of_the_original_cover_the_space():
    for difficulty in ("Easy", "Hard"):
        env, params = build("MineSweeper", difficulty)
        original = play_original("MineSweeper", difficulty)
        shown = original["observation"][original["played"]]
        assert env.observation_space(params).contains(shown, shown.shape)
        assert set(shown) >= {0, 1, 2}


def test_a_board_on_its_side_is_caught():
    for family in FAMILIES:
        env, params = build(family, "Medium")
        original = play_original(family, "Medium")
        ours = play_ours(env, params, original["board"].swapaxes(1, 2), original["action"])
        assert mismatches(ours, original).keys() >= {"observation", "reward"}


class RewardsRepeats(Battleship):
    """A shot at a ship is a hit each time."""

    def step_env(self, key, state, action, params):
        forgetful = state.replace(guesses=state.guesses & 0)
        return super().step_env(key, forgetful, action, params)


class CountsNeighboursOnly(MineSweeper):
    """The cell that is clicked does not count itself."""

    def step_env(self, key, state, action, params):
        observation, state, reward, terminated, *rest = super().step_env(key, state, action, params)
        is_mine = terminated & (reward < 0)
        return observation - is_mine, state, reward, terminated, *rest


def test_a_hit_that_counts_again_is_caught():
    original = play_original("Battleship", "Easy")
    found = mismatches(play_ours(RewardsRepeats(), None, original["board"], original["action"]), original)
    assert found.keys() == {"observation", "reward", "terminated", "guesses"}


def test_a_count_without_the_cell_itself_is_caught():
    original = play_original("MineSweeper", "Easy")
    found = mismatches(play_ours(CountsNeighboursOnly(), None, original["board"], original["action"]), original)
    assert found == {"observation": int((original["reward"] < -0.5).sum())}


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
