"""Our POPGym against the installed original, step by step, on decks injected from it."""

import importlib

import jax
import numpy as np
import pytest

from memorax.environments import make
from memorax.environments.popgym.higher_lower import HigherLower
from memorax.environments.popgym.repeat_first import RepeatFirst

pytest.importorskip("popgym", reason="the original popgym (extra 'popgym') is not installed: nothing to compare with")

SEEDS = (0, 1, 2)
POLICIES = ("random", "perfect", "worst")
FILES = {"RepeatPrevious": "repeat_previous", "RepeatFirst": "repeat_first", "HigherLower": "higher_lower"}
TASKS = [(family, difficulty) for family in FILES for difficulty in ("Easy", "Medium", "Hard")]


def right_actions(family, order, k):
    """The rewarded action at each step, from the whole deck; anything where no action is."""
    steps = np.arange(len(order) - 1)
    match family:
        case "RepeatPrevious":
            return order[np.maximum(steps - k + 1, 0)]
        case "RepeatFirst":
            return np.full(len(steps), order[0])
        case "HigherLower":
            return (order[1:] < order[:-1]).astype(np.int64)


def play_original(family, difficulty):
    """Episodes of the original for all seeds and policies: dict of arrays `[episodes, ...]`."""
    original = getattr(importlib.import_module(f"popgym.envs.{FILES[family]}"), f"{family}{difficulty}")()
    episodes = []
    for seed in SEEDS:
        for policy in POLICIES:
            first, _ = original.reset(seed=seed)
            deck = original.unwrapped.deck
            types = deck.ranks_idx if family == "HigherLower" else deck.suits_idx
            order, num_actions = types[deck.idx[::-1]], int(original.action_space.n)
            actions = right_actions(family, order, original.k if family == "RepeatPrevious" else None)
            if policy == "worst":
                actions = (actions + 1) % num_actions
            elif policy == "random":
                actions = np.random.default_rng(seed).integers(0, num_actions, len(actions))
            steps = []
            for action in actions:
                steps.append(original.step(int(action))[:4])
                if steps[-1][2] or steps[-1][3]:
                    break
            observation, reward, terminated, truncated = map(np.array, zip(*steps, strict=True))
            episode = {"order": order, "actions": actions, "first": first, "observation": observation}
            episodes.append(episode | {"reward": reward, "terminated": terminated, "truncated": truncated})
    return {name: np.stack([episode[name] for episode in episodes]) for name in episodes[0]}


def play_ours(env, params, orders, actions):
    def episode(order, actions):
        first, state = env.reset_with_order(order, params)

        def step(state, action):
            observation, state, reward, terminated, truncated, _ = env.step_env(key, state, action, params)
            return state, {
                "observation": observation,
                "reward": reward,
                "terminated": terminated,
                "truncated": truncated,
            }

        return {"first": first, **jax.lax.scan(step, state, actions)[1]}

    key = jax.random.key(0)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(episode))(orders, actions.astype(np.int32)))


def mismatches(ours, original):
    """Names of the quantities that differ anywhere: exactly, or by more than 1e-6 for rewards."""
    exact = ("first", "observation", "terminated", "truncated")
    found = {name for name in exact if not np.array_equal(ours[name], original[name])}
    rewards_agree = ours["reward"].shape == original["reward"].shape and np.allclose(
        ours["reward"], original["reward"], rtol=0, atol=1e-6
    )
    return found if rewards_agree else found | {"reward"}


@pytest.mark.parametrize(("family", "difficulty"), TASKS, ids="".join)
def test_every_step_equals_the_original(family, difficulty):
    env, params = make(f"popgym::{family}{difficulty}")
    original = play_original(family, difficulty)
    ours = play_ours(env, params, original["order"], original["actions"])
    assert mismatches(ours, original) == set()
    assert original["observation"].shape == (len(SEEDS) * len(POLICIES), env.max_episode_steps(params))
    assert original["terminated"][:, -1].all()

    returns = ours["reward"].reshape(len(SEEDS), len(POLICIES), -1).sum(-1)
    if family == "HigherLower":
        assert (returns[:, 1] > 0.8).all()
        assert (returns[:, 2] < -0.8).all()
    else:
        np.testing.assert_allclose(returns[:, 1], 1, atol=1e-4)
        np.testing.assert_allclose(returns[:, 2], -1, atol=1e-4)
    assert (np.abs(returns[:, 0]) < 0.9).all()


def test_a_lag_off_by_one_is_caught():
    original = play_original("RepeatPrevious", "Easy")
    env, params = make("popgym::RepeatPrevious", k=5)
    assert mismatches(play_ours(env, params, original["order"], original["actions"]), original) == {"reward"}


def test_a_deck_dealt_from_the_wrong_end_is_caught():
    original = play_original("HigherLower", "Easy")
    env, params = HigherLower.create()
    ours = play_ours(env, params, original["order"][:, ::-1], original["actions"])
    assert mismatches(ours, original) >= {"observation", "reward"}


def test_an_episode_of_another_length_is_caught():
    original = play_original("RepeatFirst", "Easy")
    env, params = RepeatFirst.create(num_decks=2)
    ours = play_ours(env, params, np.tile(original["order"], 2), original["actions"])
    assert mismatches(ours, original) == {"terminated", "reward"}
