"""Policies: what they draw, by hand, by numerical integration and by reduction to a simpler one."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

from fixtures.agents import network, once, torso
from memorax.algorithms import PPO, PPOConfig
from memorax.algorithms.acting import to_space
from memorax.environments import make
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


# --- bounded policies ---

BOUNDED = {"squashed": heads.SquashedGaussian(action_dim=2), "beta": heads.Beta(action_dim=2)}
EDGES = np.float32([-2.0, -1.0, np.nextafter(np.float32(-1), np.float32(0)), 1.0, 1.5])
GRID = np.linspace(-1, 1, 40_001)[1:-1]  # -> densities are integrated by its spacing


def integral(values):
    return values.sum(-1) * (GRID[1] - GRID[0])


def test_density_of_a_squashed_gaussian():
    mean, deviation = np.array([[0.0], [0.7], [-1.0]]), np.array([[1.0], [0.3], [0.05]])
    distribution = heads.TanhNormal(jnp.float32(mean), jnp.float32(deviation))
    log_prob = np.float64(once(distribution.log_prob, jnp.float32(GRID)))
    np.testing.assert_allclose(integral(np.exp(log_prob)), 1.0, atol=1e-3)
    inner = np.abs(GRID) < 0.99
    expected = stats.norm.logpdf(np.arctanh(GRID), mean, deviation) - np.log(1 - GRID**2)
    np.testing.assert_allclose(log_prob[:, inner], expected[:, inner], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(distribution.mode(), np.tanh(mean), rtol=1e-6)


def test_density_of_a_beta():
    alpha, beta = np.array([[1.0], [2.5], [4.0], [40.0]]), np.array([[1.0], [1.2], [4.0], [8.0]])
    distribution = heads.SignedBeta(jnp.float32(alpha), jnp.float32(beta))
    log_prob, entropy, mode, mean = once(
        lambda grid: (distribution.log_prob(grid), distribution.entropy(), distribution.mode(), distribution.mean()),
        jnp.float32(GRID),
    )
    log_prob = np.float64(log_prob)
    density = np.exp(log_prob)
    np.testing.assert_allclose(integral(density), 1.0, atol=1e-3)
    np.testing.assert_allclose(integral(density * GRID), mean[:, 0], atol=1e-3)
    np.testing.assert_allclose(-integral(density * log_prob), entropy[:, 0], atol=1e-3)
    np.testing.assert_allclose(
        log_prob, stats.beta.logpdf((GRID + 1) / 2, alpha, beta) - np.log(2), rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(GRID[density[1:].argmax(-1)], mode[1:, 0], atol=2e-3)
    assert mode[0] == 0.0  # alpha = beta = 1 has no peak


@pytest.mark.parametrize("name", BOUNDED)
def test_bounded_policies_stay_within_and_know_their_densities(name):
    head = BOUNDED[name]

    def program(key):
        y = jax.random.normal(key, (2, 3, 5))
        distribution = head.apply(jax.tree.map(lambda leaf: 100 * leaf, head.init(key, y)), y)
        drawn, log_prob = distribution.sample_and_log_prob(seed=key, sample_shape=(4000,))
        acted, mode = distribution[:, 0], distribution.mode()
        return (
            *(drawn, log_prob, distribution.log_prob(drawn), distribution.sample(seed=key, sample_shape=(4000,))),
            *(mode, acted.sample(seed=key), acted.mode(), acted.log_prob(drawn[0, :, 0])),
        )

    drawn, log_prob, again, sampled, mode, acted, acted_mode, acted_log_prob = once(program, jax.random.key(0))
    assert drawn.shape == (4000, 2, 3, 2) and log_prob.shape == (4000, 2, 3)
    assert np.abs(drawn).max() <= 1 and np.abs(mode).max() < 1
    np.testing.assert_allclose(drawn, sampled, atol=1e-6)
    resolved = np.abs(drawn).max(-1) < 0.999  # nearer to the bounds, rounding of the action shows
    assert 0.2 < resolved.mean() < 1
    np.testing.assert_allclose(log_prob[resolved], again[resolved], rtol=1e-2, atol=1e-2)
    assert acted.shape == (2, 2)  # what an algorithm acts on: batch [B], no time
    np.testing.assert_allclose(acted_mode, mode[:, 0], rtol=1e-6)
    np.testing.assert_allclose(acted_log_prob, again[0, :, 0], rtol=1e-3)
    box = Box(np.array([-2.0, 0.0]), np.array([2.0, 1.0]), (2,))
    assert box.contains(to_space(box, drawn), drawn.shape[:-1])


@pytest.mark.parametrize("name", BOUNDED)
def test_saturation_is_finite(name):
    """Actions at and beyond the bounds, and policies driven into them: densities, draws and every gradient."""
    head = BOUNDED[name]

    def program(key, scale):
        y = scale * jax.random.normal(key, (len(EDGES), 3, 5))
        edges = jnp.broadcast_to(EDGES[:, None, None], (len(EDGES), 3, 2))
        params = jax.tree.map(lambda leaf: 10 * leaf, head.init(key, y))

        def log_prob(params, edges):
            return head.apply(params, y).log_prob(edges).sum()

        def drawn(params):
            action, log_prob = head.apply(params, y).sample_and_log_prob(seed=key)
            return action.sum() + log_prob.sum()

        return (
            jax.value_and_grad(log_prob, argnums=(0, 1))(params, edges),
            jax.value_and_grad(drawn)(params),
            head.apply(params, y).mode(),
        )

    results = once(jax.vmap(program, (None, 0)), jax.random.key(0), jnp.array([1.0, 1e4]))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(results))


def test_a_squashed_gaussian_keeps_its_deviation_within_bounds():
    head = heads.SquashedGaussian(action_dim=3, log_deviation_min=-2.0, log_deviation_max=1.0)

    def program(key):
        y = jnp.array([0.0, 1e5, -1e5])[:, None, None]
        params = {"mean": jnp.zeros((1, 3)), "log_deviation": jnp.ones((1, 3))}
        params = {name: {"kernel": kernel, "bias": jnp.zeros(3)} for name, kernel in params.items()}
        return head.apply({"params": params}, y).distribution.normal.scale

    np.testing.assert_allclose(np.log(once(program, jax.random.key(0)))[:, 0, 0], [-0.5, 1.0, -2.0], rtol=1e-5)


def test_a_squashed_gaussian_says_what_it_cannot():
    with pytest.raises(ValueError, match="no entropy in closed form: take the mean of -log_prob"):
        jax.eval_shape(lambda: heads.TanhNormal(jnp.zeros(2), jnp.ones(2)).entropy())
    with pytest.raises(ValueError, match=r"log_deviation_min = 2\.0 must be below log_deviation_max = -1"):
        head = heads.SquashedGaussian(2, log_deviation_min=2.0, log_deviation_max=-1.0)
        jax.eval_shape(head.init, jax.random.key(0), jnp.zeros((1, 1, 4)))


def test_a_beta_policy_fits_ppo():
    env, env_params = make("gymnax::Pendulum-v1")
    config = PPOConfig(num_envs=2, num_steps=4, num_minibatches=1, update_epochs=1)
    actor = network(torso("mlp"), heads.Beta(action_dim=1))
    agent = PPO(config, env, env_params, actor, heads.VNetwork(), optax.sgd(1e-3))
    state = jax.eval_shape(agent.init, jax.random.key(0))
    trained = jax.eval_shape(lambda key, state: agent.train(key, state, 8), jax.random.key(0), state)
    assert jax.tree.map(jnp.shape, trained.params) == jax.tree.map(jnp.shape, state.params)
