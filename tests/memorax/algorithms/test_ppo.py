"""PPO: what it learns from is what it did, episodes end where they end, evaluation leaves no trace."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.agents import equal, init_and_train, once, ppo, torso
from fixtures.broken_torsos import LeakyGRU
from fixtures.compiles import counted
from fixtures.probes import Clock, ClockParams
from fixtures.torsos import one_of_each_kind
from memorax import lox
from memorax.algorithms import PPO
from memorax.algorithms.acting import Outcome
from memorax.environments import make
from memorax.networks import laws
from memorax.registry import SEQUENCE_MODELS

PAIRS = {name: (torso(name), None) for name in SEQUENCE_MODELS}
PAIRS |= {
    "gru+gru": (torso("gru"), torso("gru")),
    "mamba2+mlp": (torso("mamba2"), torso("mlp")),
    "mlp+lru": (torso("mlp"), torso("lru")),
}


@pytest.mark.parametrize("pair", one_of_each_kind(PAIRS))
def test_replay_equals_rollout(pair):
    """Log-probabilities and values recomputed on unchanged parameters equal those stored while acting, over episode
    boundaries (51 steps in rollouts of 64) and from a memory with a past (four updates)."""
    actor, critic = PAIRS[pair]
    *_, logs = init_and_train(ppo(actor, critic, learning_rate=0.01), num_steps=4 * 256)
    assert logs["replay/error"].shape == (4,)
    assert logs["replay/error"].max() < 1e-5
    assert logs["ppo/approx_kl"].max() > 1e-6  # and the updates did change the policy


@pytest.mark.parametrize("task", ["popgym::BattleshipEasy", "popgym::PositionOnlyPendulumEasy"])
def test_replay_equals_rollout_in_every_kind_of_action(task):
    *_, logs = init_and_train(ppo(torso("gru"), task=task, learning_rate=0.01), num_steps=4 * 256)
    assert logs["replay/error"].max() < 1e-5
    assert logs["ppo/approx_kl"].max() > 1e-6
    assert np.isfinite(logs["ppo/entropy"]).all()


class LateStartPPO(PPO):
    """Replays with the start flag one step late: broken on purpose."""

    def _loss(self, params, statistics, batch, advantage, carry):
        late = jnp.pad(batch.timestep.start, ((0, 0), (1, 0)))[:, :-1]
        batch = batch.replace(timestep=batch.timestep.replace(start=late))
        return super()._loss(params, statistics, batch, advantage, carry)


def test_a_broken_start_flag_is_caught():
    *_, logs = init_and_train(ppo(torso("gru"), agent_class=LateStartPPO))
    assert logs["replay/error"].max() > 1e-3


def test_a_leaking_torso_replays_but_breaks_the_law_of_resets():
    """It leaks in acting and learning alike, so that replay cannot see it; the torso's own law does."""
    leaky = LeakyGRU(features=8)
    *_, logs = init_and_train(ppo(leaky))
    assert logs["replay/error"].max() < 1e-5
    assert once(lambda key: laws.measure(leaky, key, 6), jax.random.key(0))["reset_equals_fresh"] > 1e-2


@pytest.fixture(scope="module")
def agent():
    return ppo(torso("gru"))


@pytest.fixture(scope="module")
def trained(agent):
    return init_and_train(agent)


def test_steps_are_rounded_up_to_whole_updates(agent):
    def steps(num_steps):
        return jax.eval_shape(lox.spool(lambda key: agent.train(key, agent.init(key), num_steps)), jax.random.key(0))

    assert [steps(n)[1]["step"].shape for n in (1, 256, 257)] == [(1,), (1,), (2,)]


def test_step_tells_the_true_number_and_logs_are_one_row_an_update(agent):
    _, after, logs = init_and_train(agent, num_steps=300)
    assert after.step == 512
    assert logs["step"].tolist() == [256, 512]
    assert all(rows.shape == (2,) for rows in logs.values())


@pytest.mark.parametrize("num_steps", [0, -1, 1.5, True])
@pytest.mark.parametrize("method", ["train", "warmup"])
def test_impossible_numbers_of_steps(agent, method, num_steps):
    with pytest.raises(ValueError, match=r"num_steps = .* at least 1"):
        jax.eval_shape(lambda key: getattr(agent, method)(key, agent.init(key), num_steps), jax.random.key(0))


def test_episodes_are_counted(trained):
    """4 environments x 64 steps hold one whole episode of 51 each; the mean return is that of random play."""
    logs = trained[2]
    assert logs["episode/count"].tolist() == [4]
    assert logs["episode/length_sum"].tolist() == [4 * 51]
    assert -1 < logs["episode/return_sum"][0] / 4 < 0


def test_learning_rate_zero_changes_no_parameter():
    before, after, logs = init_and_train(ppo(torso("gru"), learning_rate=0.0))
    assert equal(before.params, after.params)
    assert not equal(before.env_state, after.env_state)
    assert logs["ppo/approx_kl"].max() < 1e-9


def test_warmup_acts_without_learning(agent):
    def program(key):
        state = agent.init(key)
        return state, agent.warmup(key, state, 257)

    before, after = once(program, jax.random.key(0))
    assert after.step == 512
    assert equal((before.params, before.optimizer_state), (after.params, after.optimizer_state))
    assert not equal(before.carry, after.carry)


def test_equal_calls_are_equal_and_a_restored_state_goes_on_bit_for_bit(agent, trained):
    before, after, _ = trained
    lowered = jax.jit(lambda key, state: agent.train(key, state, 256)).lower(jax.random.key(1), before)
    train = lowered.compile({"xla_backend_optimization_level": 0})
    straight = train(jax.random.key(2), after)
    restored = jax.tree.unflatten(jax.tree.structure(after), [jnp.asarray(np.array(x)) for x in jax.tree.leaves(after)])
    assert equal(straight, train(jax.random.key(2), restored))
    assert not equal(straight, train(jax.random.key(3), restored))


def test_a_second_call_compiles_nothing(agent, trained):
    train = jax.vmap(lox.spool(agent.train), in_axes=(0, 0, None))
    keys = jax.random.split(jax.random.key(0), 2)
    states = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), trained[1])
    state, logs = train(keys, states, 256)
    assert logs["step"].tolist() == [[512], [512]]
    with counted() as second:
        train(jax.random.split(jax.random.key(1), 2), state, 256)
    assert second == {"compiles": 0, "traces": 0}


# --- evaluation -------------------------------------------------------------------------------------------------


def test_evaluation_is_whole_episodes_and_repeatable(agent, trained):
    evaluate = jax.jit(lambda key, state: agent.evaluate(key, state, 6)).lower(jax.random.key(0), trained[1]).compile()
    result = evaluate(jax.random.key(0), trained[1])
    assert result.lengths.tolist() == [51] * 6
    assert result.finished.all()
    assert ((result.returns >= -1) & (result.returns <= 1)).all()
    assert len(set(result.returns.tolist())) > 1
    assert equal(result, evaluate(jax.random.key(0), trained[1]))
    assert not equal(result.returns, evaluate(jax.random.key(1), trained[1]).returns)


def test_evaluation_only_reads_the_state(agent, trained):
    """The caller's arrays are neither donated nor written; nothing but the result comes back."""
    state = trained[1]
    copy = jax.tree.map(np.array, jax.tree.leaves(state))
    result = agent.evaluate(jax.random.key(0), state, 3)
    assert {field.name for field in dataclasses.fields(result)} == {"returns", "lengths", "finished"}
    assert equal(copy, jax.tree.leaves(state))


def test_evaluation_in_another_environment(agent, trained):
    env, params = make("popgym::RepeatPrevious", k=2, num_decks=2, capacity=4)
    longer = once(
        lambda key, state: agent.evaluate(key, state, 3, env=env, env_params=params), jax.random.key(0), trained[1]
    )
    assert longer.lengths.tolist() == [103] * 3
    other, params = make("popgym::HigherLowerEasy")
    with pytest.raises(
        ValueError, match=r"trained on the observation space Discrete.*; this environment's is Discrete"
    ):
        agent.evaluate(jax.random.key(0), trained[1], 3, env=other, env_params=params)


def test_deterministic_evaluation_takes_the_most_probable_action():
    """A policy pushed to one suit: sampling still varies, the mode does not."""
    agent = ppo(torso("mlp"))

    def program(key):
        state = agent.init(key)
        logits = state.params["params"]["network"]["head"]["logits"]
        logits["bias"] = logits["bias"].at[2].set(1.0)
        env_key = jax.random.key(7)
        return [agent.evaluate(env_key, state, 4, deterministic=d).returns for d in (True, True, False)]

    first, second, sampled = once(program, jax.random.key(0))
    assert equal(first, second)
    assert not equal(first, sampled)


# --- where an episode ends ----------------------------------------------------------------------------------------


def value_at_start(cut: bool) -> float:
    """What PPO's critic says of the first step of `Clock` after learning; gamma 0.9."""
    env = Clock(cut=cut)
    agent = ppo(
        torso("mlp"), task=(env, ClockParams()), learning_rate=3e-2, gamma=0.9, gae_lambda=0.9,
        num_steps=32, num_envs=8, clip_value_loss=False, update_epochs=4, normalize_advantage=False,
    )  # fmt: skip

    def program(key):
        state = agent.train(key, agent.init(key), 40 * 256)
        first = agent.init(key).timestep
        return agent._step(state.params, state.statistics, first, agent.networks.initialize_carry(8))[2].mean()

    return float(jax.jit(program)(jax.random.key(0)))


def test_a_time_limit_is_not_an_end():
    assert value_at_start(cut=True) == pytest.approx(10.0, abs=0.7)


def test_an_end_is_an_end():
    assert value_at_start(cut=False) == pytest.approx((1 - 0.9**5) / 0.1, abs=0.4)


def test_the_bootstrap_reads_the_final_observation_with_the_memory_of_its_episode():
    """By hand: V(final observation | carry after o_t, a_t, r_t, start False), only where the episode was cut."""
    agent = ppo(torso("gru"), task=(Clock(cut=True), ClockParams()))

    def program(key):
        state = agent.init(key)
        carry = jax.tree.map(lambda leaf: leaf + 0.3, state.carry)
        action, reward = jnp.array([0, 1, 0, 1]), jnp.array([1.0, 2.0, 3.0, 4.0])
        terminated, truncated = jnp.array([False, False, True, True]), jnp.array([True, False, True, False])
        final = jnp.array([[0.5], [0.4], [0.3], [0.2]])
        outcome = Outcome(action, reward, terminated, truncated, {"final_observation": final})
        got = agent._bootstrap(state, carry, outcome)
        timestep = state.timestep.replace(
            observation=final, start=jnp.zeros(4, bool), previous_action=action, previous_reward=reward
        )
        return got, agent._step(state.params, state.statistics, timestep, carry)[2]

    got, value = once(program, jax.random.key(0))
    np.testing.assert_allclose(got, [0.99 * value[0], 0, 0, 0], rtol=1e-6)
    assert abs(value[0]) > 1e-3
