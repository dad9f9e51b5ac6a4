"""Stream AC and QRC: what their traces add up to, by hand and by the forward view; when they are cleared."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fixtures.agents import equal, linear, of_observation, once, torso
from fixtures.cues import probe
from fixtures.probes import Clock, ClockParams
from fixtures.streams import PLAIN, lived, notes, qrc, stream_ac
from memorax.algorithms import QRC, StreamAC
from memorax.algorithms.returns import generalized_advantages
from memorax.algorithms.streaming import Followed
from memorax.networks import SequenceModelWrapper

GAMMA = 0.9
KEY = jax.random.key(0)


class NeverCleared(StreamAC):
    """Traces go on into the next episode: broken on purpose."""

    def _carried_on(self, traces, done):
        return traces


def both_views(cut, td_lambda, agent_class=StreamAC):
    """Of three episodes of two streams, at fixed parameters: the sum of the streams' gradients, and the gradient of

    sum_t A_t (log pi(a_t | o_t) + v(o_t)),   A_t = sum_k (gamma lambda)^k delta_{t+k} within the episode
    """
    agent = stream_ac(
        torso("mlp"), task=(Clock(cut=cut), ClockParams()), optimizer=notes(), agent_class=agent_class,
        make_network=of_observation, num_envs=2, gamma=GAMMA, td_lambda=td_lambda, entropy_coefficient=0.0, **PLAIN,
    )  # fmt: skip

    def program(key):
        state = agent.init(key)
        after, (before, then) = lived(agent, key, state, 15)
        backward = after.optimizer_state[0]
        before, then = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), (before, then))  # [2, 15]

        def forward(params):
            _, distribution, value, _ = agent.networks.apply(
                params, agent._inputs(state.statistics, before), state.carry
            )
            last = jax.tree.map(lambda leaf: leaf[:, -1], before).replace(observation=jnp.full((2, 1), 0.5))
            final = agent._value(params, state.statistics, last, state.carry)
            reward = then.previous_reward + GAMMA * cut * then.start * final[:, None]
            advantage = generalized_advantages(reward, then.start, value, jnp.zeros(2), GAMMA, td_lambda)
            log_prob = distribution.log_prob(then.previous_action)
            return (jax.lax.stop_gradient(advantage) * (log_prob + value)).sum(1).mean()

        return backward, jax.grad(forward)(state.params)

    return once(program, KEY)


def distance(a, b):
    return max(float(np.abs(x + y).max()) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@pytest.mark.parametrize("td_lambda", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("cut", [True, False], ids=["limit", "end"])
def test_traces_add_up_to_the_forward_view(cut, td_lambda):
    """With lambda = 1 these are the gradients of Monte-Carlo returns."""
    backward, forward = both_views(cut, td_lambda)
    assert distance(backward, forward) < 1e-4  # one is to be descended, one ascended
    assert max(float(np.abs(leaf).max()) for leaf in jax.tree.leaves(forward)) > 0.1


def test_a_trace_that_outlives_its_episode_is_caught():
    assert distance(*both_views(False, 0.7, NeverCleared)) > 1e-2


def test_two_steps_by_hand():
    """Episodes of two steps, a linear critic v = w x + b with x = (0, 0.1): z_1 = grad v_1 + gamma lambda grad v_0."""
    agent = stream_ac(
        linear(), task=(Clock(cut=False), ClockParams(length=2)), optimizer=notes(), make_network=of_observation,
        gamma=0.5, td_lambda=0.5, entropy_coefficient=0.0, **PLAIN,
    )  # fmt: skip

    def critic(tree):
        head = tree["params"]["second"]["value"]
        return head["kernel"].ravel()[0], head["bias"].ravel()[0]

    def program(key):
        state = agent.init(key)
        one, two = (lived(agent, key, state, steps)[0] for steps in (1, 2))
        return *critic(state.params), critic(one.traces), critic(two.traces), critic(two.optimizer_state[0])

    w, b, (kernel, bias), cleared, (d_kernel, d_bias) = jax.tree.map(np.asarray, once(program, KEY))
    assert (kernel.item(), bias.item()) == (0.0, 1.0)  # after the first step: x = 0
    assert not np.any(cleared)
    error = [1 + 0.5 * (0.1 * w + b) - b, 1 - (0.1 * w + b)]
    assert d_kernel == pytest.approx(-error[1] * 0.1, rel=1e-5)
    assert d_bias == pytest.approx(-(error[0] * 1 + error[1] * (1 + 0.25)), rel=1e-5)


@pytest.mark.parametrize("reward", [5.0, -5.0])
def test_the_entropy_is_raised_whatever_the_sign_of_the_error(reward):
    """Its part of the step is |delta| tau grad H."""

    def program(key, tau):
        agent = stream_ac(torso("mlp"), task=probe(2, 1), entropy_coefficient=tau, **PLAIN)
        state = agent.init(key)
        reading = agent._read(key, state)
        followed = Followed(state.timestep, reading.carry, jnp.full(1, reward), jnp.zeros(1))
        only = {name: jnp.full(1, float(name == "entropy")) for name in reading.outputs}
        learnt = agent._learn(state, reading, followed)
        return learnt.gradient, reading.pull(only), learnt.td_error

    (gradient, entropy, error), (without, *_) = (
        once(lambda key, tau=tau: program(key, tau), KEY) for tau in (2.0, 0.0)
    )
    for a, b, ascent in zip(*map(jax.tree.leaves, (gradient, without, entropy)), strict=True):
        np.testing.assert_allclose(a - b, -2.0 * np.abs(error) * ascent[0], atol=1e-5)
    assert np.sign(error) == np.sign(reward)
    assert any(np.abs(leaf).max() > 1e-4 for leaf in jax.tree.leaves(entropy))


class Penalised(nn.Module):
    """Hands features on, and sows a loss w^2, with w = 3, that has nothing to do with them."""

    @nn.compact
    def __call__(self, x):
        self.sow("losses", "penalty", self.param("w", nn.initializers.constant(3.0), ()) ** 2)
        return x


@pytest.mark.parametrize("learner", [stream_ac, qrc])
def test_an_auxiliary_loss_is_descended(learner):
    """By stream AC as far as the error is large, with the trace; by QRC as it is."""
    body = SequenceModelWrapper(Penalised())
    agent = learner(body, task=probe(2, 1), optimizer=notes(), make_network=of_observation, **PLAIN)

    def program(key):
        after, (metrics, _) = agent._learning_step(agent.init(key), key)
        return after.optimizer_state[0], metrics

    gradient, metrics = once(program, KEY)
    (size,) = (np.asarray(leaf) for leaf in jax.tree.leaves(gradient) if np.ndim(leaf) == 0)
    assert metrics["auxiliary_loss"] == 9.0
    assert size == pytest.approx(6.0 * (float(metrics["td_error"]) if learner is stream_ac else 1.0), rel=1e-5)
    assert metrics["td_error"] > 0.01


# --- QRC --------------------------------------------------------------------------------------------------------------

SETTINGS = {"gamma": 0.8, "td_lambda": 0.7, "regularization": 0.5, "correction_rate": 0.3}
CHOOSE = {"epsilon_start": 0.5, "epsilon_end": 0.5}
RATE = 0.1


def by_numpy(w, theta, before, then):
    """TDRC with traces on linear q = x w, h = x theta, written as in the papers; x ends with a 1 for the biases."""
    z_w, z_theta, z = np.zeros_like(w), np.zeros_like(theta), 0.0
    greedy_steps = 0
    for i in range(len(before.observation)):
        x, x_next = (np.append(t.observation[i, 0], 1.0) for t in (before, then))
        action, reward, over = then.previous_action[i, 0], then.previous_reward[i, 0], then.start[i, 0]
        phi = np.outer(x, np.eye(2)[action])
        greedy = action == (x @ w).argmax()
        greedy_steps += greedy
        decay = SETTINGS["gamma"] * SETTINGS["td_lambda"] * greedy
        best = (x_next @ w).argmax()
        discount = SETTINGS["gamma"] * (not over)
        delta = reward + discount * (x_next @ w)[best] - (x @ w)[action]
        grad_delta = discount * np.outer(x_next, np.eye(2)[best]) - phi
        h = (x @ theta)[action]
        z, z_w, z_theta = decay * z + h, decay * z_w + phi, decay * z_theta + phi
        step_w = delta * z_w - h * phi - z * grad_delta
        step_theta = delta * z_theta - h * phi - SETTINGS["regularization"] * theta
        w, theta = w + RATE * step_w, theta + RATE * SETTINGS["correction_rate"] * step_theta
        if over:
            z, z_w, z_theta = 0.0, np.zeros_like(w), np.zeros_like(theta)
    assert 0 < greedy_steps < len(before.observation)
    return w, theta


class Uncut(QRC):
    """Traces go on through actions that were not greedy: broken on purpose."""

    def _learn(self, state, reading, followed):
        return super()._learn(state, dataclasses.replace(reading, rest=(jnp.ones(1, bool),)), followed)


def weights(params):
    heads = params["params"]["network"]["head"], params["params"]["correction"]
    return [np.vstack([head["values"]["kernel"], head["values"]["bias"]]).astype(np.float64) for head in heads]


@pytest.mark.parametrize(("agent_class", "agrees"), [(QRC, True), (Uncut, False)], ids=["qrc", "uncut"])
def test_qrc_is_tdrc_on_a_linear_problem(agent_class, agrees):
    agent = qrc(
        linear(), task=probe(2, 2), optimizer=optax.sgd(RATE), agent_class=agent_class, make_network=of_observation,
        **SETTINGS, **CHOOSE, **PLAIN,
    )  # fmt: skip

    def program(key):
        state = agent.init(key)
        after, steps = lived(agent, key, state, 40)
        return state.params, after.params, steps

    first, last, steps = jax.tree.map(np.asarray, once(program, KEY))
    expected = by_numpy(*weights(first), *steps)
    apart = max(np.abs(a - b).max() for a, b in zip(weights(last), expected, strict=True))
    assert (apart < 1e-5) == agrees
    assert agrees or apart > 1e-3


def test_the_correction_head_has_weights_of_its_own_and_moves_no_feature():
    agent = qrc(torso("gru"), num_envs=2)

    def program(key):
        state = agent.init(key)
        reading = agent._read(key, state)
        ones = {name: jnp.full(2, float(name == "correction")) for name in reading.outputs}
        return state.params, reading.pull(ones)

    params, gradient = once(program, KEY)
    assert not equal(params["params"]["network"]["head"], params["params"]["correction"])
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(gradient["params"]["network"]))
    assert all(np.any(leaf) for leaf in jax.tree.leaves(gradient["params"]["correction"]))
