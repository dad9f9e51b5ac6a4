"""SAC learns: the values that are known, the entropy that is asked for, aims that take a memory, and Pendulum."""

import flax.linen as nn
import jax
import numpy as np
import optax
import pytest

from fixtures.agents import environment, init_and_train, sac, torso
from fixtures.probes import Aim, AimParams, Clock, ClockParams
from memorax import lox
from memorax.algorithms import SAC, SACConfig
from memorax.algorithms.acting import single_step
from memorax.algorithms.soft_values import weighted_actions
from memorax.environments.spaces import Box, Discrete
from memorax.networks import FeatureExtractor, Network, heads

SPACES = {"discrete": Discrete(2), "continuous": Box(-1.0, 1.0, (1,))}
REPLAY = {
    "num_envs": 16, "num_steps": 8, "period": 4, "gamma": 0.9, "buffer_size": 8192, "learning_starts": 512,
    "batch_size": 32, "sequence_length": 8, "burn_in": 0, "gradient_steps": 4, "tau": 0.05,
}  # fmt: skip


@pytest.mark.parametrize(("cut", "value"), [(True, 10.0), (False, (1 - 0.9**5) / 0.1)], ids=["limit", "end"])
@pytest.mark.parametrize("kind", SPACES)
def test_a_time_limit_is_not_an_end(kind, cut, value):
    """Reward 1 at every step, gamma 0.9, entropy worth next to nothing: what the first step is worth."""
    task = (Clock(cut=cut, actions=SPACES[kind]), ClockParams())
    agent = sac(torso("mlp"), task, learning_rate=1e-2, **REPLAY, temperature=1e-3, tune_temperature=False)

    def program(key):
        state = agent.train(key, agent.init(key), 400 * 128)
        inputs = single_step(agent._inputs(state.statistics, agent.init(key).timestep))
        _, distribution, features, _ = agent._read(state.params, inputs, agent.networks.initialize_carry(16))
        policy = weighted_actions(distribution, key)
        return policy.expected(agent.networks.value(state.params["critic"], features, policy.action)[0]).mean()

    assert float(jax.jit(program)(jax.random.key(0))) == pytest.approx(value, abs=0.9 if cut else 0.4)


@pytest.mark.parametrize(("kind", "entropy", "rises"), [("discrete", 3.0, True), ("continuous", -3.0, False)])
def test_the_temperature_moves_towards_the_target_entropy(kind, entropy, rises):
    """An entropy below the target makes it dearer, one above it cheaper."""
    task = (Clock(cut=True, actions=SPACES[kind]), ClockParams())
    *_, logs = init_and_train(sac(torso("mlp"), task, target_entropy=entropy), num_steps=8 * 64)
    assert (logs["sac/entropy"][1:] < entropy).all() == rises
    steps = np.diff(logs["sac/temperature"])[1:]  # learning starts with the second update
    assert (steps > 0).all() if rises else (steps < 0).all()


def test_one_step_is_learned():
    """Reward -(action - 0.5)^2, and as random as is asked for: exp(-1) wide, if it were uniform."""
    task = (Aim(), AimParams(low=0.5, high=0.5, length=1))
    agent = sac(torso("mlp"), task, learning_rate=5e-3, **REPLAY, temperature=0.1)

    def program(key):
        state, logs = lox.spool(agent.train)(key, agent.init(key), 300 * 128)
        returns = [agent.evaluate(key, state, 64, deterministic=mode).returns.mean() for mode in (True, False)]
        return returns, logs["sac/entropy"][-50:].mean()

    (best, drawn), entropy = jax.jit(program)(jax.random.key(0))
    assert best > -0.01
    assert best > drawn > -0.1
    assert entropy == pytest.approx(-1.0, abs=0.2)


def aimed(name, **inputs):
    """Mean return where the target was seen at the first of three steps."""
    agent = sac(
        torso(name, features=32), (Aim(), AimParams()), learning_rate=5e-3, inputs=inputs, temperature=0.1, **REPLAY
    )

    def program(key):
        state = agent.train(key, agent.init(key), 400 * 128)
        return agent.evaluate(key, state, 128, deterministic=True).returns.mean()

    return float(jax.jit(program)(jax.random.key(0)))


@pytest.mark.usefixtures("optimised")
def test_remembering_is_learned():
    assert aimed("gru") > -0.1


@pytest.mark.usefixtures("optimised")
def test_and_cannot_be_learned_without_memory():
    """Two steps of (0.8 + 0.8)^2 / 12; not fed the previous action, which could be a note to itself."""
    assert aimed("mlp", previous_action=False) < -0.35


@pytest.mark.usefixtures("optimised")
def test_remembering_is_learned_of_discrete_actions():
    """The card of one step ago; without memory the mean return is -0.5."""
    agent = sac(
        torso("gru", features=32),
        "popgym::RepeatPrevious",
        task_options={"k": 2},
        learning_rate=3e-3,
        **{**REPLAY, "buffer_size": 50_000, "learning_starts": 2000, "sequence_length": 16, "tau": 0.02},
    )

    def program(key):
        state = agent.train(key, agent.init(key), 64 * 1024)
        return agent.evaluate(key, state, 32, deterministic=True).returns.mean()

    assert float(jax.jit(program)(jax.random.key(0))) > 0.5


@pytest.mark.usefixtures("optimised")
@pytest.mark.slow
def test_pendulum_is_learned():
    """A random policy earns about -1200, a good one -150 to -200."""
    env, env_params = environment("gymnax::Pendulum-v1")

    def network(head):
        extractor = FeatureExtractor(nn.Sequential([nn.Dense(64), nn.relu]), action_extractor=nn.Dense(16))
        return Network(extractor, torso("gru", features=64), head)

    config = SACConfig(gamma=0.97, learning_starts=2000, sequence_length=16, gradient_steps=16, tau=0.01)
    actor = network(heads.SquashedGaussian(action_dim=1))
    critic = network(heads.Twin(heads.ContinuousQNetwork(hidden=(64,))))
    agent = SAC(config, env, env_params, actor, critic, optax.adam(1e-3))

    def program(key):
        state = agent.train(key, agent.init(key), 32 * 1024)
        return agent.evaluate(key, state, 32, deterministic=True).returns.mean()

    assert float(jax.jit(program)(jax.random.key(0))) > -300
