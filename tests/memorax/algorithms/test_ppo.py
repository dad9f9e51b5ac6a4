"""PPO: what it learns from is what it did, episodes end where they end, evaluation leaves no trace."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fixtures.agents import init_and_train, network, once, ppo, torso
from fixtures.broken_torsos import LeakyGRU
from fixtures.compiles import counted
from fixtures.probes import Clock, ClockParams
from memorax import lox
from memorax.algorithms import PPO, PPOConfig
from memorax.algorithms.acting import Outcome
from memorax.environments import make
from memorax.networks import heads, laws
from memorax.registry import SEQUENCE_MODELS


def equal(a, b) -> bool:
    """Bit for bit, keys included."""
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


PAIRS = {name: (torso(name), None) for name in SEQUENCE_MODELS}
PAIRS |= {
    "gru+gru": (torso("gru"), torso("gru")),
    "mamba2+mlp": (torso("mamba2"), torso("mlp")),
    "mlp+lru": (torso("mlp"), torso("lru")),
}


@pytest.mark.parametrize("pair", PAIRS)
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


# --- what is asked for ------------------------------------------------------------------------------------------------

ANOTHER = {
    "num_envs": 8, "num_steps": 32, "gamma": 0.5, "gae_lambda": 0.5, "num_minibatches": 4, "update_epochs": 1,
    "normalize_advantage": False, "clip_coefficient": 0.001, "clip_value_loss": False, "entropy_coefficient": 1.0,
    "value_coefficient": 5.0, "normalize_observations": True, "normalize_rewards": True, "target_kl": 1e-4,
    "burn_in": 5, "anneal_steps": 100,
}  # fmt: skip
SEEN_IN = {"normalize_observations": "gymnax::CartPole-v1"}  # the fields that need another task to have their effect


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(PPOConfig)])
def test_every_field_has_an_effect(field):
    def trained(**change):
        task = SEEN_IN.get(field, "popgym::RepeatPreviousEasy")
        agent = ppo(torso("mlp"), task=task, learning_rate=0.03, **{"num_steps": 16, **change})
        return init_and_train(agent, num_steps=2 * 4 * 16)[1]

    base, other = trained(), trained(**{field: ANOTHER[field]})
    assert not equal(base.params, other.params)


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


def test_features_have_to_be_vectors():
    with pytest.raises(ValueError, match=r"a torso needs \[B, T, F\].*flatten them, or use a convolutional"):
        PPO(*parts("gymnax::Breakout-MinAtar", 3), heads.VNetwork(), optax.sgd(1.0))


# --- learning ---------------------------------------------------------------------------------------------------------


def learned(name: str, **inputs: bool) -> float:
    """Mean return on RepeatPrevious with a lag of one card after 98k steps."""
    agent = ppo(
        torso(name, features=32),
        task="popgym::RepeatPrevious",
        task_options={"k": 2},
        inputs=inputs,
        learning_rate=3e-3,
        num_envs=16,
        num_minibatches=4,
        update_epochs=4,
    )

    def program(key):
        state = agent.train(key, agent.init(key), 96 * 1024)
        return agent.evaluate(key, state, 32).returns.mean()

    return float(jax.jit(program)(jax.random.key(0)))


def test_memory_is_learned():
    assert learned("gru") > 0.8


def test_and_cannot_be_learned_without_memory():
    """Fed the previous action, even this control gets past -0.3: what it did is a note to itself."""
    assert learned("mlp", previous_action=False) < -0.45
