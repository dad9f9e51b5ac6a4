"""SAC's settings: each has an effect, and what cannot work is refused when the agent is built."""

import dataclasses
import functools
import math

import optax
import pytest

from fixtures.agents import FEATURES, PLAINEST, equal, init_and_train, learnt, linear, network, sac, torso
from fixtures.probes import Aim, AimParams
from memorax.algorithms import SAC, SACConfig
from memorax.environments import make
from memorax.networks import heads

ANOTHER = {
    "num_envs": 2, "num_steps": 8, "gamma": 0.5, "buffer_size": 256, "learning_starts": 192, "batch_size": 4,
    "sequence_length": 8, "burn_in": 0, "period": 4, "gradient_steps": 2, "tau": 0.5, "temperature": 0.1,
    "tune_temperature": False, "target_entropy": 0.5, "normalize_observations": True, "normalize_rewards": True,
    "anneal_steps": 300,
}  # fmt: skip


@functools.cache
def trained(**change):
    """The actor's parameters after ten updates of 64 steps."""
    agent = sac(linear(), (Aim(), AimParams()), learning_rate=0.5, **PLAINEST, **{"buffer_size": 512, **change})
    return learnt(agent, 10 * 64)["actor"]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(SACConfig)])
def test_every_field_has_an_effect(field):
    assert not equal(trained(), trained(**{field: ANOTHER[field]}))


def test_the_temperature_stays_where_it_is_not_tuned():
    before, after, logs = init_and_train(sac(torso("mlp"), tune_temperature=False, temperature=0.2))
    assert equal(before.params["log_temperature"], after.params["log_temperature"])
    assert logs["sac/temperature"].tolist() == pytest.approx([0.2] * 4)


def test_target_entropies():
    assert sac(torso("mlp")).target_entropy == pytest.approx(0.5 * math.log(4))
    assert sac(torso("mlp"), (Aim(), AimParams())).target_entropy == -1.0
    assert sac(torso("mlp"), target_entropy=0.3).target_entropy == 0.3


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match=r"period = 8 must divide num_steps = 12.*use num_steps=16"):
        SACConfig(num_steps=12)
    with pytest.raises(ValueError, match=r"no window of burn_in \+ sequence_length \+ 1 = 33 steps; use at least 528"):
        SACConfig(learning_starts=100)
    with pytest.raises(ValueError, match=r"learning_starts = 9000 must be at most buffer_size = 8000"):
        SACConfig(learning_starts=9000, buffer_size=8000)
    with pytest.raises(ValueError, match=r"tau = 2.0 must be between 0 and 1; temperature = 0.0 must be greater"):
        SACConfig(tau=2.0, temperature=0.0)


def build(task, actor, critic):
    """`critic` as it is if it is no tuple, else a network with the heads in it."""
    env, env_params = make(task) if isinstance(task, str) else task
    critic = network(torso("mlp"), critic[0]) if isinstance(critic, tuple) else critic
    return SAC(SACConfig(), env, env_params, network(torso("mlp"), actor), critic, optax.sgd(1.0))


CARDS, BOX, VECTORS = "popgym::RepeatPreviousEasy", (Aim(), AimParams()), "popgym::BattleshipEasy"
SQUASHED, CATEGORICAL = heads.SquashedGaussian(action_dim=1), heads.Categorical(action_dim=4)
REFUSED = {
    "bare head": (BOX, SQUASHED, heads.Twin(heads.ContinuousQNetwork()), r"bare head, Ensemble.*a memory each: use"),
    "one critic": (BOX, SQUASHED, (heads.ContinuousQNetwork(),), r"use heads.Twin\(heads.ContinuousQNetwork\(\)\)"),
    "one discrete critic": (CARDS, CATEGORICAL, (heads.DiscreteQNetwork(action_dim=4),), r"\[critics, 1, 1, 4\]: use"),
    "too few actions": (CARDS, CATEGORICAL, (heads.Twin(heads.DiscreteQNetwork(action_dim=3)),), r"\(2, 1, 1, 3\)"),
    "values of states": (BOX, SQUASHED, (heads.Twin(heads.VNetwork()),), "does not read the action.*use heads.Twin"),
    "given actions": (CARDS, CATEGORICAL, (heads.Twin(heads.ContinuousQNetwork()),), r"use heads.Twin\(heads.Discrete"),
    "no values": (CARDS, CATEGORICAL, (CATEGORICAL,), r"the critic values None.*DiscreteQNetwork\(action_dim=4\)"),
    "unbounded": (BOX, heads.Gaussian(action_dim=1), (heads.Twin(heads.ContinuousQNetwork()),), "without bounds.*use"),
    "two numbers": (BOX, heads.SquashedGaussian(action_dim=2), (heads.Twin(heads.ContinuousQNetwork()),),
                    r"use heads.SquashedGaussian\(action_dim=1\)"),
    "other actor": (BOX, CATEGORICAL, (heads.Twin(heads.ContinuousQNetwork()),), "use heads.SquashedGaussian"),
}  # fmt: skip


@pytest.mark.parametrize(("task", "actor", "critic", "message"), REFUSED.values(), ids=REFUSED)
def test_networks_have_to_fit(task, actor, critic, message):
    with pytest.raises(ValueError, match=message):
        build(task, actor, critic)


def test_vectors_of_categories_are_refused():
    head = heads.MultiCategorical(action_dims=(FEATURES, FEATURES))
    with pytest.raises(ValueError, match=r"MultiDiscrete.*SAC acts in Box and in Discrete.*use PPO or A2C"):
        build(VECTORS, head, (heads.Twin(heads.DiscreteQNetwork(action_dim=4)),))


def test_a_beta_policy_will_do():
    build(BOX, heads.Beta(action_dim=1), (heads.Twin(heads.ContinuousQNetwork()),))
