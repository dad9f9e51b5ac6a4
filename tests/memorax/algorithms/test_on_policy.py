"""A2C and PQN under the laws that `test_ppo` holds PPO to: both learn from the rollouts of `OnPolicy`."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.agents import PLAINEST, a2c, equal, init_and_train, learnt, linear, network, once, ppo, pqn, torso
from fixtures.probes import Clock, ClockParams
from memorax import lox
from memorax.algorithms import PQN, A2CConfig, PQNConfig
from memorax.algorithms.action_values import epsilon, epsilon_greedy
from memorax.environments import make
from memorax.networks import heads

MAKERS = {"a2c": a2c, "pqn": pqn}
CONFIGS = {"a2c": A2CConfig, "pqn": PQNConfig}
SETTINGS = {
    "a2c": {"gae_lambda": 0.9, "num_steps": 8},
    "pqn": {"td_lambda": 0.5, "num_steps": 8, "num_minibatches": 1, "update_epochs": 4},
}


@pytest.mark.parametrize("body", ["gru", "mamba2", "attention", "mlp"])
@pytest.mark.parametrize("name", MAKERS)
def test_replay_equals_rollout(name, body):
    *_, logs = init_and_train(MAKERS[name](torso(body), learning_rate=0.01), num_steps=3 * 256)
    assert logs["replay/error"].shape == (3,)
    assert logs["replay/error"].max() < 1e-5
    assert logs["step"].tolist() == [256, 512, 768]


@pytest.mark.parametrize("head", [heads.DuelingQNetwork, heads.C51, heads.HLGauss, heads.Quantile])
def test_pqn_learns_with_every_head_of_action_values(head):
    before, after, logs = init_and_train(pqn(torso("mlp"), head=head, learning_rate=0.01, num_steps=16), num_steps=128)
    assert logs["replay/error"].max() < 1e-4
    assert np.isfinite(logs["pqn/loss"]).all()
    assert not equal(before.params, after.params)


CRITICS = {
    "c51": heads.C51(minimum=-1.0, maximum=12.0),
    "hl_gauss": heads.HLGauss(minimum=-4.0, maximum=15.0),
    "quantile": heads.Quantile(),
}


@pytest.mark.parametrize("critic", CRITICS)
@pytest.mark.parametrize("name", ["a2c", "ppo"])
def test_a_critic_may_be_a_distribution(name, critic):
    """Reward 1 at every step, gamma 0.9, a limit after five steps: the first step is worth 10."""
    settings = {"a2c": SETTINGS["a2c"], "ppo": {"clip_value_loss": False, "num_steps": 8, "num_minibatches": 1}}[name]
    task, maker = (Clock(cut=True), ClockParams()), {"a2c": a2c, "ppo": ppo}[name]
    agent = maker(
        torso("mlp"), task=task, learning_rate=2e-2, value_head=CRITICS[critic], gamma=0.9, num_envs=8, **settings
    )

    def program(key):
        state, logs = lox.spool(agent.train)(key, agent.init(key), 500 * 64)
        first = agent.init(key).timestep
        value = agent._value(state.params, state.statistics, first, agent.networks.initialize_carry(8)).mean()
        return value, logs["replay/error"].max()

    value, error = jax.jit(program)(jax.random.key(0))
    assert float(value) == pytest.approx(10.0, abs=0.7)
    assert float(error) < 1e-3


class LatePQN(PQN):
    """Replays with the start flag one step late: broken on purpose."""

    def _loss(self, params, statistics, batch, target, carry):
        late = jnp.pad(batch.timestep.start, ((0, 0), (1, 0)))[:, :-1]
        return super()._loss(
            params, statistics, batch.replace(timestep=batch.timestep.replace(start=late)), target, carry
        )


def test_a_broken_start_flag_is_caught():
    *_, logs = init_and_train(pqn(torso("gru"), agent_class=LatePQN))
    assert logs["replay/error"].max() > 1e-3


@pytest.mark.parametrize("name", MAKERS)
def test_learning_rate_zero_changes_no_parameter(name):
    before, after, _ = init_and_train(MAKERS[name](torso("mlp"), learning_rate=0.0, num_steps=16), num_steps=64)
    assert equal(before.params, after.params)
    assert not equal(before.env_state, after.env_state)


@pytest.mark.parametrize("name", MAKERS)
def test_a_restored_state_goes_on_bit_for_bit_and_evaluation_only_reads_it(name):
    agent = MAKERS[name](torso("gru"), num_steps=16)

    def program(key, state):
        return agent.train(key, state, 64), agent.evaluate(key, state, 3)

    state = once(agent.init, jax.random.key(0))
    run = jax.jit(program).lower(jax.random.key(1), state).compile({"xla_backend_optimization_level": 0})
    (straight, evaluation), copy = run(jax.random.key(1), state), jax.tree.map(np.array, jax.tree.leaves(state))
    restored = jax.tree.unflatten(jax.tree.structure(state), [jnp.asarray(leaf) for leaf in copy])
    assert equal((straight, evaluation), run(jax.random.key(1), restored))
    assert equal(copy, state)
    assert evaluation.lengths.tolist() == [51] * 3


ANOTHER = {
    "num_envs": 8, "num_steps": 8, "gamma": 0.5, "gae_lambda": 0.5, "td_lambda": 0.0, "num_minibatches": 4,
    "update_epochs": 1, "normalize_advantage": True, "entropy_coefficient": 1.0, "value_coefficient": 5.0,
    "normalize_observations": True, "normalize_rewards": True, "burn_in": 5, "anneal_steps": 100,
    "epsilon_start": 0.2, "epsilon_end": 0.9, "epsilon_steps": 80,
}  # fmt: skip
SHORT = {"a2c": {"num_steps": 16}, "pqn": {"num_steps": 16, "epsilon_steps": 100}}
SEEN_IN = {"normalize_observations": "gymnax::CartPole-v1"}  # the fields that need another task to have their effect


@functools.cache
def trained(name, task, **change):
    """The parameters after two updates."""
    agent = MAKERS[name](linear(), task=task, learning_rate=0.5, **PLAINEST, **{**SHORT[name], **change})
    return learnt(agent, 2 * 4 * 16)


@pytest.mark.parametrize(
    ("name", "field"), [(name, field.name) for name in MAKERS for field in dataclasses.fields(CONFIGS[name])]
)
def test_every_field_has_an_effect(name, field):
    task = SEEN_IN.get(field, "popgym::RepeatPreviousEasy")
    assert not equal(trained(name, task), trained(name, task, **{field: ANOTHER[field]}))


@pytest.mark.parametrize(("cut", "value"), [(True, 10.0), (False, (1 - 0.9**5) / 0.1)], ids=["limit", "end"])
@pytest.mark.parametrize("name", MAKERS)
def test_a_time_limit_is_not_an_end(name, cut, value):
    """Reward 1 at every step, gamma 0.9: what the first step is worth, after learning."""
    agent = MAKERS[name](
        torso("mlp"),
        task=(Clock(cut=cut), ClockParams()),
        learning_rate=2e-2,
        gamma=0.9,
        num_envs=8,
        **SETTINGS[name],
    )

    def program(key):
        state = agent.train(key, agent.init(key), 500 * 64)
        first = agent.init(key).timestep
        return agent._value(state.params, state.statistics, first, agent.networks.initialize_carry(8)).mean()

    assert float(jax.jit(program)(jax.random.key(0))) == pytest.approx(value, abs=0.7 if cut else 0.4)


def test_burn_in_is_a_longer_unroll_without_gradient():
    """The steps that are learnt from have the values of the whole sequence, and no gradient reaches the others."""
    agent = pqn(torso("gru"), burn_in=10)

    def program(key):
        state = agent.init(key)
        _, transitions, _ = agent._rollout(key, state)
        batch = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), transitions)
        target, nothing = jnp.zeros_like(batch.reward), state.statistics

        def by_hand(params):
            inputs = agent._inputs(nothing, batch.timestep)
            early, late = (jax.tree.map(lambda leaf, part=part: leaf[:, part], inputs) for part in PARTS)
            carry = jax.lax.stop_gradient(agent.networks.apply(params, early, state.carry)[0])
            q = agent.networks.apply(params, late, carry)[1]
            return 0.5 * jnp.square(jnp.take_along_axis(q, batch.action[:, 10:, None], -1)).mean()

        loss = lambda params: agent._loss(params, nothing, batch, target, state.carry)[0]  # noqa: E731
        return jax.grad(loss)(state.params), jax.grad(by_hand)(state.params)

    PARTS = slice(None, 10), slice(10, None)
    got, expected = once(program, jax.random.key(0))
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_exploration():
    assert [float(epsilon(jnp.int32(step), 1.0, 0.2, 100)) for step in (0, 50, 100, 1000)] == pytest.approx(
        [1.0, 0.6, 0.2, 0.2]
    )
    mean = jnp.tile(jnp.array([0.0, 3.0, 1.0, 2.0]), (4000, 1))
    actions = once(lambda key: epsilon_greedy(key, mean, 0.4), jax.random.key(0))
    shares = np.bincount(actions, minlength=4) / 4000
    np.testing.assert_allclose(shares, [0.1, 0.7, 0.1, 0.1], atol=0.03)


@pytest.mark.parametrize("config", [A2CConfig, PQNConfig])
def test_impossible_settings_are_refused(config):
    with pytest.raises(ValueError, match=r"burn_in = 128 must be a whole number from 0 to num_steps - 1"):
        config(num_steps=64, burn_in=128)
    with pytest.raises(ValueError, match=r"anneal_steps = 0 must be a whole number of at least 1, or null"):
        config(anneal_steps=0)


def test_a_network_has_to_value_every_action():
    with pytest.raises(ValueError, match=r"use heads.DiscreteQNetwork\(action_dim=4\)"):
        pqn(torso("mlp"), head=lambda action_dim: heads.VNetwork())
    env, params = make("gymnax::Pendulum-v1")
    with pytest.raises(ValueError, match="this algorithm acts in Discrete"):
        PQN(PQNConfig(), env, params, network(torso("mlp"), heads.DiscreteQNetwork(action_dim=1)), None)


def learned(agent, steps) -> float:
    def program(key):
        state = agent.train(key, agent.init(key), steps)
        return agent.evaluate(key, state, 32, deterministic=True).returns.mean()

    return float(jax.jit(program)(jax.random.key(0)))


@pytest.mark.usefixtures("optimised")
def test_pqn_learns_to_remember():
    """The card of one step ago; without memory the mean return is -0.5."""
    agent = pqn(
        torso("gru", features=32),
        task="popgym::RepeatPrevious",
        task_options={"k": 2},
        learning_rate=3e-3,
        num_envs=16,
        num_minibatches=4,
        update_epochs=4,
        epsilon_steps=40_000,
        gamma=0.9,
    )
    assert learned(agent, 96 * 1024) > 0.7


@pytest.mark.usefixtures("optimised")
def test_a2c_learns_to_remember():
    agent = a2c(
        torso("gru", features=32),
        task="popgym::RepeatPrevious",
        task_options={"k": 2},
        learning_rate=5e-3,
        num_envs=16,
        num_steps=16,
        gae_lambda=0.9,
        gamma=0.9,
    )
    assert learned(agent, 128 * 1024) > 0.4
