"""Heads: what they draw, by hand and by reduction to a simpler one."""

import jax
import jax.numpy as jnp
import numpy as np

from fixtures.agents import once
from memorax.algorithms.acting import to_space
from memorax.environments.spaces import Box, Discrete, MultiDiscrete
from memorax.networks import heads


def draw(head, key, features=5):
    """A distribution with batch shape [2, 3] from weights that are not nearly zero, and many draws of it."""

    def program(key):
        y = jax.random.normal(key, (2, 3, features))
        params = jax.tree.map(lambda leaf: 100 * leaf, head.init(key, y))
        distribution = head.apply(params, y)
        drawn, log_prob = distribution.sample_and_log_prob(seed=key, sample_shape=(4000,))
        sliced = distribution[:, 0]
        return drawn, log_prob, distribution.entropy(), distribution.mode(), sliced.log_prob(drawn[0, :, 0])

    return once(program, key)


def test_entries_of_a_multi_categorical_are_independent_categoricals():
    drawn, log_prob, entropy, mode, sliced = draw(heads.MultiCategorical(action_dims=(2, 4)), jax.random.key(0))
    assert drawn.shape == (4000, 2, 3, 2)
    assert drawn.dtype == jnp.int32
    assert MultiDiscrete((2, 4)).contains(drawn, (4000, 2, 3))  # what pads the shorter entry is never drawn
    counts = np.zeros((2, 4))
    np.add.at(counts, (np.asarray(drawn[:, 0, 0, 0]), np.asarray(drawn[:, 0, 0, 1])), 1)
    joint = counts / counts.sum()
    np.testing.assert_allclose(joint, joint.sum(1, keepdims=True) * joint.sum(0), atol=0.03)
    # Entropy and log-probability are sums over the entries: the mean of -log p is the entropy.
    np.testing.assert_allclose(-log_prob.mean(0), entropy, atol=0.06)
    assert np.isfinite(log_prob).all()
    assert mode.shape == (2, 3, 2)
    np.testing.assert_allclose(sliced, log_prob[0, :, 0], rtol=1e-5)


def test_one_entry_is_a_categorical():
    y = jax.random.normal(jax.random.key(1), (2, 3, 5))

    def program(key):
        multi, plain = heads.MultiCategorical(action_dims=(4,)), heads.Categorical(action_dim=4)
        params = multi.init(key, y)
        actions = jnp.arange(6).reshape(2, 3) % 4
        return multi.apply(params, y).log_prob(actions[..., None]), plain.apply(params, y).log_prob(actions)

    multi, plain = once(program, jax.random.key(0))
    np.testing.assert_allclose(multi, plain, rtol=1e-6)


def test_a_gaussian_begins_at_unit_deviation():
    drawn, log_prob, entropy, mode, _ = draw(heads.Gaussian(action_dim=2), jax.random.key(0))
    np.testing.assert_allclose(drawn.mean(0), mode, atol=0.08)
    np.testing.assert_allclose(drawn.std(0), 1.0, atol=0.05)
    np.testing.assert_allclose(entropy, np.log(2 * np.pi * np.e), rtol=1e-5)
    np.testing.assert_allclose(log_prob[0], -0.5 * ((drawn[0] - mode) ** 2).sum(-1) - np.log(2 * np.pi), rtol=1e-4)


def test_actions_of_unit_scale_are_mapped_onto_the_space():
    box = Box(np.array([-2.0, 0.0]), np.array([2.0, 1.0]), (2,))
    drawn = jnp.array([[-1.0, 1.0], [0.5, -0.5], [9.0, -9.0]])
    np.testing.assert_allclose(to_space(box, drawn), [[-2, 1], [1, 0.25], [2, 0]])
    assert box.contains(to_space(box, drawn), (3,))
    unbounded = Box(-np.inf, np.inf, (2,))
    np.testing.assert_array_equal(to_space(unbounded, drawn), drawn)
    assert to_space(Box(-1.0, 1.0), jnp.array([[0.5], [2.0]])).tolist() == [0.5, 1.0]
    assert to_space(Discrete(3), 2) == 2
