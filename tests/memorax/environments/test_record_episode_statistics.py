"""What the statistics say at and around the boundary of an episode."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments import make
from memorax.environments.wrappers import RecordEpisodeStatistics


def run(env, params, num_steps, key):
    """A random trajectory: `(observations, rewards, done, info)`, each leading with `[T]`."""
    action_space = env.action_space(params)

    def step(state, key):
        action_key, step_key = jax.random.split(key)
        action = action_space.sample(action_key)
        observation, state, reward, terminated, truncated, info = env.step(step_key, state, action, params)
        return state, (observation, reward, terminated | truncated, info)

    reset_key, scan_key = jax.random.split(key)
    return jax.lax.scan(step, env.reset(reset_key, params)[1], jax.random.split(scan_key, num_steps))[1]


@pytest.mark.parametrize("name", ["gymnax::CartPole-v1", "gymnax::Pendulum-v1", "popgym::HigherLowerEasy"])
def test_statistics_are_the_running_sums_of_the_episode_and_nothing_else_changes(name):
    inner, params = make(name)
    env = RecordEpisodeStatistics(inner)
    program = jax.jit(lambda key: (run(inner, params, 450, key), run(env, params, 450, key)))
    (plain, (observations, rewards, done, info)) = program(jax.random.key(0))

    for a, b in zip(plain[:3], (observations, rewards, done), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert info["episode"]["return"].dtype == jnp.float32
    assert info["episode"]["length"].dtype == jnp.int32
    assert set(info) == {*plain[3], "episode"}

    expected_return, expected_length, total, length = [], [], np.float32(0), 0
    for reward, ended in zip(np.asarray(rewards), np.asarray(done), strict=True):
        total, length = np.float32(total + reward), length + 1
        expected_return.append(total)
        expected_length.append(length)
        if ended:
            total, length = np.float32(0), 0
    assert np.sum(done) >= 2
    np.testing.assert_array_equal(info["episode"]["length"], expected_length)
    np.testing.assert_allclose(info["episode"]["return"], expected_return, rtol=1e-5, atol=1e-5)
    assert len(set(np.asarray(info["episode"]["return"]).tolist())) > 2


def test_at_the_last_step_the_whole_episode_is_reported_and_the_state_is_zero_again():
    env, params = make("popgym::RepeatFirstEasy")
    env = RecordEpisodeStatistics(env)

    @jax.jit
    def last_two_steps(key):
        state = env.reset(key, params)[1]

        def step(state, key):
            # Answers with the first card: an episode earns exactly 1.
            _, state, _, terminated, _, info = env.step(key, state, state.env_state.first, params)
            return state, (terminated, info["episode"], state.own.episode_return, state.own.episode_length)

        return jax.lax.scan(step, state, jax.random.split(key, 52))[1]

    terminated, episode, state_return, state_length = last_two_steps(jax.random.key(0))
    assert np.flatnonzero(terminated).tolist() == [50]
    np.testing.assert_allclose(episode["return"][49:], [50 / 51, 1, 1 / 51], rtol=1e-5)
    assert episode["length"][49:].tolist() == [50, 51, 1]
    assert state_return[50] == 0
    assert state_length[49:].tolist() == [50, 0, 1]


def test_the_rest_is_forwarded():
    for name in ("gymnax::Pendulum-v1", "popgym::RepeatPreviousHard"):
        inner, params = make(name)
        env = RecordEpisodeStatistics(inner)
        assert env.can_truncate is inner.can_truncate
        assert env.max_episode_steps(params) == inner.max_episode_steps(params)
        assert env.observation_space(params) == inner.observation_space(params)
        assert env.action_space(params) == inner.action_space(params)
        assert env.default_params == inner.default_params
    assert env == RecordEpisodeStatistics(inner)
    assert hash(env) == hash(RecordEpisodeStatistics(inner))
