"""Value heads: by hand, and copies that are copies and not the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.agents import network, once, torso
from memorax.networks import Inputs, heads

Y = jax.random.normal(jax.random.key(1), (2, 3, 5))
ACTION = jax.random.normal(jax.random.key(2), (2, 3, 4))


def ran(head, action=None):
    """(parameters, output) as numbers, from biases that are not zero."""

    def program(key):
        params = jax.tree.map(lambda leaf: leaf + 0.1, head.init(key, Y, action)["params"])
        return params, head.apply({"params": params}, Y, action)

    return jax.tree.map(np.float64, once(program, jax.random.key(0)))


def dense(params, x):
    return x @ params["kernel"] + params["bias"]


def test_plain_values_are_linear():
    params, value = ran(heads.VNetwork())
    np.testing.assert_allclose(value, dense(params["value"], Y)[..., 0], rtol=1e-5)
    params, values = ran(heads.DiscreteQNetwork(action_dim=4))
    np.testing.assert_allclose(values, dense(params["values"], Y), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("hidden", [None, 7])
def test_dueling_adds_centred_advantages_to_the_value(hidden):
    params, values = ran(heads.DuelingQNetwork(action_dim=4, hidden=hidden))
    streams = {}
    for name in ("value", "advantage"):
        x = Y if hidden is None else np.maximum(dense(params[f"{name}_hidden"], Y), 0)
        streams[name] = dense(params[name], x)
    advantage = streams["advantage"]
    np.testing.assert_allclose(values.mean(-1), streams["value"][..., 0], rtol=1e-5)
    np.testing.assert_allclose(values, streams["value"] + advantage - advantage.mean(-1, keepdims=True), rtol=1e-4)
    assert values.std(-1).min() > 0.01


def test_a_continuous_q_network_reads_state_and_action_together():
    params, value = ran(heads.ContinuousQNetwork(hidden=(7, 6)), ACTION)
    x = np.concatenate([Y, ACTION], -1)
    for name in ("hidden_0", "hidden_1"):
        x = np.maximum(dense(params[name], x), 0)
    assert value.shape == (2, 3)
    np.testing.assert_allclose(value, dense(params["value"], x)[..., 0], rtol=1e-5)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (None, r"values a given action, and got none: .*also for init"),
        (
            jnp.zeros((2, 4)),
            r"actions of shape \(2, 4\) for features of shape \(2, 3, 5\); it needs \[2, 3, action_dim\]",
        ),
        (jnp.zeros((3, 2, 4)), r"actions of shape \(3, 2, 4\)"),
        (jnp.zeros((2, 3)), r"actions of shape \(2, 3\)"),
        (jnp.zeros((1, 1, 4)), r"actions of shape \(1, 1, 4\)"),
    ],
)
@pytest.mark.parametrize("head", [heads.ContinuousQNetwork(), heads.Twin(heads.ContinuousQNetwork())])
def test_a_missing_or_misshapen_action_is_refused(head, action, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(head.init, jax.random.key(0), Y, action)


@pytest.mark.parametrize(
    ("head", "action"),
    [
        (heads.ContinuousQNetwork(hidden=(7,)), ACTION),
        (heads.DuelingQNetwork(4, hidden=7), None),
        (heads.C51(4, num_atoms=5), None),
        (heads.VNetwork(), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_copy_of_an_ensemble_is_the_head_with_weights_of_its_own(head, action):
    ensemble = heads.Ensemble(head, size=3)

    def program(key):
        params = ensemble.init(key, Y, action)["params"]["head"]
        alone = [head.apply({"params": jax.tree.map(lambda leaf, i=i: leaf[i], params)}, Y, action) for i in range(3)]
        output = ensemble.apply({"params": {"head": params}}, Y, action)
        return params, output, jax.tree.map(lambda *copies: jnp.stack(copies), *alone)

    params, together, alone = once(program, jax.random.key(0))
    for copies, expected in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
        assert copies.shape[:3] == (3, 2, 3)
        np.testing.assert_allclose(copies, expected, rtol=1e-4, atol=1e-6)
    for kernel in (leaf for leaf in jax.tree.leaves(params) if leaf.ndim == 3):
        assert all(np.abs(kernel[i] - kernel[j]).max() > 1e-3 for i, j in ((0, 1), (0, 2), (1, 2)))


def test_twin_is_an_ensemble_of_two_that_a_network_passes_its_action_to():
    assert heads.Twin(heads.VNetwork()) == heads.Ensemble(heads.VNetwork(), size=2)
    critics = network(torso("gru"), heads.Twin(heads.ContinuousQNetwork()))
    inputs = Inputs(Y, jnp.zeros((2, 3), bool), ACTION, jnp.zeros((2, 3)))

    def program(key):
        variables = critics.init(key, inputs, critics.initialize_carry(2), ACTION)
        return critics.apply(variables, inputs, critics.initialize_carry(2), ACTION)

    _, values = jax.eval_shape(program, jax.random.key(0))
    assert values.shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (heads.DiscreteQNetwork(0), "DiscreteQNetwork: action_dim = 0 must be a whole number of at least 1"),
        (heads.DuelingQNetwork(2, hidden=0), "DuelingQNetwork: hidden = 0 must be a whole number"),
        (heads.ContinuousQNetwork(hidden=(4, 0)), r"hidden = \(4, 0\) must be a tuple of whole numbers of at least 1"),
        (heads.ContinuousQNetwork(hidden=4), "hidden = 4 must be a tuple of whole numbers"),
        (heads.Ensemble(heads.VNetwork(), size=0), "Ensemble: size = 0 must be a whole number of at least 1"),
    ],
)
def test_impossible_sizes_are_refused(head, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(head.init, jax.random.key(0), Y, ACTION)
