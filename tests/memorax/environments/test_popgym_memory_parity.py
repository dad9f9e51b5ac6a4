"""Autoencode, CountRecall, Concentration and MultiarmedBandit against the installed original, step by step.

What the original hides (decks, board, arms) is read from it and injected; what it draws during a step is peeked at.
"""

import copy
import functools
import importlib

import jax
import numpy as np
import pytest

from memorax.environments.popgym import autoencode, concentration, count_recall, multiarmed_bandit

pytest.importorskip("popgym", reason="the original popgym (extra 'popgym') is not installed: nothing to compare with")

SEEDS = (0, 1, 2)
MODULES = {
    "Autoencode": autoencode,
    "CountRecall": count_recall,
    "Concentration": concentration,
    "MultiarmedBandit": multiarmed_bandit,
}
POLICIES = {
    "Autoencode": ("random", "perfect", "worst"),
    "CountRecall": ("random", "perfect", "worst", "before the card shown", "largest"),
    "Concentration": ("random", "perfect", "same card twice", "face-up again", "pair up late", "remember"),
    "MultiarmedBandit": ("random", "perfect", "worst"),
}
TASKS = [(family, difficulty) for family in MODULES for difficulty in ("Easy", "Medium", "Hard")]


def build(family, difficulty):
    module = MODULES[family]
    return getattr(module, family).create(**module.DIFFICULTIES[difficulty])


def build_original(family, difficulty):
    name = MODULES[family].__name__.rpartition(".")[2]
    return getattr(importlib.import_module(f"popgym.envs.{name}"), family + difficulty)()


def hidden(family, original):
    """What the original drew at its reset, as the arguments with which ours begins."""
    match family:
        case "Autoencode":
            return (original.deck.suits_idx[original.deck.idx[::-1]],)
        case "CountRecall":
            values, queries = original.value_deck.idx[::-1], original.query_deck.idx[::-1]
            return original.deck_idx_type[values], original.deck_idx_type[queries]
        case "Concentration":
            return (original.deck_idx_type[original.deck.idx],)
        case "MultiarmedBandit":
            return (original.bandits.copy(),)


def recall_actions(policy, right, num_actions, rng):
    """All actions of an episode in which they change nothing but rewards; `right` are the rewarded ones."""
    match policy:
        case "random":
            return rng.integers(0, num_actions, len(right))
        case "perfect":
            return right
        case "worst":
            return (right + 1) % num_actions
        case "before the card shown":
            return np.maximum(right - 1, 0)
        case "largest":
            return np.full(len(right), num_actions - 1)


def autoencode_policy(policy, rng, order):
    # While watching, no action is the right one.
    right = np.concatenate([np.zeros(len(order) - 1, np.int64), order[::-1]])
    actions = iter(recall_actions(policy, right, 4, rng))
    return lambda observation: next(actions)


def count_recall_policy(policy, rng, values, queries):
    right = np.array([np.sum(values[: t + 1] == queries[t]) for t in range(len(values) - 1)])
    num_actions = len(values) // (values.max() + 1) + 1
    actions = iter(recall_actions(policy, right, num_actions, rng))
    return lambda observation: next(actions)


def concentration_policy(policy, rng, board):
    """The rule for the next cell to flip; some read the observation, all may read the board."""
    num_cards, num_types = len(board), board.max() + 1
    pairs = np.concatenate([rng.permutation(np.flatnonzero(board == card)) for card in range(num_types)]).tolist()
    # Every card that lies next to one of another type, so that "same card twice" and failures are told apart.
    script = {
        "perfect": pairs,
        "same card twice": np.repeat(rng.integers(0, num_cards, num_cards), 2).tolist(),
        # A pair, then its first card again: alone, and as the second after a card that is thereby lost.
        "face-up again": [
            cell for a, b in zip(pairs[::2], pairs[1::2], strict=True) for cell in (a, b, a, pairs[-1], b)
        ],
        # All but the last pair at once, then time is wasted so that the last one falls on the last step.
        "pair up late": pairs[:-2] + [pairs[0]] * (num_cards) + pairs[-2:],
    }
    if policy in script:
        steps = iter(script[policy])
        return lambda observation: next(steps, int(rng.integers(num_cards)))
    if policy == "random":
        return lambda observation: rng.integers(num_cards)
    known, face_down, waiting = {}, set(range(num_cards)), []

    def remember(observation):
        """Pairs what was seen, else looks at something new; stays in phase with the game by never erring on purpose."""
        for cell in np.flatnonzero(observation < num_types):
            known[int(cell)] = int(observation[cell])
        if len(waiting) == 2:
            if known[waiting[0]] == known[waiting[1]]:
                face_down.difference_update(waiting)
            waiting.clear()
        seen = [cell for cell in sorted(known) if cell in face_down and cell not in waiting]
        unseen = sorted(face_down - known.keys())
        if waiting:
            partners = [cell for cell in seen if known[cell] == known[waiting[0]]]
        else:
            partners = [a for a in seen if any(a != b and known[a] == known[b] for b in seen)]
        choices = partners[:1] or [cell for cell in unseen if cell not in waiting] or sorted(face_down)
        waiting.append(choices[0] if partners else int(rng.choice(choices)))
        return waiting[-1]

    return remember


def bandit_policy(policy, rng, arms):
    if policy == "random":
        return lambda observation: rng.integers(len(arms))
    return lambda observation: int(np.argmax(arms) if policy == "perfect" else np.argmin(arms))


CHOOSE = {
    "Autoencode": autoencode_policy,
    "CountRecall": count_recall_policy,
    "Concentration": concentration_policy,
    "MultiarmedBandit": bandit_policy,
}


@functools.cache
def play_original(family, difficulty):
    """Episodes of the original for all seeds and policies, padded at the end to equal lengths: arrays `[E, ...]`."""
    original = build_original(family, difficulty)
    episodes = []
    for seed in SEEDS:
        for policy in POLICIES[family]:
            first, _ = original.reset(seed=seed)
            given = hidden(family, original)
            choose = CHOOSE[family](policy, np.random.default_rng(seed), *given)
            observation, done, steps = first, False, []
            while not done:
                action = int(choose(observation))
                draw = copy.deepcopy(original.np_random).random() if family == "MultiarmedBandit" else 0.0
                observation, reward, terminated, truncated, _ = original.step(action)
                steps.append((action, np.float32(draw), np.array(observation), reward, terminated, truncated))
                done = terminated or truncated
            names = ("actions", "draws", "observation", "reward", "terminated", "truncated")
            episode = dict(zip(names, map(np.array, zip(*steps, strict=True)), strict=True))
            episodes.append(episode | {"hidden": given, "first": np.array(first)})
    lengths = np.array([len(episode["actions"]) for episode in episodes])

    def padded(name):
        rows = [episode[name] for episode in episodes]
        filler = [np.zeros((lengths.max() - len(row), *row.shape[1:]), row.dtype) for row in rows]
        return np.stack([np.concatenate(pair) for pair in zip(rows, filler, strict=True)])

    names = ("actions", "draws", "observation", "reward", "terminated", "truncated")
    return {
        "hidden": tuple(np.stack(part) for part in zip(*(episode["hidden"] for episode in episodes), strict=True)),
        "first": np.stack([episode["first"] for episode in episodes]),
        "lengths": lengths,
        **{name: padded(name) for name in names},
    }


def play_ours(family, env, params, given, actions, draws):
    """The same episodes of ours, which step on past their ends: arrays `[E, T, ...]`."""
    reset = {
        "Autoencode": "reset_with_order",
        "CountRecall": "reset_with_order",
        "Concentration": "reset_with_board",
        "MultiarmedBandit": "reset_with_arms",
    }[family]
    as_array = lambda x: jax.numpy.stack(x, axis=-1) if isinstance(x, tuple) else x  # noqa: E731

    def episode(given, actions, draws):
        first, state = getattr(env, reset)(*given, params)

        def step(state, inputs):
            action, draw = inputs
            if family == "MultiarmedBandit":
                observation, state, reward, terminated, truncated, _ = env.step_with_draw(draw, state, action, params)
            else:
                key = jax.random.key(0)
                observation, state, reward, terminated, truncated, _ = env.step_env(key, state, action, params)
            return state, {
                "observation": as_array(observation),
                "reward": reward,
                "terminated": terminated,
                "truncated": truncated,
            }

        return {"first": as_array(first), **jax.lax.scan(step, state, (actions, draws))[1]}

    played = jax.jit(jax.vmap(episode))(given, actions.astype(np.int32), draws)
    return jax.tree.map(np.asarray, played)


def mismatches(ours, original):
    """Name of each quantity that differs -> in how many places: exactly, or by more than 1e-6 for rewards."""
    within = np.arange(original["actions"].shape[1]) < original["lengths"][:, None]
    found = {"first": int(np.sum(ours["first"] != original["first"]))}
    for name in ("observation", "reward", "terminated", "truncated"):
        a, b = ours[name][within], original[name][within]
        differs = np.abs(a - b) > 1e-6 if name == "reward" else a != b
        found[name] = int(np.sum(differs.reshape(len(differs), -1).any(-1)))
    return {name: count for name, count in found.items() if count}


def replay(family, original, env, params, **changes):
    given = {"given": original["hidden"], "actions": original["actions"], "draws": original["draws"]} | changes
    return mismatches(play_ours(family, env, params, **given), original)


def returns_by_policy(family, original):
    """Returns of the original: policy -> `[seeds]`."""
    returns = original["reward"].sum(1).reshape(len(SEEDS), -1)
    return dict(zip(POLICIES[family], returns.T, strict=True))


@pytest.mark.parametrize(("family", "difficulty"), TASKS, ids="".join)
def test_every_step_equals_the_original(family, difficulty):
    env, params = build(family, difficulty)
    original = play_original(family, difficulty)
    assert replay(family, original, env, params) == {}
    assert original["lengths"].max() == env.max_episode_steps(params)

    returns = returns_by_policy(family, original)
    if family in ("Autoencode", "CountRecall"):
        np.testing.assert_allclose(returns["perfect"], 1, atol=1e-6)
        np.testing.assert_allclose(returns["worst"], -1, atol=1e-6)
    elif family == "Concentration":
        np.testing.assert_allclose(returns["perfect"], 1, atol=1e-6)
        assert (returns["remember"] > returns["random"] + 0.3).all()
        assert (returns["same card twice"] < -0.5).all()
        late = [original[flag].any(1).reshape(len(SEEDS), -1)[:, 4] for flag in ("terminated", "truncated")]
        assert np.all(late), "both flags at once were not met"
    else:
        assert (returns["perfect"] > 0.5).all()
        assert (returns["worst"] < -0.5).all()


def test_the_spaces_are_those_of_the_original():
    for family, difficulty in TASKS:
        env, params = build(family, difficulty)
        original = build_original(family, difficulty)
        assert env.action_space(params).n == original.action_space.n
        ours, theirs = env.observation_space(params), original.observation_space
        match family:
            case "Autoencode":
                assert [space.n for space in ours.spaces] == [space.n for space in theirs.spaces]
            case "MultiarmedBandit":
                assert ours.n == theirs.n
            case _:
                assert list(ours.nvec) == theirs.nvec.tolist()


def test_a_mode_one_step_late_is_caught():
    class Late(autoencode.Autoencode):
        def step_env(self, key, state, action, params):
            (_, suit), *rest = super().step_env(key, state, action, params)
            num_cards = 52 * params.num_decks
            mode = jax.numpy.where(state.deck.dealt == num_cards, autoencode.PLAY, autoencode.WATCH)
            return (mode.astype(np.int32), suit), *rest

    original = play_original("Autoencode", "Easy")
    found = replay("Autoencode", original, Late(), autoencode.AutoencodeParams())
    assert found == {"observation": len(original["lengths"])}


def test_answers_in_dealing_order_are_caught():
    original = play_original("Autoencode", "Easy")
    found = replay("Autoencode", original, *build("Autoencode", "Easy"), actions=original["actions"][:, ::-1])
    assert found.keys() == {"reward"}


def test_a_count_without_the_card_shown_is_caught():
    class Before(count_recall.CountRecall):
        def _due(self, state):
            value = state.values.order[state.values.dealt - 1]
            return super()._due(state) - (value == state.query)

    found = replay("CountRecall", play_original("CountRecall", "Easy"), Before(), count_recall.CountRecallParams())
    assert found.keys() == {"reward"}


def test_a_pair_that_is_never_visible_is_caught():
    class Hidden(concentration.Concentration):
        def step_env(self, key, state, action, params):
            _, state, *rest = super().step_env(key, state, action, params)
            full = self.full_state(state, params)
            visible = (full["face_up"] == 1) | (np.arange(self.num_cards) == state.first)
            return jax.numpy.where(visible, full["cells"], self.num_types), state, *rest

    original = play_original("Concentration", "Easy")
    found = replay("Concentration", original, Hidden(1, "colors"), concentration.ConcentrationParams())
    assert found.keys() == {"observation"}


def test_one_draw_off_is_caught():
    original = play_original("MultiarmedBandit", "Easy")
    draws = np.roll(original["draws"], 1, axis=1)
    found = replay("MultiarmedBandit", original, *build("MultiarmedBandit", "Easy"), draws=draws)
    assert found.keys() == {"observation", "reward"}
