"""Our CartPole and Pendulum families against the installed original, step by step.

The original computes in float64 and balances on an unstable point, so the states would drift apart: ours is set to the
original's before every step. The noise of the original is read ahead from a copy of its generator.
"""

import copy
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments.popgym import (
    cart_pole,
    noisy_position_only_cart_pole,
    noisy_position_only_pendulum,
    pendulum,
    position_only_cart_pole,
    position_only_pendulum,
    velocity_only_cart_pole,
)

pytest.importorskip("popgym", reason="the original popgym (extra 'popgym') is not installed: nothing to compare with")

SEEDS = (0, 1, 2)
TOLERANCE = 1e-6
FAMILIES = {
    "PositionOnlyCartPole": position_only_cart_pole,
    "VelocityOnlyCartPole": velocity_only_cart_pole,
    "NoisyPositionOnlyCartPole": noisy_position_only_cart_pole,
    "PositionOnlyPendulum": position_only_pendulum,
    "NoisyPositionOnlyPendulum": noisy_position_only_pendulum,
}
TASKS = [(family, difficulty) for family in FAMILIES for difficulty in ("Easy", "Medium", "Hard")]
CART_POLE_POLICIES = ("random", "balance", "push right", "push left", "balance, but fail on the last step")
PENDULUM_POLICIES = ("random", "swing up", "spin beyond all bounds", "rest")


def policies(family):
    return CART_POLE_POLICIES if family.endswith("CartPole") else PENDULUM_POLICIES


def build(family, difficulty):
    return getattr(FAMILIES[family], family).create(**FAMILIES[family].DIFFICULTIES[difficulty])


def act_on_cart_pole(policy, state, rng):
    match policy:
        case "random":
            return int(rng.integers(2))
        case "push right" | "push left":
            return int(policy == "push right")
    x, velocity, angle, angular_velocity = state
    return int(0.1 * x + 0.2 * velocity + 2 * angle + 0.5 * angular_velocity > 0)


def act_on_pendulum(policy, state, rng):
    angle, velocity = pendulum_in_float32(state)
    match policy:
        case "random":
            torque = rng.uniform(-2, 2)
        case "rest":
            torque = 0.0
        case "spin beyond all bounds":
            torque = 9.0 if velocity > 0 else -5.0
        case "swing up":
            energy = velocity**2 / 6 + 5 * np.cos(angle) - 5
            torque = -10 * angle - 2 * velocity if abs(angle) < 0.4 else 2 * np.sign(-energy * velocity)
    return np.array([torque], np.float32)


def pendulum_in_float32(state):
    """Ours keeps the angle within -pi and pi; it is wrapped before digits are lost to float32."""
    return np.array([(state[0] + np.pi) % (2 * np.pi) - np.pi, state[1]], np.float32)


def peek_noise(original):
    """The noise that the next observation will get."""
    if not hasattr(original, "noise_sigma"):
        return np.zeros(2, np.float32)
    return copy.deepcopy(original.np_random).normal(0, original.noise_sigma).astype(np.float32)


def reset_original(original, seed):
    """The first observation, and the noise in it."""
    if hasattr(original, "noise_sigma"):
        # The reset of the class without noise leaves the generator where the noise is drawn from it.
        super(type(original).__mro__[1], original).reset(seed=seed)
    noise = peek_noise(original)
    return original.reset(seed=seed)[0], noise


def play_original(family, difficulty):
    """Episodes of the original for all seeds and policies: dict of arrays `[episodes, ...]`.

    Steps that an episode does not have are zeros, and False in `played`.
    """
    is_cart_pole = family.endswith("CartPole")
    module = "".join("_" * c.isupper() + c.lower() for c in family.replace("CartPole", "Cartpole"))[1:]
    original = getattr(importlib.import_module(f"popgym.envs.{module}"), f"{family}{difficulty}")()
    as_ours = (lambda state: np.array(state, np.float32)) if is_cart_pole else pendulum_in_float32
    act = act_on_cart_pole if is_cart_pole else act_on_pendulum
    episodes = []
    for seed in SEEDS:
        for policy in policies(family):
            first, first_noise = reset_original(original, seed)
            initial, rng, steps = as_ours(original.state), np.random.default_rng(seed), []
            while not steps or not (steps[-1]["terminated"] or steps[-1]["truncated"]):
                if "fail on the last step" in policy and len(steps) == original.max_episode_length - 1:
                    original.state = np.array([2.39, 3.0, 0.0, 0.0])
                action = act(policy, original.state, rng)
                before, noise = as_ours(original.state), peek_noise(original)
                observation, reward, terminated, truncated, _ = original.step(action)
                steps.append(
                    {"observation": observation, "reward": reward, "terminated": terminated, "truncated": truncated}
                    | {"physical": np.array(original.get_state(), np.float32), "played": True}
                    | {"action": action, "before": before, "noise": noise}
                )
            padding = [jax.tree.map(np.zeros_like, steps[0])] * (original.max_episode_length - len(steps))
            episode = {name: np.array([step[name] for step in steps + padding]) for name in steps[0]}
            episodes.append({"first": first, "first_noise": first_noise, "initial": initial, **episode})
    return {name: np.stack([episode[name] for episode in episodes]) for name in episodes[0]}


def play_ours(env, params, original):
    is_noisy = hasattr(env, "step_with_noise")

    def episode(initial, first_noise, actions, physical, noises):
        first, state = env.reset_with_state(initial, *[first_noise] * is_noisy, params)

        def step(state, now):
            action, physical, noise = now
            state = state.replace(physical=physical)
            step = env.step_with_noise if is_noisy else env.step_env
            observation, state, reward, terminated, truncated, _ = step(noise, state, action, params)
            flags = {"terminated": terminated, "truncated": truncated}
            physical = env.full_state(state, params)["physical"]
            return state, {"observation": observation, "reward": reward, "physical": physical, **flags}

        return {"first": first, **jax.lax.scan(step, state, (actions, physical, noises))[1]}

    inputs = [original[name] for name in ("initial", "first_noise", "action", "before", "noise")]
    inputs[2] = inputs[2].astype(env.action_space(params).dtype)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(episode))(*inputs))


def mismatches(ours, original):
    """How many steps differ in each quantity that differs anywhere: flags exactly, floats by more than 1e-6."""
    counts = {"first": np.sum(np.abs(ours["first"] - original["first"]).max(-1) > TOLERANCE)}
    for name in set(ours) - {"first"}:
        differ = np.abs(ours[name].astype(np.float64) - original[name]) > TOLERANCE
        counts[name] = np.sum(differ.reshape(*original["played"].shape, -1).any(-1) & original["played"])
    return {name: int(count) for name, count in counts.items() if count}


@pytest.mark.parametrize(("family", "difficulty"), TASKS, ids="".join)
def test_every_step_equals_the_original(family, difficulty):
    env, params = build(family, difficulty)
    original = play_original(family, difficulty)
    assert mismatches(play_ours(env, params, original), original) == {}

    limit = env.max_episode_steps(params)
    assert original["played"].shape == (len(SEEDS) * len(policies(family)), limit)
    by_policy = {policy: slice(i, None, len(policies(family))) for i, policy in enumerate(policies(family))}
    lengths = original["played"].sum(-1)
    both = (original["terminated"] & original["truncated"]).any(-1)
    if family.endswith("CartPole"):
        assert (lengths[by_policy["balance"]] == limit).all()
        assert (lengths[by_policy["push right"]] < 15).all()
        assert both[by_policy["balance, but fail on the last step"]].all()
        assert both.sum() == len(SEEDS)
    else:
        assert (lengths == limit).all()
        assert not original["terminated"].any()
        assert np.abs(original["physical"][by_policy["spin beyond all bounds"], :, 2]).max() == 8
        assert (original["reward"].sum(-1)[by_policy["swing up"]] > 0.3).all()
    if family.startswith("Noisy"):
        low, high = env.observation_space(params).bounds()
        shown = original["observation"][original["played"]]
        assert difficulty == "Easy" or ((shown == low) | (shown == high)).any()


def test_the_bounds_of_observations_are_those_of_the_original():
    for family, difficulty in TASKS:
        module = "".join("_" * c.isupper() + c.lower() for c in family.replace("CartPole", "Cartpole"))[1:]
        original = getattr(importlib.import_module(f"popgym.envs.{module}"), f"{family}{difficulty}")()
        env, params = build(family, difficulty)
        for ours, theirs in (
            (env.observation_space(params), original.observation_space),
            (dict(env.state_space(params).spaces)["physical"], original.state_space),
        ):
            low, high = ours.bounds()
            np.testing.assert_array_equal(low, theirs.low)
            np.testing.assert_array_equal(high, theirs.high)


@pytest.mark.parametrize(
    ("family", "module", "constant", "value", "expected"),
    [
        ("PositionOnlyCartPole", cart_pole, "TIME_STEP", 0.0201, {"observation", "physical"}),
        ("VelocityOnlyCartPole", cart_pole, "GRAVITY", 9.81, {"observation", "physical"}),
        ("PositionOnlyCartPole", cart_pole, "MAX_POSITION", 2.5, {"terminated"}),
        ("PositionOnlyPendulum", pendulum, "GRAVITY", 9.81, {"observation", "physical"}),
        ("PositionOnlyPendulum", pendulum, "MAX_SPEED", 9.0, {"observation", "physical"}),
        ("PositionOnlyPendulum", pendulum, "MAX_TORQUE", 3.0, {"observation", "physical", "reward"}),
        ("PositionOnlyPendulum", pendulum, "HALF_COST", 8.0, {"reward"}),
    ],
)
def test_other_physics_are_caught(family, module, constant, value, expected, monkeypatch):
    original = play_original(family, "Easy")
    env, params = build(family, "Easy")
    monkeypatch.setattr(module, constant, value)
    assert mismatches(play_ours(env, params, original), original).keys() == expected


def test_another_length_is_caught():
    for family in ("PositionOnlyCartPole", "PositionOnlyPendulum"):
        original = play_original(family, "Easy")
        env, params = getattr(FAMILIES[family], family).create(episode_length=199)
        assert mismatches(play_ours(env, params, original), original).keys() == {"reward", "truncated"}


def test_a_reset_that_shows_velocities_is_caught():
    original = play_original("VelocityOnlyCartPole", "Easy")
    env, params = build("VelocityOnlyCartPole", "Easy")
    ours = play_ours(env, params, original)
    velocities = {**ours, "first": np.asarray(jax.vmap(cart_pole.velocities)(jnp.asarray(original["initial"])))}
    assert mismatches(velocities, original).keys() == {"first"}


@pytest.mark.parametrize("family", ["NoisyPositionOnlyCartPole", "NoisyPositionOnlyPendulum"])
def test_noise_that_is_left_out_or_not_clipped_is_caught(family, monkeypatch):
    original = play_original(family, "Hard")
    env, params = build(family, "Hard")
    silent = original | {
        "noise": np.zeros_like(original["noise"]),
        "first_noise": np.zeros_like(original["first_noise"]),
    }
    assert mismatches(play_ours(env, params, silent), original).keys() == {"first", "observation"}
    monkeypatch.setattr(jnp, "clip", lambda x, low, high: x)
    assert "observation" in mismatches(play_ours(env, params, original), original)


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("PositionOnlyCartPole", {"episode_length": 0}, "episode_length is 0; it must be an integer >= 1"),
        ("VelocityOnlyCartPole", {"episode_length": 0}, "episode_length is 0; it must be an integer >= 1"),
        ("PositionOnlyPendulum", {"episode_length": 1.5}, "episode_length is 1.5; it must be an integer >= 1"),
        ("NoisyPositionOnlyCartPole", {"noise_sigma": -1.0}, "noise_sigma is -1.0; it must be a number >= 0"),
        ("NoisyPositionOnlyPendulum", {"noise_sigma": float("nan")}, "noise_sigma is nan; it must be a number >= 0"),
    ],
)
def test_values_that_are_not_allowed(family, options, message):
    with pytest.raises(ValueError, match=f"{family}: {message}"):
        getattr(FAMILIES[family], family).create(**options)
