"""The calls that users were promised, as they were promised."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from memorax import lox
from memorax.algorithms import PPO, PPOConfig
from memorax.environments import make
from memorax.environments.wrappers import RecordEpisodeStatistics
from memorax.networks import RNN, FeatureExtractor, Mamba2Cell, Mamba2Config, Memoroid, Network, heads

CONFIG = PPOConfig(
    num_envs=8, num_steps=128, gae_lambda=0.95, num_minibatches=4,
    update_epochs=4, normalize_advantage=True, clip_coefficient=0.2,
    clip_value_loss=True, entropy_coefficient=0.01,
)  # fmt: skip


@pytest.fixture(scope="module")
def agent():
    env, env_params = make("popgym::RepeatPreviousEasy")
    feature_extractor = FeatureExtractor(observation_extractor=nn.Sequential((nn.Dense(64), nn.relu)))
    actor = Network(feature_extractor, torso=RNN(cell=nn.GRUCell(features=64)), head=heads.Categorical(action_dim=4))
    critic = Network(
        feature_extractor, torso=Memoroid(cell=Mamba2Cell(config=Mamba2Config(features=64))), head=heads.VNetwork()
    )
    optimizer = optax.adam(1e-3)
    return PPO(CONFIG, RecordEpisodeStatistics(env), env_params, actor, critic, optimizer, optimizer)


def test_gamma_has_a_default():
    assert CONFIG.gamma == 0.99


def test_train_does_work_and_says_how_much(agent):
    key, init_key = jax.random.split(jax.random.key(0))
    state = agent.init(init_key)
    key, train_key = jax.random.split(key)
    trained = agent.train(train_key, state, num_steps=1000)
    assert trained.step == 1024
    changes = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), state.params, trained.params)
    assert all(np.array(jax.tree.leaves(changes)) > 0)


def test_one_feature_extractor_in_two_networks_is_two_sets_of_weights(agent):
    params = jax.eval_shape(agent.init, jax.random.key(0)).params
    assert {"actor", "critic"} == set(params)
    assert all("feature_extractor" in part["params"] for part in params.values())


def test_spooled_seeds(agent):
    num_seeds, num_steps = 2, 1000
    init_key, train_key = jax.random.split(jax.random.key(0))
    state = jax.vmap(agent.init)(jax.random.split(init_key, num_seeds))
    train = jax.vmap(lox.spool(agent.train), in_axes=(0, 0, None))
    state, logs = train(jax.random.split(train_key, num_seeds), state, num_steps)
    assert state.step.tolist() == [1024, 1024]
    assert logs["episode/count"].tolist() == [[16.0], [16.0]]  # 8 environments x 128 steps, episodes of 51
