"""DQN and R2D2: what they learn from is what they did, begun in the memory they had, up to where it is known."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.agents import PLAINEST, equal, init_and_train, learnt, linear, once, q_learner, torso
from fixtures.probes import Clock, ClockParams
from memorax.algorithms import DQN, R2D2, DQNConfig, R2D2Config
from memorax.networks import heads

BOTH = {"dqn": (DQN, DQNConfig), "r2d2": (R2D2, R2D2Config)}


@pytest.mark.parametrize("body", ["gru", "mamba2", "attention", "mlp"])
@pytest.mark.parametrize("name", BOTH)
def test_replay_equals_rollout(name, body):
    """Over episode boundaries (51 steps) and from memories with a past; and it learns meanwhile."""
    before, after, logs = init_and_train(q_learner(BOTH[name][0], torso(body), learning_rate=0.01), num_steps=12 * 64)
    assert logs["replay/error"].shape == (12,)
    assert logs["replay/error"].max() < 1e-5
    assert logs["q/updates"].tolist() == [0, *range(1, 12)]
    assert not equal(before.params, after.params)


@pytest.mark.parametrize("head", [heads.DuelingQNetwork, heads.C51, heads.HLGauss, heads.Quantile])
@pytest.mark.parametrize("name", BOTH)
def test_every_head_of_action_values(name, head):
    before, after, logs = init_and_train(q_learner(BOTH[name][0], torso("mlp"), head=head), num_steps=256)
    assert np.isfinite(logs["q/loss"]).all()
    assert not equal(before.params, after.params)


class ShiftedDQN(DQN):
    """Stores the memory after the first step of a block in place of the one before it: broken on purpose."""

    def _replay_error(self, state, steps, means):
        shifted = jax.tree.map(lambda leaf: leaf[:, 1:], steps)
        return super()._replay_error(state, shifted, means[1:])


def test_a_memory_that_is_not_the_one_before_the_window_is_caught():
    *_, logs = init_and_train(q_learner(ShiftedDQN, torso("gru"), learning_rate=0.01), num_steps=256)
    assert logs["replay/error"].max() > 1e-4


# --- targets ----------------------------------------------------------------------------------------------------------


class BlindTargetDQN(DQN):
    """Its target network never reads a window's first observation, as where only next observations are stored: broken
    on purpose."""

    def _unroll(self, params, statistics, steps, carry):
        if params is self.hidden_from:
            timestep = steps.timestep
            first = jnp.zeros_like(timestep.observation[:, 0])
            steps = steps.replace(timestep=timestep.replace(observation=timestep.observation.at[:, 0].set(first)))
        return super()._unroll(params, statistics, steps, carry)


def errors_without_rewards(agent, observation):
    """Of windows in which nothing is earned or ends, where both networks are the same: with gamma 1, what the target
    network says of a step less what the network says of the step before."""

    def program(key):
        state = agent.warmup(key, agent.init(key), 256)
        sample = agent.buffer.sample(state.replay, key)
        steps, flat = sample.experience, jnp.zeros_like(sample.experience.cut)
        seen = steps.timestep.observation.at[:, 0].set(observation)
        timestep = steps.timestep.replace(observation=seen, start=flat.at[:, 0].set(True))
        steps = steps.replace(timestep=timestep, reward=0 * steps.reward, terminated=flat, cut=flat)
        target = jax.tree.map(jnp.copy, state.params)
        agent.hidden_from = target
        q, _ = agent._unroll(state.params, state.statistics, steps, sample.carry)
        best = q.max(-1)
        chosen = jnp.take_along_axis(q, steps.action[..., None], -1)[..., 0]
        got = agent._loss(state.params, target, state.statistics, steps, sample.carry, jnp.ones(8))[1][1]
        return got, best[:, 1:] - chosen[:, :-1]

    return once(program, jax.random.key(0))


@pytest.mark.parametrize(("agent_class", "agrees"), [(DQN, True), (BlindTargetDQN, False)], ids=["dqn", "blind"])
def test_targets_begin_where_the_values_begin(agent_class, agrees):
    """A cue in the first observation is in every later value of both networks, or of neither."""
    agent = q_learner(
        agent_class, torso("gru"), task=(Clock(cut=False), ClockParams()), burn_in=0, gamma=1.0, n_step=1, period=8
    )
    got, expected = errors_without_rewards(agent, 3.0)
    assert np.allclose(got, expected, atol=1e-6) == agrees


def test_burn_in_is_a_longer_unroll_without_gradient():
    agent, whole = (q_learner(DQN, torso("gru"), burn_in=n, sequence_length=12 + 4 - n) for n in (4, 0))

    def program(key):
        state = agent.warmup(key, agent.init(key), 256)
        sample = agent.buffer.sample(state.replay, key)
        unroll = lambda agent, params: agent._unroll(params, state.statistics, sample.experience, sample.carry)[0]  # noqa: E731
        late = lambda params: unroll(agent, params).sum()  # noqa: E731
        return (
            unroll(agent, state.params),
            unroll(whole, state.params)[:, 4:],
            jax.grad(late)(state.params),
            jax.grad(lambda params: unroll(whole, params)[:, 4:].sum())(state.params),
        )

    values, expected, gradient, full = once(program, jax.random.key(0))
    np.testing.assert_allclose(values, expected, atol=1e-6)
    recurrent = [g["params"]["torso"]["cell"]["recurrent"] for g in (gradient, full)]
    assert not np.allclose(*recurrent)


def test_the_target_network_follows_in_gradient_steps():
    """Every third gradient step, however many an update makes."""
    agent = q_learner(DQN, torso("mlp"), learning_rate=0.01, target_period=3, gradient_steps=2)

    def program(key):
        state, seen = agent.init(key), []
        for i in range(5):  # learning starts in the second update: 2, 4, 6, 8 gradient steps
            state = agent.train(jax.random.fold_in(key, i), state, 64)
            seen.append((state.params, state.target_params, state.updates))
        return seen

    (p0, t0, n0), (_, t1, n1), (_, t2, n2), (p3, t3, n3), (_, t4, n4) = once(program, jax.random.key(0))
    assert [int(n) for n in (n0, n1, n2, n3, n4)] == [0, 2, 4, 6, 8]
    assert equal(t0, p0)
    assert equal(t1, p0)
    assert not equal(t2, t1)  # after the third
    assert equal(t3, p3)  # after the sixth
    assert equal(t4, t3)


# --- what the state is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOTH)
def test_learning_rate_zero_changes_no_parameter(name):
    before, after, logs = init_and_train(q_learner(BOTH[name][0], torso("mlp"), learning_rate=0.0), num_steps=256)
    assert equal(before.params, after.params)
    assert equal(before.target_params, after.target_params)
    assert logs["q/updates"].max() > 0


@pytest.mark.parametrize("name", BOTH)
def test_a_restored_state_goes_on_bit_for_bit_and_evaluation_only_reads_it(name):
    agent = q_learner(BOTH[name][0], torso("gru"))

    def program(key, state):
        return agent.train(key, state, 128), agent.evaluate(key, state, 3)

    state = once(lambda key: agent.warmup(key, agent.init(key), 128), jax.random.key(0))
    run = jax.jit(program).lower(jax.random.key(1), state).compile({"xla_backend_optimization_level": 0})
    copy = jax.tree.map(np.array, jax.tree.leaves(state))
    straight, evaluation = run(jax.random.key(1), state)
    restored = jax.tree.unflatten(jax.tree.structure(state), [jnp.asarray(leaf) for leaf in copy])
    assert equal((straight, evaluation), run(jax.random.key(1), restored))
    assert equal(copy, state)
    assert evaluation.lengths.tolist() == [51] * 3
    assert not equal(straight.params, state.params)


def test_priorities_follow_the_errors():
    agent = q_learner(R2D2, torso("mlp"), learning_rate=0.01)
    state = init_and_train(agent, num_steps=256)[1]
    weights = np.asarray(state.replay.weights[agent.buffer.ring.leaves :])
    assert len({round(float(w), 6) for w in weights[weights > 0]}) > 3
    assert agent._exploration(jnp.int32(0)).tolist() == pytest.approx([0.4 ** (1 + 7 * i / 3) for i in range(4)])


def test_values_are_rescaled_and_back():
    agent = q_learner(R2D2, torso("mlp"))
    x = jnp.array([-30.0, -0.5, 0.0, 2.0, 100.0])
    np.testing.assert_allclose(agent._to_return(agent._from_return(x)), x, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(agent._from_return(x)[4], 101**0.5 - 1 + 0.1, rtol=1e-5)
    plain = q_learner(R2D2, torso("mlp"), rescale=False)
    assert equal(plain._to_return(x), x)


# --- what is asked for ------------------------------------------------------------------------------------------------

ANOTHER = {
    "num_envs": 2, "num_steps": 8, "gamma": 0.5, "buffer_size": 256, "learning_starts": 192, "batch_size": 4,
    "sequence_length": 8, "burn_in": 0, "period": 4, "n_step": 1, "double": False, "gradient_steps": 2,
    "target_period": 1, "epsilon_start": 0.2, "epsilon_end": 0.9, "epsilon_steps": 80, "normalize_observations": True,
    "normalize_rewards": True, "anneal_steps": 300, "rescale": False, "priority_exponent": 0.0, "priority_max": 0.0,
    "importance_exponent": 0.0, "epsilon": 0.9, "epsilon_spread": 0.0,
}  # fmt: skip
SHORT = {"dqn": {"epsilon_steps": 200}, "r2d2": {}}
SEEN_IN = {"normalize_observations": "gymnax::CartPole-v1"}  # the fields that need another task to have their effect


@functools.cache
def trained(name, task, **change):
    """The parameters after ten updates."""
    settings = {**SHORT[name], "buffer_size": 512, **change}
    agent = q_learner(BOTH[name][0], linear(), task=task, learning_rate=0.5, **PLAINEST, **settings)
    return learnt(agent, 10 * 64)


@pytest.mark.parametrize(
    ("name", "field"), [(name, field.name) for name in BOTH for field in dataclasses.fields(BOTH[name][1])]
)
def test_every_field_has_an_effect(name, field):
    task = SEEN_IN.get(field, "popgym::RepeatPreviousEasy")
    assert not equal(trained(name, task), trained(name, task, **{field: ANOTHER[field]}))


@pytest.mark.parametrize("config", [DQNConfig, R2D2Config])
def test_impossible_settings_are_refused(config):
    with pytest.raises(ValueError, match=r"period = 8 must divide num_steps = 12.*use num_steps=16"):
        config(num_steps=12)
    with pytest.raises(ValueError, match=r"learning_starts = 100 transitions of 16 environments hold no window"):
        config(learning_starts=100)
    with pytest.raises(ValueError, match=r"learning_starts = 9000 must be at most buffer_size = 8000"):
        config(learning_starts=9000, buffer_size=8000)


# --- learning ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cut", "value"), [(True, 10.0), (False, (1 - 0.9**5) / 0.1)], ids=["limit", "end"])
@pytest.mark.parametrize("name", BOTH)
def test_a_time_limit_is_not_an_end(name, cut, value):
    """Reward 1 at every step, gamma 0.9: what the first step is worth, after learning."""
    agent = q_learner(
        BOTH[name][0],
        torso("mlp"),
        task=(Clock(cut=cut), ClockParams()),
        learning_rate=1e-2,
        gamma=0.9,
        num_envs=8,
        burn_in=0,
        target_period=20,
        gradient_steps=4,
        learning_starts=256,
    )

    def program(key):
        state = agent.train(key, agent.init(key), 400 * 128)
        first = agent.init(key).timestep
        return agent._step(state.params, state.statistics, first, agent.networks.initialize_carry(8))[1].max(-1).mean()

    found = float(agent._to_return(jax.jit(program)(jax.random.key(0))))
    assert found == pytest.approx(value, abs=0.9 if cut else 0.4)


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("name", BOTH)
def test_remembering_is_learned(name):
    """The card of one step ago; without memory the mean return is -0.5."""
    exploring = {"dqn": {"epsilon_steps": 30_000}, "r2d2": {"n_step": 3, "burn_in": 8}}[name]
    agent = q_learner(
        BOTH[name][0],
        torso("gru", features=32),
        task="popgym::RepeatPrevious",
        task_options={"k": 2},
        learning_rate=3e-3,
        **{
            "num_envs": 16, "num_steps": 8, "gamma": 0.9, "buffer_size": 50_000, "learning_starts": 2000,
            "batch_size": 32, "sequence_length": 32, "n_step": 1, "burn_in": 0, "target_period": 200,
            "gradient_steps": 4, **exploring,
        },
    )  # fmt: skip

    def program(key):
        state = agent.train(key, agent.init(key), 96 * 1024)
        return agent.evaluate(key, state, 32, deterministic=True).returns.mean()

    assert float(jax.jit(program)(jax.random.key(0))) > 0.5
