"""Distributional heads: against loops written after the papers, and by what gradient descent makes of them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from fixtures.agents import once
from memorax.networks import ValueDistribution, heads

HEADS = {
    "c51": lambda actions=None: heads.C51(actions, num_atoms=11, minimum=-2.0, maximum=3.0),
    "hl_gauss": lambda actions=None: heads.HLGauss(actions, num_bins=20, minimum=-4.0, maximum=6.0),
    "quantile": lambda actions=None: heads.Quantile(actions, num_quantiles=8, kappa=0.5),
}
every_head = pytest.mark.parametrize("name", HEADS)


def distribution(name, leading=(2, 3), scale=1.0, seed=0):
    """One that the head could return, of random logits or quantiles."""
    size = {"c51": 11, "hl_gauss": 20, "quantile": 8}[name]
    leaf = scale * jax.random.normal(jax.random.key(seed), (*leading, size))
    match name:
        case "c51":
            return heads.AtomValues(leaf, -2.0, 3.0)
        case "hl_gauss":
            return heads.HistogramValues(leaf, -4.0, 6.0, 0.75)
    return heads.QuantileValues(leaf, 0.5)


def points(leading=(2, 3), number=4, spread=2.0, seed=1):
    """A target: values[..., M] and probabilities[..., M] that add up to 1."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(number), leading)
    return jnp.float32(spread * rng.standard_normal((*leading, number))), jnp.float32(probabilities)


# --- against loops ---


def algorithm_1(values, probabilities, atoms):
    """Bellemare et al. 2017: of one distribution; a point on an atom stays there whole."""
    gap, projected = atoms[1] - atoms[0], np.zeros(len(atoms))
    for value, probability in zip(values, probabilities, strict=True):
        place = (min(max(value, atoms[0]), atoms[-1]) - atoms[0]) / gap
        below, above = int(np.floor(place)), int(np.ceil(place))
        if below == above:
            projected[below] += probability
        else:
            projected[below] += probability * (above - place)
            projected[above] += probability * (place - below)
    return projected


@pytest.mark.parametrize("number", [1, 6])
def test_c51_projects_as_algorithm_1(number):
    """With points between atoms, on one (0.5), at both ends and far beyond them."""
    values, probabilities = points(number=number, spread=3.0)
    values = values.at[0, 0, 0].set(0.5).at[0, 1, 0].set(-2.0).at[0, 2, 0].set(3.0).at[1, 0, 0].set(1e6)
    values = values.at[1, 1, 0].set(-jnp.inf)
    own = distribution("c51")
    projected, loss = once(lambda: (own.project(values, probabilities), own.loss(values, probabilities)))
    atoms = np.linspace(-2, 3, 11)
    expected = [
        [algorithm_1(v, p, atoms) for v, p in zip(*row, strict=True)]
        for row in zip(np.float64(values), np.float64(probabilities), strict=True)
    ]
    np.testing.assert_allclose(projected, expected, atol=1e-6)
    np.testing.assert_allclose(projected.sum(-1), 1.0, rtol=1e-6)
    clipped = (np.clip(values, -2, 3) * probabilities).sum(-1)
    np.testing.assert_allclose(projected @ atoms, clipped, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(loss, -(np.array(expected) * jax.nn.log_softmax(own.logits)).sum(-1), rtol=1e-5)


def test_c51_gives_an_exact_hit_to_one_atom():
    own = distribution("c51", (1, 1))
    projected = once(lambda: own.project(jnp.array([[[0.5]]]), jnp.ones((1, 1, 1))))
    np.testing.assert_allclose(projected[0, 0], np.eye(11)[5], atol=1e-6)


def test_hl_gauss_smooths_by_differences_of_the_normal_distribution():
    values, probabilities = points(number=3)
    values = values.at[0, 0, 0].set(100.0).at[0, 0, 1].set(-4.0)
    own = distribution("hl_gauss")
    smoothed, loss = once(lambda: (own.smooth(values, probabilities), own.loss(values, probabilities)))
    edges, sigma = np.linspace(-4, 6, 21), 0.75 * 0.5
    below = stats.norm.cdf(edges, loc=np.clip(np.float64(values), -4, 6)[..., None], scale=sigma)
    share = np.diff(below) / (below[..., -1:] - below[..., :1])
    expected = (share * np.float64(probabilities)[..., None]).sum(-2)
    np.testing.assert_allclose(smoothed, expected, atol=1e-6)
    np.testing.assert_allclose(loss, -(expected * jax.nn.log_softmax(own.logits)).sum(-1), rtol=1e-5)


def test_hl_gauss_recovers_a_scalar():
    """A histogram's mean is the target: within a hundredth of a bin, and within a bin at the ends of the range."""
    targets = jnp.linspace(-4.0, 6.0, 101)[None]
    own = distribution("hl_gauss", (1, 101))
    smoothed = once(lambda: own.smooth(targets[..., None], jnp.ones((1, 101, 1))))
    mean = np.float64(smoothed[0]) @ (np.linspace(-4, 6, 21)[:-1] + 0.25)
    error, inner = np.abs(mean - targets[0]), np.abs(targets[0] - 1.0) < 5 - 3 * 0.75 * 0.5
    assert error[inner].max() < 0.01 * 0.5
    assert 0.2 < error.max() < 0.5


def test_quantile_loss_is_that_of_the_paper():
    own, (values, probabilities) = distribution("quantile"), points(number=4)
    loss = once(lambda: own.loss(values, probabilities))
    expected = np.zeros((2, 3))
    for index in np.ndindex(2, 3):
        for i, quantile in enumerate(np.float64(own.quantiles[index])):
            fraction = (2 * i + 1) / 16
            for value, probability in zip(np.float64(values[index]), np.float64(probabilities[index]), strict=True):
                u = value - quantile
                huber = 0.5 * u**2 if abs(u) <= 0.5 else 0.5 * (abs(u) - 0.25)
                expected[index] += probability * abs(fraction - (u < 0)) * huber
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_one_quantile_with_a_large_kappa_is_half_of_the_squared_error():
    own = heads.QuantileValues(jnp.array([[[0.5], [3.0]]]), kappa=100.0)
    loss = once(lambda: own.loss(jnp.array([[[2.0], [2.0]]]), jnp.ones((1, 2, 1))))
    np.testing.assert_allclose(loss, [[0.25 * 1.5**2, 0.25]])


# --- what holds for each ---


@every_head
def test_a_head_returns_a_distribution_for_each_state_or_action(name):
    for actions, leading in ((None, (2, 3)), (4, (2, 3, 4))):
        head = HEADS[name](actions)
        output, params = jax.eval_shape(head.init_with_output, jax.random.key(0), jnp.zeros((2, 3, 5)))
        own = jax.eval_shape(lambda d: (d.mean(), *d.outcomes()), output)
        assert isinstance(output, ValueDistribution)
        assert own[0].shape == leading and own[1].shape[:-1] == leading and own[1].shape == own[2].shape
        [layer] = params["params"].values()
        assert layer["kernel"].shape[1] == np.prod([leaf.shape for leaf in jax.tree.leaves(output)]) // 6


@every_head
def test_outcomes_have_the_mean_of_the_distribution(name):
    own = distribution(name)
    mean, values, probabilities = once(lambda: (own.mean(), *own.outcomes()))
    np.testing.assert_allclose((values * probabilities).sum(-1), mean, rtol=1e-5)
    np.testing.assert_allclose(probabilities.sum(-1), 1.0, rtol=1e-5)
    assert np.std(mean) > 0.01


@every_head
def test_select_is_indexing(name):
    """And nothing but the selected action learns."""
    own, action = distribution(name, (2, 3, 4)), jnp.array([[0, 3, 1], [2, 2, 0]])
    target = points()
    picked, gradient = once(
        lambda: (own.select(action), jax.grad(lambda own: own.select(action).loss(*target).sum())(own))
    )
    batch, time = np.ogrid[:2, :3]
    for leaf, chosen, change in zip(*map(jax.tree.leaves, (own, picked, gradient)), strict=True):
        np.testing.assert_array_equal(chosen, np.asarray(leaf)[batch, time, action])
        learns = np.abs(change).max(-1) > 0
        assert (learns == (np.arange(4) == action[..., None])).all()


@every_head
def test_a_loss_is_one_number_a_step_and_never_negative(name):
    shapes = [(leading, number) for leading in ((1, 1), (2, 1), (1, 3), (2, 3)) for number in (1, 4)]
    cases = [(distribution(name, leading), *points(leading, number)) for leading, number in shapes]
    losses = once(lambda cases: [own.loss(*target) for own, *target in cases], cases)
    for (leading, _), loss in zip(shapes, losses, strict=True):
        assert loss.shape == leading and loss.min() >= 0


@every_head
def test_copies_learn_from_one_target_as_each_alone(name):
    ensemble, target = distribution(name, (5, 2, 3)), points()
    together, alone = once(lambda: (ensemble.loss(*target), jax.vmap(lambda own: own.loss(*target))(ensemble)))
    np.testing.assert_allclose(together, alone, rtol=1e-5)


@every_head
def test_gradients_are_finite_at_saturation_and_do_not_reach_the_target(name):
    values, probabilities = points(number=3)
    values = values.at[0, 0].set(jnp.array([1e8, -1e8, 0.0]))
    own = jax.tree.map(lambda leaf: jnp.array([0.0, 1.0, 1e4])[:, None, None, None] * leaf, distribution(name))
    gradient, *of_target = once(
        jax.grad(lambda own, *target: own.loss(*target).sum(), (0, 1, 2)), own, values, probabilities
    )
    [leaf] = jax.tree.leaves(gradient)
    assert np.isfinite(leaf).all() and np.abs(leaf).max(-1).min() > 0
    assert all(np.all(leaf == 0) for leaf in of_target)


@every_head
def test_gradient_descent_finds_the_mean_of_a_target(name):
    """Of one point, given twice, and of two points."""
    own = distribution(name, (1, 3), scale=0.1)
    values = jnp.array([[[1.2, 1.2], [0.2, 2.0], [-1.0, 1.0]]])
    probabilities = jnp.array([[[0.3, 0.7], [0.5, 0.5], [0.5, 0.5]]])
    optimizer = optax.adam(optax.linear_schedule(0.1, 0.0, 2000))

    def program(own):
        def update(state, _):
            own, optimizer_state = state
            gradient = jax.grad(lambda own: own.loss(values, probabilities).sum())(own)
            updates, optimizer_state = optimizer.update(gradient, optimizer_state)
            return (optax.apply_updates(own, updates), optimizer_state), ()

        (own, _), _ = jax.lax.scan(update, (own, optimizer.init(own)), length=2000)
        return own, own.mean()

    fitted, mean = once(program, own)
    np.testing.assert_allclose(mean, [[1.2, 1.1, 0.0]], atol=0.02)
    if name != "hl_gauss":  # whose spread is not the return's
        values, probabilities = once(fitted.outcomes)
        deviation = np.sqrt((probabilities * (values - mean[..., None]) ** 2).sum(-1))[0]
        assert deviation[0] < 0.3 and deviation[1:].min() > 0.5


@every_head
def test_targets_of_other_steps_are_refused(name):
    """No broadcasting: not of one step to all, not of a batch to time, not of actions that were not selected."""
    own, by_action = distribution(name), distribution(name, (2, 3, 4))
    for wrong in ((1, 1), (3, 2), (2, 1), (2,), (2, 3, 4)):
        with pytest.raises(ValueError, match=r"loss: values of shape \(2, 3\) need a target .*Select an action first"):
            own.loss(*points(wrong))
    with pytest.raises(ValueError, match="Select an action first"):
        by_action.loss(*points())
    with pytest.raises(ValueError, match=r"target\[\.\.\., None\] with probability 1"):
        own.loss(jnp.zeros((2, 3)), jnp.ones((2, 3)))
    with pytest.raises(ValueError, match="probability 1"):
        own.loss(points()[0], jnp.ones((2, 3, 1)))
    with pytest.raises(ValueError, match=r"select: actions of shape \(2, 3\).*without action_dim values states"):
        own.select(jnp.zeros((2, 3), int))


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (heads.C51(num_atoms=1), "C51: num_atoms = 1 must be at least 2"),
        (heads.C51(num_atoms=2.5), "num_atoms = 2.5 must be a whole number"),
        (
            heads.C51(minimum=1.0, maximum=1.0),
            r"C51: minimum = 1\.0 and maximum = 1\.0 must be finite, the maximum larger",
        ),
        (heads.C51(maximum=float("inf")), "must be finite"),
        (heads.C51(action_dim=0), "action_dim = 0 must be a whole number of at least 1"),
        (heads.HLGauss(num_bins=1), "HLGauss: num_bins = 1 must be at least 2"),
        (heads.HLGauss(minimum=11.0), "the maximum larger"),
        (heads.HLGauss(sigma_ratio=0.0), r"HLGauss: sigma_ratio = 0\.0 must be a number above 0"),
        (heads.Quantile(num_quantiles=0), "Quantile: num_quantiles = 0 must be a whole number"),
        (heads.Quantile(kappa=0.0), r"Quantile: kappa = 0\.0 must be a number above 0"),
    ],
)
def test_impossible_fields_are_refused(head, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(head.init, jax.random.key(0), jnp.zeros((2, 3, 5)))
