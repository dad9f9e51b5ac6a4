"""A defect in a CartPole or Pendulum family shows in its comparison with the original; and values not allowed."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments import make
from memorax.environments.popgym import cart_pole, pendulum

pytest.importorskip("popgym", reason="the original popgym (extra 'popgym') is not installed: nothing to compare with")

from parity import FAMILIES, TASKS
from parity.comparison import as_ours, mismatches, play_ours
from parity.recording import record

CONTROLS = [(family, difficulty) for family, difficulty in TASKS if family.endswith(("CartPole", "Pendulum"))]


def recorded(family, difficulty="Easy"):
    return record(FAMILIES[family], difficulty, 3)


def test_the_state_space_is_that_of_the_original():
    for family, difficulty in CONTROLS:
        env, params = FAMILIES[family].build(difficulty)
        original = FAMILIES[family].build_original(difficulty)
        assert dict(env.state_space(params).spaces)["physical"] == as_ours(original.state_space)


def test_the_original_is_driven_to_its_bounds():
    fast = recorded("PositionOnlyPendulum").shown["physical"][..., 2]
    assert np.abs(fast).max() == pendulum.MAX_SPEED
    for family in ("NoisyPositionOnlyCartPole", "NoisyPositionOnlyPendulum"):
        env, params = FAMILIES[family].build("Hard")
        low, high = env.observation_space(params).bounds()
        shown = recorded(family, "Hard").shown["observation"]
        assert (shown == low).any(), family
        assert (shown == high).any(), family


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
    env, params = FAMILIES[family].build("Easy")
    monkeypatch.setattr(module, constant, value)
    found = mismatches(play_ours(FAMILIES[family], env, params, recorded(family)), recorded(family))
    assert found.keys() == expected


@pytest.mark.parametrize("family", ["PositionOnlyCartPole", "PositionOnlyPendulum"])
def test_another_length_is_caught(family):
    env, params = make(f"popgym::{family}", episode_length=199)
    found = mismatches(play_ours(FAMILIES[family], env, params, recorded(family)), recorded(family))
    assert found.keys() == {"reward", "truncated"}


def test_a_reset_that_shows_velocities_is_caught():
    family, recording = FAMILIES["VelocityOnlyCartPole"], recorded("VelocityOnlyCartPole")
    ours = play_ours(family, *family.build("Easy"), recording)
    velocities = jax.vmap(cart_pole.velocities)(jnp.asarray(recording.hidden["physical"]))
    assert mismatches({**ours, "first": np.asarray(velocities)}, recording).keys() == {"first"}


@pytest.mark.parametrize("family", ["NoisyPositionOnlyCartPole", "NoisyPositionOnlyPendulum"])
def test_noise_that_is_left_out_or_not_clipped_is_caught(family, monkeypatch):
    recording, (env, params) = recorded(family, "Hard"), FAMILIES[family].build("Hard")
    silent = dataclasses.replace(
        recording,
        hidden=recording.hidden | {"noise": np.zeros_like(recording.hidden["noise"])},
        inputs=recording.inputs | {"noise": np.zeros_like(recording.inputs["noise"])},
    )
    found = mismatches(play_ours(FAMILIES[family], env, params, silent), recording)
    assert found.keys() == {"first", "observation"}
    monkeypatch.setattr(jnp, "clip", lambda x, low, high: x)
    assert "observation" in mismatches(play_ours(FAMILIES[family], env, params, recording), recording)


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
        make(f"popgym::{family}", **options)
