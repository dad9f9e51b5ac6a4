"""SAC: what it learns from is what it did, both memories begin where they were, and each loss moves its own network."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fixtures.agents import equal, init_and_train, once, sac, torso
from fixtures.probes import Aim, AimParams, Clock, ClockParams
from memorax.algorithms import SAC
from memorax.algorithms.soft_values import WeightedActions, weighted_actions
from memorax.environments.spaces import Box, Discrete
from memorax.networks import heads

KINDS = {"discrete": "popgym::RepeatPreviousEasy", "continuous": (Aim(), AimParams(length=5))}
CLOCKS = {"discrete": Discrete(2), "continuous": Box(-1.0, 1.0, (2,))}


@pytest.mark.parametrize("body", ["gru", "mamba2", "mlp"])
@pytest.mark.parametrize("kind", KINDS)
def test_replay_equals_rollout(kind, body):
    """Of actor and critic, over episode boundaries and from memories with a past; and both learn meanwhile."""
    before, after, logs = init_and_train(sac(torso(body), KINDS[kind], learning_rate=0.01), num_steps=12 * 64)
    assert logs["replay/error"].shape == (12,)
    assert logs["replay/error"].max() < 1e-5
    assert logs["sac/updates"].tolist() == [0, *range(1, 12)]
    for name in ("actor", "critic", "log_temperature"):
        assert not equal(before.params[name], after.params[name])
    assert not equal(before.target_params, after.target_params)


class ForgetfulSAC(SAC):
    """One of its two memories stays as it is while it acts: broken on purpose."""

    forgets = "critic"

    def _decide(self, key, state):
        carry, drawn, decision = super()._decide(key, state)
        return {**carry, self.forgets: state.carry[self.forgets]}, drawn, decision


class ForgetfulActorSAC(ForgetfulSAC):
    forgets = "actor"


@pytest.mark.parametrize("agent_class", [ForgetfulSAC, ForgetfulActorSAC])
def test_a_memory_that_is_not_carried_on_is_caught(agent_class):
    *_, logs = init_and_train(sac(torso("gru"), learning_rate=0.01, agent_class=agent_class), num_steps=256)
    assert logs["replay/error"].max() > 1e-4


@pytest.mark.parametrize("head", [heads.DuelingQNetwork, heads.C51])
def test_other_heads_of_discrete_actions(head):
    before, after, logs = init_and_train(sac(torso("mlp"), head=head), num_steps=256)
    assert np.isfinite(logs["sac/critic_loss"]).all()
    assert not equal(before.params["critic"], after.params["critic"])


# --- targets ----------------------------------------------------------------------------------------------------------


def test_expectations_by_hand():
    q = jnp.array([[[[1.0, 5.0]]], [[[3.0, 2.0]]]])  # [2 critics, 1, 1, 2 actions]; the smaller: 1 and 2
    both = WeightedActions(None, jnp.array([[[0.25, 0.75]]]), jnp.log(jnp.array([[[0.25, 0.75]]])))
    assert both.expected(q).tolist() == [[0.25 * 1 + 0.75 * 2]]
    np.testing.assert_allclose(both.entropy, [[-0.25 * np.log(0.25) - 0.75 * np.log(0.75)]], rtol=1e-6)
    drawn = WeightedActions(jnp.zeros((1, 1, 3)), jnp.ones((1, 1, 1)), jnp.full((1, 1, 1), -2.0))
    assert drawn.expected(q[..., 0]).tolist() == [[1.0]]
    assert drawn.entropy.tolist() == [[2.0]]


class BlindTargetSAC(SAC):
    """Its target critics never read a window's first observation: broken on purpose."""

    def _target_values(self, target_params, inputs, carry, policy):
        inputs = inputs.replace(observation=inputs.observation.at[:, 0].set(0.0))
        return super()._target_values(target_params, inputs, carry, policy)


class EmptyTargetSAC(SAC):
    """Its target critics begin every window in an empty memory: broken on purpose."""

    def _target_values(self, target_params, inputs, carry, policy):
        return super()._target_values(target_params, inputs, jax.tree.map(jnp.zeros_like, carry), policy)


def losses_without_rewards(agent):
    """The critics' loss in windows where nothing is earned or ends and both critics are the same: with gamma 1, half of
    the squared distance of each value from what the critics expect one step later. As it is, and as that formula."""

    def program(key):
        state = agent.warmup(key, agent.init(key), 256)
        sample = agent.buffer.sample(state.replay, key)
        steps, flat = sample.experience, jnp.zeros_like(sample.experience.cut)
        seen = steps.timestep.observation.at[:, 0].set(3.0)
        timestep = steps.timestep.replace(observation=seen, start=flat)
        steps = steps.replace(timestep=timestep, reward=0 * steps.reward, terminated=flat, cut=flat)
        window = (state.statistics, steps, sample.carry, key)
        losses, _ = agent._losses(state.params, state.target_params, *window)
        inputs = agent._inputs(state.statistics, timestep)
        _, distribution, features, _ = agent._read(state.params, inputs, sample.carry)
        policy, critic = weighted_actions(distribution, key), state.params["critic"]
        after = policy.expected(agent.networks.value(critic, features, policy.action)[0]) + 0.1 * policy.entropy
        chosen = agent.networks.chosen(agent.networks.value(critic, features, steps.action)[0], steps.action)
        return losses["critic_loss"], 0.5 * jnp.square(chosen[:, :, :-1] - after[:, 1:]).mean((1, 2)).sum()

    return once(program, jax.random.key(0))


@pytest.mark.parametrize(
    ("agent_class", "agrees"), [(SAC, True), (BlindTargetSAC, False), (EmptyTargetSAC, False)], ids=lambda x: str(x)
)
@pytest.mark.parametrize("kind", CLOCKS)
def test_targets_begin_where_the_values_begin(kind, agent_class, agrees):
    """A cue in the first observation, and the memory stored with it, are in every later value of both critics."""
    task = (Clock(cut=False, actions=CLOCKS[kind]), ClockParams(length=50))
    agent = sac(torso("gru"), task, agent_class=agent_class, burn_in=0, gamma=1.0, temperature=0.1)
    got, expected = losses_without_rewards(agent)
    assert np.allclose(got, expected, rtol=1e-4) == agrees


def test_burn_in_is_a_longer_unroll_without_gradient():
    agent, whole = (sac(torso("gru"), burn_in=n, sequence_length=12 + 4 - n) for n in (4, 0))

    def program(key):
        state = agent.warmup(key, agent.init(key), 256)
        sample = agent.buffer.sample(state.replay, key)
        inputs = agent._inputs(state.statistics, sample.experience.timestep)

        def outputs(agent, skipped, params):
            read = functools.partial(agent._read, params)
            distribution, features, _ = agent._after_burn_in(read, inputs, sample.carry)
            return distribution.logits[:, skipped:], features[:, skipped:]

        total = lambda *arguments: sum(output.sum() for output in outputs(*arguments))  # noqa: E731
        first = lambda *arguments: outputs(*arguments)[0][..., 0].sum() + total(*arguments)  # noqa: E731
        both = ((agent, 0), (whole, 4))
        return [outputs(*of, state.params) for of in both], [
            jax.grad(functools.partial(first, *of))(state.params) for of in both
        ]

    (late, expected), gradients = once(program, jax.random.key(0))
    for a, b in zip(late, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for name in ("actor", "critic"):
        recurrent = [g[name]["params"]["torso"]["cell"]["recurrent"] for g in gradients]
        assert not np.allclose(*recurrent)


# --- what moves what --------------------------------------------------------------------------------------------------


class FlatteringSAC(SAC):
    """Its critics learn to value what the actor does: broken on purpose."""

    def _actor_loss(self, params, features, policy, temperature):
        q, _ = self.networks.value(params["critic"], features, policy.action)
        return -(policy.expected(q) + temperature * policy.entropy).mean()


def moved(agent):
    """loss -> the parameters that it has a gradient for."""

    def program(key):
        state = agent.warmup(key, agent.init(key), 256)
        sample = agent.buffer.sample(state.replay, key)
        window = (state.statistics, sample.experience, sample.carry, key)
        return jax.jacrev(lambda params: agent._losses(params, state.target_params, *window)[0])(state.params)

    gradients = once(program, jax.random.key(0))
    return {
        loss: {name for name in parts if any(np.any(leaf != 0) for leaf in jax.tree.leaves(parts[name]))}
        for loss, parts in gradients.items()
    }


@pytest.mark.parametrize("kind", KINDS)
def test_each_loss_moves_its_own_network(kind):
    expected = {"actor_loss": {"actor"}, "critic_loss": {"critic"}, "temperature_loss": {"log_temperature"}}
    assert moved(sac(torso("mlp"), KINDS[kind])) == {**expected, "auxiliary_loss": set()}


def test_an_actor_loss_that_moves_the_critics_is_caught():
    assert moved(sac(torso("mlp"), agent_class=FlatteringSAC))["actor_loss"] == {"actor", "critic"}


@pytest.mark.parametrize("kind", KINDS)
def test_learning_rate_zero_changes_no_parameter(kind):
    before, after, logs = init_and_train(sac(torso("mlp"), KINDS[kind], learning_rate=0.0), num_steps=256)
    assert equal(before.params, after.params)
    for a, b in zip(jax.tree.leaves(before.target_params), jax.tree.leaves(after.target_params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)  # an average of equal numbers, rounded
    assert logs["sac/updates"].max() > 0


def test_two_optimizers():
    base = sac(torso("mlp"))
    networks = (base.networks.actor, base.networks.critic)
    agent = SAC(base.config, base.env, base.env_params, *networks, optax.adam(1e-3), optax.sgd(0.0))
    before, after, _ = init_and_train(agent, num_steps=256)
    assert equal(before.params["critic"], after.params["critic"])
    assert not equal(before.params["actor"], after.params["actor"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_state_goes_on_bit_for_bit_and_evaluation_only_reads_it(kind):
    agent = sac(torso("gru"), KINDS[kind])

    def program(key, state):
        return agent.train(key, state, 128), agent.evaluate(key, state, 3)

    state = once(lambda key: agent.warmup(key, agent.init(key), 128), jax.random.key(0))
    run = jax.jit(program).lower(jax.random.key(1), state).compile({"xla_backend_optimization_level": 0})
    copy = jax.tree.map(np.array, jax.tree.leaves(state))
    straight, evaluation = run(jax.random.key(1), state)
    restored = jax.tree.unflatten(jax.tree.structure(state), [jnp.asarray(leaf) for leaf in copy])
    assert equal((straight, evaluation), run(jax.random.key(1), restored))
    assert equal(copy, state)
    assert evaluation.lengths.tolist() == [{"discrete": 51, "continuous": 5}[kind]] * 3
    assert not equal(straight.params, state.params)


@pytest.mark.parametrize("kind", KINDS)
def test_deterministic_evaluation_does_the_mode(kind):
    agent = sac(torso("gru"), KINDS[kind])

    def program(key):
        state, keys = agent.init(key), jax.random.split(key, 8)
        draw = lambda key, mode: agent._draw(key, state, state.timestep, state.carry, mode)[1]  # noqa: E731
        return [jax.vmap(lambda key, mode=mode: draw(key, mode))(keys) for mode in (True, False)]

    best, drawn = once(program, jax.random.key(0))
    assert (best == best[0]).all()
    assert not (drawn == drawn[0]).all()
