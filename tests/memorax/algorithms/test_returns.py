"""Advantages and n-step targets, by hand and against plainer formulas."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rlax

from memorax.algorithms.returns import generalized_advantages, lambda_returns, n_step_targets


def test_advantages_by_hand():
    """gamma 0.5, lambda 0.5: delta = [1 + .5*2 - 1, 2 + 0 - 2, 3 + .5*4 - 3] = [1, 0, 2]; the end cuts after step 1."""
    rewards, values = jnp.array([[1.0, 2.0, 3.0]]), jnp.array([[1.0, 2.0, 3.0]])
    done = jnp.array([[False, True, False]])
    advantages = generalized_advantages(rewards, done, values, jnp.array([4.0]), 0.5, 0.5)
    np.testing.assert_allclose(advantages, [[1.0, 0.0, 2.0]])


def test_advantages_with_lambda_one_are_returns_minus_values():
    keys = jax.random.split(jax.random.key(0), 4)
    rewards, values = jax.random.normal(keys[0], (3, 7)), jax.random.normal(keys[1], (3, 7))
    done, last = jax.random.bernoulli(keys[2], 0.3, (3, 7)), jax.random.normal(keys[3], (3,))
    expected, follow = np.zeros((3, 7)), np.array(last)
    for t in reversed(range(7)):
        follow = np.array(rewards[:, t]) + 0.9 * (1 - np.array(done[:, t])) * follow
        expected[:, t] = follow - np.array(values[:, t])
    np.testing.assert_allclose(
        generalized_advantages(rewards, done, values, last, 0.9, 1.0), expected, rtol=2e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    ("td_lambda", "expected"),
    [
        (0.0, [1 + 0.5 * 10, 2.0, 4 + 0.5 * 30]),  # one step
        (1.0, [1 + 0.5 * 2, 2.0, 4 + 0.5 * 30]),  # up to the end
        (0.5, [1 + 0.5 * (2 + 10) / 2, 2.0, 4 + 0.5 * 30]),
    ],
)
def test_lambda_returns_by_hand(td_lambda, expected):
    """gamma 0.5; the episode ends with the second step."""
    rewards, following = jnp.array([[1.0, 2.0, 4.0]]), jnp.array([[10.0, 20.0, 30.0]])
    done = jnp.array([[False, True, False]])
    assert lambda_returns(rewards, done, following, 0.5, td_lambda).tolist() == [expected]


def targets(rewards, values, terminated=(), cut=(), n=3, gamma=0.5):
    time = len(rewards)
    flags = [jnp.zeros(time, bool).at[jnp.array(at, int)].set(True)[None] for at in (terminated, cut)]
    points, weights = n_step_targets(
        jnp.array(values)[None, :, None], jnp.ones((1, time, 1)), jnp.array(rewards)[None], *flags, gamma, n
    )
    assert (weights == 1).all()
    return points[0, :, 0].tolist()


def test_targets_by_hand():
    rewards, values = [1.0, 2.0, 4.0, 8.0, 16.0], [10.0, 20.0, 30.0, 40.0, 50.0]
    assert targets(rewards, values, n=1) == [1 + 10, 2 + 15, 4 + 20, 8 + 25]
    assert targets(rewards, values, n=2) == [1 + 1 + 30 / 4, 2 + 2 + 40 / 4, 4 + 4 + 50 / 4]
    # an end: nothing beyond it
    assert targets(rewards, values, terminated=[1], n=3) == [1 + 1, 2.0]
    # a limit: up to it, and its own value there; the cut step itself is its own value
    assert targets(rewards, values, cut=[2], n=3) == [1 + 1 + 30 / 4, 2 + 30 / 2]
    assert targets(rewards, values, cut=[0], n=1)[0] == 10


def test_targets_are_rlax_s_where_nothing_ends():
    keys = jax.random.split(jax.random.key(0), 2)
    rewards, values = jax.random.normal(keys[0], (9,)), jax.random.normal(keys[1], (10,))
    ours = targets([*rewards.tolist(), 0.0], values.tolist(), n=4, gamma=0.9)
    theirs = rlax.n_step_bootstrapped_returns(rewards, jnp.full(9, 0.9), values[1:], 4)
    np.testing.assert_allclose(ours, theirs[:6], rtol=1e-5)


def test_a_distribution_is_moved_as_a_whole():
    points, weights = n_step_targets(
        jnp.array([[[0.0, 1.0], [2.0, 4.0]]]), jnp.array([[[0.5, 0.5], [0.25, 0.75]]]),
        jnp.array([[1.0, 0.0]]), jnp.zeros((1, 2), bool), jnp.zeros((1, 2), bool), 0.5, 1,
    )  # fmt: skip
    assert points.tolist() == [[[2.0, 3.0]]]
    assert weights.tolist() == [[[0.25, 0.75]]]
