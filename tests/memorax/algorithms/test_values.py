"""Values: arrays and distributions alike, down to a learner that does not know which it has."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fixtures.agents import once
from memorax.algorithms import values
from memorax.networks import heads

HEADS = {
    "plain": heads.DiscreteQNetwork(2),
    "dueling": heads.DuelingQNetwork(2, hidden=8),
    "c51": heads.C51(2, num_atoms=21, minimum=-1.0, maximum=2.0),
    "hl_gauss": heads.HLGauss(2, num_bins=20, minimum=-2.0, maximum=3.0),
    "quantile": heads.Quantile(2, num_quantiles=4),
}


def test_an_array_is_one_certain_point():
    array = jnp.array([[1.0, -2.0, 3.0]])
    points, probabilities = values.outcomes(array)
    assert values.mean(array) is array
    np.testing.assert_array_equal(points, [[[1.0], [-2.0], [3.0]]])
    np.testing.assert_array_equal(probabilities, np.ones((1, 3, 1)))


def test_the_loss_of_an_array_is_half_its_squared_distance_from_the_mean_of_the_target():
    array, target = jnp.array([[1.0, 2.0]]), jnp.array([[[3.0, 5.0], [2.0, 0.0]]])
    probabilities = jnp.array([[[0.75, 0.25], [0.5, 0.5]]])
    np.testing.assert_allclose(values.loss(array, target, probabilities), [[0.5 * 2.5**2, 0.5]])
    gradients = once(jax.grad(lambda *parts: values.loss(*parts).sum(), (0, 1, 2)), array, target, probabilities)
    np.testing.assert_allclose(gradients[0], [[-2.5, 1.0]])
    assert all((gradient == 0).all() for gradient in gradients[1:])
    copies = jnp.stack([array, array + 1])
    np.testing.assert_allclose(values.loss(copies, target, probabilities)[1], [[0.5 * 1.5**2, 2.0]])


def test_select_of_an_array_is_indexing():
    array, action = jnp.arange(48.0).reshape(2, 2, 3, 4), jnp.array([[0, 3, 1], [2, 2, 0]])
    batch, time = np.ogrid[:2, :3]
    np.testing.assert_array_equal(values.select(array[0], action), np.asarray(array[0])[batch, time, action])
    np.testing.assert_array_equal(values.select(array, action), np.asarray(array)[:, batch, time, action])


def test_shapes_that_would_broadcast_are_refused():
    for wrong in ((1, 1, 1), (3, 2, 1), (2, 1), (2, 3, 4, 1)):
        with pytest.raises(ValueError, match=r"loss: values of shape \(2, 3\) need a target"):
            values.loss(jnp.zeros((2, 3)), jnp.zeros(wrong), jnp.ones(wrong))
    with pytest.raises(ValueError, match=r"loss: values of shape \(2, 3, 4\).*Select an action first"):
        values.loss(jnp.zeros((2, 3, 4)), jnp.zeros((2, 3, 1)), jnp.ones((2, 3, 1)))
    with pytest.raises(ValueError, match=r"select: actions of shape \(3,\)"):
        values.select(jnp.zeros((2, 3)), jnp.zeros(3, int))
    with pytest.raises(ValueError, match=r"select: actions of shape \(2, 3\)"):
        values.select(jnp.zeros((2, 3)), jnp.zeros((2, 3), int))


def test_functions_of_a_distribution_are_its_methods():
    own = heads.AtomValues(jax.random.normal(jax.random.key(0), (2, 3, 4, 5)), 0.0, 1.0)
    action, target = jnp.ones((2, 3), int), (jnp.zeros((2, 3, 1)), jnp.ones((2, 3, 1)))
    picked = own.select(action)

    def program():
        return (
            (values.mean(own), values.outcomes(own), values.select(own, action), values.loss(picked, *target)),
            (own.mean(), own.outcomes(), picked, picked.loss(*target)),
        )

    jax.tree.map(np.testing.assert_array_equal, *once(program))


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("name", HEADS)
def test_every_head_learns_the_values_of_a_chain(name, copies):
    """Three states in a row, discount 0.5. Action 1 moves on, and pays 1 at the end; action 0 ends the episode at once
    and pays 0 or 0.4, each half of the time. The learner is double Q-learning, with the smaller mean of two copies."""
    head = HEADS[name] if copies == 1 else heads.Twin(HEADS[name])
    y, action = jnp.eye(3)[:, None].repeat(2, 1), jnp.array([[0, 1]] * 3)  # [3, 2]: state by action
    going_on = jnp.array([[0.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    stop, end = jnp.array([0.0, 0.4]), jnp.array([1.0, 1.0])
    reward = jnp.array([[stop, 0 * end], [stop, 0 * end], [stop, end]])  # [3, 2, 2]: equally likely
    optimizer = optax.adam(optax.linear_schedule(0.05, 0.0, 1500))

    def smallest(q):
        return values.mean(q).min(0) if copies == 2 else values.mean(q)

    def loss(params):
        q = head.apply(params, y)
        next_q = jax.tree.map(lambda leaf: jnp.roll(leaf, -1, axis=copies - 1), q)
        greedy = jnp.argmax(smallest(next_q), -1)
        following = values.select(next_q if copies == 1 else jax.tree.map(lambda leaf: leaf[0], next_q), greedy)
        points, probabilities = values.outcomes(following)
        points = reward[..., None] + 0.5 * going_on[..., None, None] * points[..., None, :]
        probabilities = jnp.broadcast_to(0.5 * probabilities[..., None, :], points.shape)
        target = (part.reshape(3, 2, -1) for part in (points, probabilities))
        return values.loss(values.select(q, action), *target).sum()

    def program(key):
        params = head.init(key, y)

        def update(state, _):
            params, optimizer_state = state
            updates, optimizer_state = optimizer.update(jax.grad(loss)(params), optimizer_state)
            return (optax.apply_updates(params, updates), optimizer_state), ()

        (params, _), _ = jax.lax.scan(update, (params, optimizer.init(params)), length=1500)
        return smallest(head.apply(params, y))[:, 0]

    learned = once(program, jax.random.key(0))
    np.testing.assert_allclose(learned, [[0.2, 0.25], [0.2, 0.5], [0.2, 1.0]], atol=0.03)
