"""Normalised observations and rewards: the numbers, when they change, and who reads them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.agents import init_and_train, once, ppo, torso
from memorax.algorithms import PPO
from memorax.algorithms.acting import Timestep
from memorax.algorithms.statistics import (
    CLIP,
    initial_statistics,
    merged,
    no_moments,
    normalize_observation,
    normalize_reward,
    updated,
)
from memorax.environments.spaces import Box, Dict, Discrete, Tuple

BOTH = {"normalize_observations": True, "normalize_rewards": True}
SPACE = Dict({"card": Discrete(3), "pair": Tuple((Box(-1, 1, (2,)), Discrete(2)))})


def test_moments_merge_to_those_of_all_values_together():
    parts = [np.random.default_rng(i).normal(5 * i, 1 + i, (7, 4 + i, 3)).astype(np.float32) for i in range(3)]
    moments = no_moments((3,))
    assert moments.scale.tolist() == [1, 1, 1]
    for part in parts:
        moments = merged(moments, jnp.array(part))
    everything = np.concatenate([part.reshape(-1, 3) for part in parts])
    assert moments.count == len(everything)
    np.testing.assert_allclose(moments.mean, everything.mean(0), rtol=1e-5)
    np.testing.assert_allclose(moments.scale, everything.std(0), rtol=1e-5)


def observations(keys: int):
    rng = np.random.default_rng(keys)
    pair = (jnp.array(rng.normal(3, 2, (5, 4, 2)), jnp.float32), jnp.array(rng.integers(0, 2, (5, 4))))
    return {"card": jnp.array(rng.integers(0, 3, (5, 4))), "pair": pair}


def timesteps(observation, start, rewards) -> Timestep:
    return Timestep(observation, jnp.array(start), jnp.zeros(np.shape(start), int), jnp.array(rewards))


def test_only_boxes_are_normalised_and_far_values_are_cut():
    seen = observations(0)
    statistics = initial_statistics(SPACE, 4, True, False)
    first = timesteps(seen, np.zeros((5, 4), bool), np.zeros((5, 4)))
    last = jax.tree.map(lambda leaf: leaf[0], first)
    statistics = updated(statistics, first, last, 0.9)
    out = normalize_observation(statistics, seen)
    box = np.asarray(out["pair"][0]).reshape(-1, 2)
    np.testing.assert_allclose([box.mean(0), box.std(0)], [[0, 0], [1, 1]], atol=1e-5)
    assert out["card"] is seen["card"]
    assert out["pair"][1] is seen["pair"][1]
    far = {**seen, "pair": (seen["pair"][0] + 1e6, seen["pair"][1])}
    assert jnp.all(normalize_observation(statistics, far)["pair"][0] == CLIP)


def test_rewards_are_scaled_by_the_discounted_return_by_hand():
    """gamma 0.5, one environment, rewards 1, 2, 4, an episode beginning before the third: running 1, 2.5, 4."""
    statistics = initial_statistics(Discrete(2), 1, False, True)
    start, previous = [[True], [False], [True]], [[9.0], [1.0], [2.0]]  # the 9 belongs to the episode before
    rollout = timesteps(jnp.zeros((3, 1), int), start, previous)
    last = timesteps(jnp.zeros(1, int), [False], [4.0])
    statistics = updated(statistics, rollout, last, 0.5)
    assert statistics.reward.running.tolist() == [4.0]
    np.testing.assert_allclose(statistics.reward.moments.scale, np.std([1, 2.5, 4]), rtol=1e-5)
    np.testing.assert_allclose(normalize_reward(statistics, jnp.array([3.0])), [3 / np.std([1, 2.5, 4])], rtol=1e-5)
    # The next rollout goes on with the episode: 0.5 * 4 + 1.
    again = updated(statistics, timesteps(jnp.zeros((1, 1), int), [[False]], [[4.0]]), last.replace(
        previous_reward=jnp.array([1.0])), 0.5)  # fmt: skip
    assert again.reward.running.tolist() == [3.0]


def test_switched_off_they_hold_nothing_and_change_nothing():
    statistics = initial_statistics(SPACE, 4, False, False)
    assert jax.tree.leaves(statistics) == []
    seen = observations(1)
    assert normalize_observation(statistics, seen) is seen


@pytest.fixture(scope="module")
def agent():
    """CartPole: a Box to normalise, and cut episodes that are bootstrapped."""
    return ppo(torso("gru"), task="gymnax::CartPole-v1", task_options={"max_steps_in_episode": 15}, **BOTH)


@pytest.fixture(scope="module")
def trained(agent):
    return init_and_train(agent, num_steps=4 * 256)


def test_replay_equals_rollout_while_the_statistics_move(trained):
    before, after, logs = trained
    assert logs["replay/error"].max() < 1e-5
    assert before.statistics.observation.count == 0
    assert after.statistics.observation.count == after.statistics.reward.moments.count == 4 * 256
    assert jnp.all(jnp.abs(after.statistics.observation.scale - 1) > 0.1)


class EagerPPO(PPO):
    """Learns with statistics that have moved since it acted: broken on purpose."""

    def _loss(self, params, statistics, batch, advantage, carry):
        moments = statistics.observation
        moved = statistics.replace(observation=moments.replace(mean=moments.mean + 0.1))
        return super()._loss(params, moved, batch, advantage, carry)


def test_statistics_that_move_between_acting_and_learning_are_caught():
    broken = ppo(torso("gru"), task="gymnax::CartPole-v1", agent_class=EagerPPO, **BOTH)
    assert init_and_train(broken)[2]["replay/error"].max() > 1e-3


def test_logged_returns_stay_raw(trained):
    logs = trained[2]
    assert logs["episode/return_sum"].sum() == logs["episode/length_sum"].sum() > 0  # one a step


def test_warmup_gathers_and_evaluation_reads(agent, trained):
    def program(key):
        state = agent.init(key)
        warm = agent.warmup(key, state, 256)
        moments = warm.statistics.observation
        blind = moments.replace(squares=moments.squares * 1e12)  # every observation looks the same
        # a policy that depends strongly on what it sees
        seeing = warm.replace(params=jax.tree.map(lambda leaf: 5 * leaf, warm.params))
        blinded = seeing.replace(statistics=warm.statistics.replace(observation=blind))
        return state.params, warm, [agent.evaluate(key, s, 8).returns for s in (seeing, seeing, blinded)]

    params, warm, (first, second, blind) = once(program, jax.random.key(0))
    assert warm.statistics.observation.count == 256
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, params, warm.params)))
    assert first.tolist() == second.tolist() != blind.tolist()
