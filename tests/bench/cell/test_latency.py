"""The time of an acting step: what is timed is what the agent does, without what it does not read."""

import jax
import numpy as np
import pytest

from fixtures import agents
from memorax.algorithms import DQN
from memorax.algorithms.acting import first_timestep
from memorax_bench.cell import latency


@pytest.fixture(scope="module")
def dqn():
    """An agent and the states of two seeds."""
    agent = agents.q_learner(DQN, agents.torso("gru"))
    return agent, agents.once(jax.vmap(agent.init), jax.random.split(jax.random.key(0)))


def test_what_is_timed_acts_as_the_agent_of_the_first_seed(dqn):
    agent, states = dqn
    timestep = first_timestep(agent.observation_space.zeros((1,)), agent.action_space)
    arguments = (jax.random.key(1), timestep, agent.networks.initialize_carry(1))
    act, leaves = latency._acting(agent, states, *arguments)
    first = jax.tree.map(lambda leaf: leaf[0], states)
    expected = agents.once(lambda state: agent.act(arguments[0], state, *arguments[1:]), first)
    found = agents.once(act, leaves, *arguments)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    read = len(jax.tree.leaves(first.params)) + 1  # and the step, which says how much is explored
    assert len(leaves) == read < len(jax.tree.leaves(first.params)) + len(jax.tree.leaves(first.replay))


def test_every_step_is_waited_for_and_the_middle_one_counts(dqn, monkeypatch):
    clock = iter(range(10**6))
    ticks = [0.0]

    def now():
        ticks[0] += 0.001 if next(clock) % 2 else 0.0  # a millisecond between the begin and the end of each step
        return ticks[0]

    waited = []
    wait = jax.block_until_ready
    with monkeypatch.context() as patch:
        patch.setattr(latency.jax, "block_until_ready", lambda tree: waited.append(1) or wait(tree))
        patch.setattr(latency.time, "perf_counter", now)
        assert latency.step_seconds(*dqn) == pytest.approx(0.001)
    assert len(waited) == latency._WARM_UP + latency._STEPS
