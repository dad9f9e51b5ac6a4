"""What holds for every algorithm, for those that learn from streams; and what they learn."""

import dataclasses
import functools
from types import SimpleNamespace

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fixtures.agents import equal, init_and_train, linear, of_observation, once, torso
from fixtures.cues import probe
from fixtures.probes import Clock, ClockParams
from fixtures.streams import PLAIN, lived, notes, qrc, stream_ac
from memorax import environments, lox
from memorax.algorithms import QRC, QRCConfig, StreamACConfig
from memorax.networks import RTRL, FeatureExtractor, LRUCell, LRUConfig, Memoroid, Network, heads
from memorax.networks.initializers import sparse

KEY = jax.random.key(0)
CONFIGS = {"stream_ac": StreamACConfig, "qrc": QRCConfig}


def make(name):
    optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=1.0)
    if name == "qrc":
        return qrc(torso("gru"), optimizer=optimizer, num_envs=2, normalize_rewards=True)
    return stream_ac(torso("mlp"), torso("gru"), optimizer=optimizer, num_envs=2)


def with_rate(state, rate):
    return state.replace(optimizer_state=optax.tree.set(state.optimizer_state, learning_rate=jnp.float32(rate)))


@pytest.fixture(scope="module", params=CONFIGS)
def run(request):
    """-> a state that has learnt for a while, and the compiled program that goes on from one."""
    agent = make(request.param)

    def program(key, state):
        after, logs = lox.spool(agent.train)(key, state, 128)
        return after, logs, agent.warmup(key, after, 128), agent.evaluate(key, state, 3)

    state = with_rate(jax.jit(agent.init)(KEY), 0.01)
    compiled = jax.jit(program).lower(KEY, state).compile({"xla_backend_optimization_level": 0})
    return SimpleNamespace(agent=agent, state=compiled(KEY, state)[0], go_on=lambda state: compiled(KEY, state))


def test_learning_rate_zero_changes_no_parameter(run):
    after, logs, *_ = run.go_on(with_rate(run.state, 0.0))
    assert equal(run.state.params, after.params)
    assert not equal(run.state.env_state, after.env_state)
    assert not equal(run.state.traces, after.traces)
    assert logs["step"].tolist() == [128 + 64, 128 + 128]
    assert "replay/error" not in logs  # nothing is replayed


def test_a_restored_state_goes_on_bit_for_bit_and_evaluation_only_reads_it(run):
    copy = jax.tree.map(np.array, jax.tree.leaves(run.state))
    first = run.go_on(run.state)
    restored = jax.tree.unflatten(jax.tree.structure(run.state), [jnp.asarray(leaf) for leaf in copy])
    assert equal(first, run.go_on(restored))
    assert equal(copy, run.state)
    assert not equal(first[0].params, run.state.params)
    assert first[3].lengths.tolist() == [51] * 3


def test_warmup_changes_no_parameter_and_leaves_no_trace(run):
    before, _, after, _ = run.go_on(run.state)
    assert equal(before.params, after.params)
    assert after.step == before.step + 128
    assert any(np.any(leaf) for leaf in jax.tree.leaves(before.traces))
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(after.traces))
    assert after.statistics.reward.moments.count == before.statistics.reward.moments.count + 128


def test_seeds_side_by_side_are_seeds_alone(run):
    states = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), run.state)
    keys = jnp.stack([KEY, jax.random.key(1)])
    together = once(jax.vmap(lambda key, state: lox.spool(run.agent.train)(key, state, 128)), keys, states)
    alone = run.go_on(run.state)[:2]
    for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
        np.testing.assert_allclose(a[0], b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("task", ["gymnax::Pendulum-v1", "popgym::MineSweeperEasy"])
def test_every_kind_of_action(task):
    before, after, logs = init_and_train(stream_ac(torso("mlp"), task=task, num_envs=2), num_steps=128)
    assert not equal(before.params, after.params)
    assert all(np.isfinite(value).all() for value in logs.values())


ANOTHER = {
    "num_envs": 2, "num_steps": 8, "gamma": 0.5, "td_lambda": 0.1, "entropy_coefficient": 1.0, "actor_kappa": 9.0,
    "critic_kappa": 9.0, "regularization": 0.0, "correction_rate": 0.1, "epsilon_start": 0.2, "epsilon_end": 0.9,
    "epsilon_steps": 20, "normalize_observations": False, "normalize_rewards": False,
}  # fmt: skip
CART = "gymnax::CartPole-v1"  # has observations to normalise


@functools.cache
def trained(name, task="popgym::RepeatPreviousEasy", **change):
    options = {"task": task, "make_network": of_observation, "num_steps": 16, **change}
    if name == "qrc":
        agent = qrc(linear(), **{"epsilon_steps": 100, **options})
    else:
        agent = stream_ac(linear(), linear(), **options)
    _, state, logs = init_and_train(agent, num_steps=64)
    return state.params, logs["step"]


@pytest.mark.parametrize(
    ("name", "field"), [(name, field.name) for name in CONFIGS for field in dataclasses.fields(CONFIGS[name])]
)
def test_every_field_has_an_effect(name, field):
    """`num_steps` says how much a row of the log is of."""
    task = {"task": CART} if field == "normalize_observations" else {}
    base, other = trained(name, **task), trained(name, **task, **{field: ANOTHER[field]})
    assert not equal(base[0], other[0]) or (field == "num_steps" and len(base[1]) != len(other[1]))


@pytest.mark.parametrize(("cut", "value"), [(True, 10.0), (False, (1 - 0.9**5) / 0.1)], ids=["limit", "end"])
@pytest.mark.parametrize("name", ["stream_ac", "qrc"])
def test_a_time_limit_is_not_an_end(name, cut, value):
    """Reward 1 at every step, gamma 0.9: what the first step is worth, after learning."""
    task = (Clock(cut=cut), ClockParams())
    settings = {"task": task, "gamma": 0.9, "num_envs": 4, "make_network": of_observation, **PLAIN}
    if name == "qrc":
        agent = qrc(linear(), optimizer=optax.sgd(0.1), epsilon_steps=2000, **settings)
    else:
        agent = stream_ac(linear(), linear(), optimizer=optax.sgd(0.1), **settings)

    def program(key):
        state = agent.train(key, agent.init(key), 400_000)
        inputs = jax.tree.map(lambda leaf: leaf[:, None], agent._inputs(state.statistics, agent.init(key).timestep))
        said = agent.networks.apply(state.params, inputs, agent.networks.initialize_carry(4))
        return (said[1].max(-1) if name == "qrc" else said[2]).mean()

    assert float(jax.jit(program)(KEY)) == pytest.approx(value, abs=0.1)


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match=r"td_lambda = 1.5 must be between 0 and 1; actor_kappa = 0 must be greater"):
        StreamACConfig(td_lambda=1.5, actor_kappa=0)
    with pytest.raises(ValueError, match=r"num_envs = 0 must be .*; regularization = -1 must be 0 or greater"):
        QRCConfig(num_envs=0, regularization=-1)
    with pytest.raises(ValueError, match=r"use heads.DiscreteQNetwork\(action_dim=4\)"):
        qrc(torso("mlp"), make_network=lambda body, head: of_observation(body, heads.VNetwork()))
    env, params = environments.make("gymnax::Pendulum-v1")
    with pytest.raises(ValueError, match="this algorithm acts in Discrete"):
        QRC(QRCConfig(), env, params, of_observation(linear(), heads.DiscreteQNetwork(action_dim=1)), optax.sgd(0.1))
    with pytest.raises(ValueError, match="pass one optimizer"):
        agent = stream_ac(torso("mlp"))
        type(agent)(
            agent.config,
            agent.env,
            agent.env_params,
            agent.networks.actor,
            heads.VNetwork(),
            optax.sgd(1),
            optax.sgd(1),
        )


# --- memory -----------------------------------------------------------------------------------------------------------


def recurrent(real_time: bool, features: int = 8) -> nn.Module:
    cell = LRUCell(config=LRUConfig(features=features, r_min=0.8, max_phase=0.5))
    return RTRL(cell=cell, inputs=2) if real_time else Memoroid(cell)


@pytest.mark.parametrize("real_time", [True, False], ids=["rtrl", "truncated"])
@pytest.mark.parametrize("name", ["stream_ac", "qrc"])
def test_only_rtrl_sees_what_a_parameter_did_to_an_earlier_step(name, real_time):
    """The cue is in the first observation alone, its weights act nowhere else; lambda = 0, so that no trace helps."""
    settings = {"task": probe(1, 3), "optimizer": notes(), "make_network": of_observation, "td_lambda": 0.0, **PLAIN}
    agent = {"stream_ac": stream_ac, "qrc": qrc}[name](recurrent(real_time), **settings)

    def weights_of_the_cue(key):
        state, _ = lived(agent, key, agent.init(key), 2)
        reading = agent._read(key, state)
        gradient = reading.pull(jax.tree.map(jnp.ones_like, reading.outputs))
        return gradient["params"]["network"]["torso"]["cell"]["input"]["kernel"][0, 0]

    assert np.any(once(weights_of_the_cue, KEY)) == real_time


def normalised(body: nn.Module, head: nn.Module) -> Network:
    """A layer as in the paper: sparse at first, normalised without parameters, leaky."""
    layers = (nn.Dense(32, kernel_init=sparse()), nn.LayerNorm(use_bias=False, use_scale=False), nn.leaky_relu)
    return Network(FeatureExtractor(observation_extractor=nn.Sequential(layers)), body, head)


def learned(agent, steps, episodes=128):
    def program(key):
        state = agent.train(key, agent.init(key), steps)
        return agent.evaluate(key, state, episodes, deterministic=True).returns.mean()

    return float(jax.jit(program)(KEY))


LEARNERS = {
    "stream_ac": lambda body, task, make: stream_ac(body(), body(), task=task, make_network=make, gamma=0.9),
    "qrc": lambda body, task, make: qrc(
        body(), task=task, make_network=make, gamma=0.9, optimizer=optax.sgd(0.02), epsilon_steps=5_000
    ),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_a_context_is_learned(name):
    """Guessing earns 0.5."""
    assert learned(LEARNERS[name](linear, probe(1, 0), normalised), 10_000) > 0.95


@pytest.mark.parametrize("name", LEARNERS)
def test_a_cue_is_remembered_with_rtrl(name):
    """Guessing earns 0.5, and so does the best policy without a memory."""
    assert learned(LEARNERS[name](lambda: recurrent(True), probe(1, 3), of_observation), 40_000) > 0.95


@pytest.mark.usefixtures("optimised")
@pytest.mark.slow
@pytest.mark.parametrize(("name", "steps"), [("stream_ac", 100_000), ("qrc", 300_000)])
def test_cart_pole_is_learned(name, steps):
    """A random policy earns about 22, 500 is all there is."""
    if name == "qrc":
        agent = qrc(linear(), task=CART, make_network=normalised, epsilon_steps=20_000)
    else:
        agent = stream_ac(linear(), linear(), task=CART, make_network=normalised)
    assert learned(agent, steps, 32) > 400
