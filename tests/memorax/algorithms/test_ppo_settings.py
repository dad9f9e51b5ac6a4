"""PPO's settings: each has an effect, and what cannot work is refused when the agent is built."""

import dataclasses
import functools

import jax
import optax
import pytest

from fixtures.agents import PLAINEST, equal, init_and_train, learnt, linear, network, ppo, torso
from memorax.algorithms import PPO, PPOConfig
from memorax.environments import make
from memorax.networks import heads

ANOTHER = {
    "num_envs": 8, "num_steps": 32, "gamma": 0.5, "gae_lambda": 0.5, "num_minibatches": 4, "update_epochs": 1,
    "normalize_advantage": False, "clip_coefficient": 0.001, "clip_value_loss": False, "entropy_coefficient": 1.0,
    "value_coefficient": 5.0, "normalize_observations": True, "normalize_rewards": True, "target_kl": 1e-4,
    "burn_in": 5, "anneal_steps": 100,
}  # fmt: skip
SEEN_IN = {"normalize_observations": "gymnax::CartPole-v1"}  # the fields that need another task to have their effect


@functools.cache
def trained(task, **change):
    """The parameters after two updates."""
    agent = ppo(linear(), task=task, learning_rate=2.0, **PLAINEST, **{"num_steps": 16, **change})
    return learnt(agent, 2 * 4 * 16)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(PPOConfig)])
def test_every_field_has_an_effect(field):
    task = SEEN_IN.get(field, "popgym::RepeatPreviousEasy")
    assert not equal(trained(task), trained(task, **{field: ANOTHER[field]}))


def test_beyond_the_target_kl_nothing_more_is_learnt():
    """Of the first update's gradient steps the first has a KL of 0 and is made; the second is not."""
    agents = [
        ppo(torso("mlp"), learning_rate=0.1, num_steps=16, num_minibatches=n, update_epochs=e, target_kl=kl)
        for n, e, kl in ((1, 1, None), (1, 3, 1e-9), (1, 3, None))
    ]
    one, stopped, three = (init_and_train(agent, num_steps=64)[1].params for agent in agents)
    difference = lambda a, b: max(abs(x - y).max() for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))  # noqa: E731
    assert difference(one, stopped) < 1e-5  # programs of another length round differently
    assert difference(one, three) > 1e-2


def test_annealed_to_nothing_nothing_is_learnt():
    """After as many steps as the annealing lasts the parameters stay."""
    agent = ppo(torso("mlp"), learning_rate=0.1, num_steps=16, anneal_steps=64)
    before, after, _ = init_and_train(agent, num_steps=3 * 64)
    assert equal(before.params, after.params)  # the first update ends at step 64


def test_minibatches_must_divide_environments():
    with pytest.raises(ValueError, match=r"num_minibatches = 3 must divide num_envs = 8.*use one of \[1, 2, 4, 8\]"):
        PPOConfig(num_envs=8, num_minibatches=3)


def parts(task="popgym::RepeatPreviousEasy", actions=4):
    env, env_params = make(task)
    return PPOConfig(), env, env_params, network(torso("mlp"), heads.Categorical(action_dim=actions))


def test_a_shared_torso_has_one_optimizer():
    with pytest.raises(ValueError, match="pass one optimizer"):
        PPO(*parts(), heads.VNetwork(), optax.sgd(1.0), optax.sgd(1.0))


def test_networks_have_to_fit_the_spaces():
    with pytest.raises(
        ValueError, match=r"head draws actions of shape \(\) with 3 values.*: use heads.Categorical\(action_dim=4\)"
    ):
        PPO(*parts(actions=3), heads.VNetwork(), optax.sgd(1.0))
    with pytest.raises(ValueError, match=r"the action space is Box.*: use heads.Gaussian\(action_dim=1\)"):
        PPO(*parts("gymnax::Pendulum-v1"), heads.VNetwork(), optax.sgd(1.0))
    with pytest.raises(ValueError, match=r"the critic returns Categorical.* use heads.VNetwork\(\)"):
        PPO(*parts(), network(torso("mlp"), heads.Categorical(action_dim=3)), optax.sgd(1.0))


def test_a_policy_without_an_entropy_is_refused():
    env, env_params = make("gymnax::Pendulum-v1")
    actor = network(torso("mlp"), heads.SquashedGaussian(action_dim=1))
    with pytest.raises(ValueError, match=r"SquashedGaussian has no entropy in closed form.*heads.Beta"):
        PPO(PPOConfig(), env, env_params, actor, heads.VNetwork(), optax.sgd(1.0))


def test_a_value_that_is_a_distribution_is_not_clipped():
    with pytest.raises(
        ValueError, match=r"critic returns AtomValues, distributions; use PPOConfig\(clip_value_loss=Fal"
    ):
        PPO(*parts(), heads.C51(), optax.sgd(1.0))
    with pytest.raises(ValueError, match=r"the critic returns shape \(1, 1, 4\).*use heads.VNetwork"):
        PPO(*parts(), heads.C51(action_dim=4), optax.sgd(1.0))


def test_features_have_to_be_vectors():
    with pytest.raises(ValueError, match=r"a torso needs \[B, T, F\].*flatten them, or use a convolutional"):
        PPO(*parts("gymnax::Breakout-MinAtar", 3), heads.VNetwork(), optax.sgd(1.0))
