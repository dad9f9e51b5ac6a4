"""ObGD: its numbers by hand, its bound, and that behind plain steps it is the paper's."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from memorax.algorithms.obgd import bounded, obgd


def step(optimizer, gradient, *td_error):
    params = jax.tree.map(jnp.zeros_like, gradient)
    return optimizer.update(gradient, optimizer.init(params), params, td_error=jnp.array(td_error))[0]


@pytest.mark.parametrize(
    ("td_error", "trace", "learning_rate", "expected"),
    [
        (0.5, [0.1, -0.1], 1.0, [0.05, -0.05]),  # alpha kappa 1 |z| = 0.4: not bounded
        (0.5, [3.0, -1.0], 1.0, [0.1875, -0.0625]),  # 1 / (2 * 1 * 4) * 0.5 * z
        (-4.0, [3.0, -1.0], 1.0, [-0.375, 0.125]),  # 1 / (2 * 4 * 4) * -4 * z
        (-4.0, [3.0, -1.0], 0.01, [-0.12, 0.04]),  # alpha kappa 4 * 4 = 0.32: not bounded
        (0.0, [3.0, -1.0], 1.0, [0.0, 0.0]),
    ],
)
def test_by_hand(td_error, trace, learning_rate, expected):
    gradient = {"w": -td_error * jnp.array(trace)}
    change = step(obgd(optax.sgd(learning_rate), kappa=2.0), gradient, td_error)
    np.testing.assert_allclose(change["w"], expected, rtol=1e-6)


def test_it_is_the_papers_step_size_over_all_parameters():
    """alpha' = alpha / max(1, alpha kappa max(|delta|, 1) |z|_1), with z spread over several leaves."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        z = {"a": rng.normal(size=(2, 3)), "b": {"c": rng.normal(size=4)}}
        delta, alpha, kappa = rng.normal() * 3, 10 ** rng.uniform(-3, 1), rng.uniform(0.5, 4)
        length = sum(np.abs(leaf).sum() for leaf in jax.tree.leaves(z))
        size = alpha / max(1, alpha * kappa * max(abs(delta), 1) * length)
        gradient = jax.tree.map(lambda leaf, delta=delta: -delta * jnp.array(leaf, jnp.float32), z)
        change = step(obgd(optax.sgd(alpha), kappa), gradient, delta)
        for got, leaf in zip(jax.tree.leaves(change), jax.tree.leaves(z), strict=True):
            np.testing.assert_allclose(got, size * delta * leaf, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("optimizer", [optax.sgd(30.0), optax.adam(1.0)], ids=["sgd", "adam"])
def test_the_bound_it_promises(optimizer):
    """|u|_1 <= mean min(|delta|, 1) / kappa, whatever the optimizer wants; the direction is its own."""
    rng = np.random.default_rng(1)
    for errors in ([0.3], [-7.0], [0.0, 2.0, -0.1]):
        gradient = {"a": jnp.array(rng.normal(size=(3, 2)), jnp.float32), "b": jnp.array([5.0, -1.0])}
        free, change = (
            step(optax.with_extra_args_support(optimizer), gradient, 0.0),
            step(obgd(optimizer, 3.0), gradient, *errors),
        )
        length = sum(float(jnp.abs(leaf).sum()) for leaf in jax.tree.leaves(change))
        assert length == pytest.approx(np.minimum(np.abs(errors), 1).mean() / 3.0, rel=1e-5)
        np.testing.assert_allclose(change["a"] / change["b"][0], free["a"] / free["b"][0], rtol=1e-4)


def test_no_error_no_step_though_the_optimizer_has_momentum():
    change = bounded({"w": jnp.array([0.1, -0.1])}, jnp.zeros(1), 2.0)
    assert change["w"].tolist() == [0.0, 0.0]


def test_a_step_that_is_bounded_at_one_does_not_overshoot_a_linear_value():
    """With features of at most 1 and kappa = 1 the error after the step has no other sign."""
    rng = np.random.default_rng(2)
    for _ in range(20):
        features, weights = rng.uniform(-1, 1, 5), rng.normal(size=5)
        error = rng.normal() * 5 - features @ weights
        change = step(obgd(optax.sgd(100.0), 1.0), {"w": jnp.array(-error * features, jnp.float32)}, error)
        assert error * (error - features @ np.array(change["w"])) >= -1e-5
