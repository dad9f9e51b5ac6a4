"""What of a card task may be traced, shared and injected."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments import make
from memorax.environments.popgym.repeat_previous import RepeatPrevious, RepeatPreviousParams


def rewards(env, params, order, actions):
    def step(state, action):
        _, state, reward, *_ = env.step_env(jax.random.key(0), state, action, params)
        return state, reward

    return jax.lax.scan(step, env.reset_with_order(order, params)[1], actions)[1]


def test_a_sweep_over_k_shares_one_program_and_equals_single_environments():
    rng = np.random.default_rng(0)
    order, actions = rng.permutation(np.arange(52) % 4), rng.integers(0, 4, 51)
    traces = []

    def counted(env, params):
        traces.append(1)
        return rewards(env, params, order, actions)

    program = jax.jit(counted, static_argnums=0)
    for k in (1, 3, 4, 16):
        # As a static argument the environment is found again because environments of one capacity are equal.
        env, params = make("popgym::RepeatPrevious", k=k, capacity=16)
        shared = program(env, params)
        tight, tight_params = make("popgym::RepeatPrevious", k=k)
        assert tight.capacity == k
        alone = jax.jit(rewards, static_argnums=0)(tight, tight_params, order, actions)
        np.testing.assert_array_equal(shared, alone)
        np.testing.assert_array_equal(np.flatnonzero(shared), np.arange(k - 1, 51))
        right = actions[k - 1 :] == order[: 52 - k]
        np.testing.assert_allclose(shared[k - 1 :], np.where(right, 1, -1) / (52 - k), rtol=1e-6)
    assert len(traces) == 1

    stacked = RepeatPreviousParams(k=jnp.array([1, 16]), num_decks=jnp.array([1, 1]))
    both = jax.jit(jax.vmap(counted, in_axes=(None, 0)), static_argnums=0)(env, stacked)
    np.testing.assert_array_equal(both[1], shared)


def test_max_episode_steps_of_stacked_params_is_the_largest_and_of_traced_ones_an_error():
    env = RepeatPrevious(4)
    stacked = RepeatPreviousParams(k=jnp.array([1, 2, 3]), num_decks=jnp.array([1, 3, 2]))
    assert env.max_episode_steps(stacked) == 155
    with pytest.raises(ValueError, match=r"num_decks.*traced.*outside of jit"):
        jax.jit(env.max_episode_steps)(stacked)


@pytest.mark.parametrize(("capacity", "num_decks"), [(1, 1), (51, 1), (52, 2), (64, 2)])
def test_default_params_are_playable(capacity, num_decks):
    env = RepeatPrevious(capacity)
    assert env.default_params == RepeatPreviousParams(k=capacity, num_decks=num_decks)
    assert RepeatPrevious.create(k=capacity, num_decks=num_decks) == (env, env.default_params)


@pytest.mark.parametrize("task", ["RepeatPreviousEasy", "RepeatFirstEasy", "HigherLowerEasy"])
def test_an_order_that_is_not_the_whole_deck_is_a_value_error(task):
    env, params = make(f"popgym::{task}")
    with pytest.raises(ValueError, match=r"shape \(51,\); 1 deck\(s\) need \(52,\)"):
        env.reset_with_order(np.zeros(51, np.int32), params)


def test_a_state_with_an_injected_order_cannot_be_auto_reset():
    env, params = make("popgym::RepeatFirstEasy")
    _, state = env.reset_with_order(np.arange(52) % 4, params)
    with pytest.raises(ValueError, match="injected order has no successor episode"):
        env.step(jax.random.key(0), state, jnp.int32(0), params)


@pytest.mark.parametrize("family", ["RepeatPrevious", "RepeatFirst", "HigherLower"])
def test_each_family_states_its_version_and_its_source(family):
    env, _ = make(f"popgym::{family}")
    assert type(env).task_version == 1
    for fact in ("Observation:", "Action:", "Episode:", "Return:", "2303.01859", "popgym 1.0.7"):
        assert fact in type(env).__doc__
