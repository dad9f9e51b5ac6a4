"""Observation extractors: each step by itself, tables that are tables, and images of any size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.agents import once
from memorax.environments.encode import encode
from memorax.environments.spaces import Discrete, MultiDiscrete
from memorax.networks import (
    CNN,
    RNN,
    Embedding,
    FeatureExtractor,
    GRUCell,
    GRUConfig,
    Inputs,
    MultiEmbedding,
    Network,
    ViT,
    heads,
)

EXTRACTORS = {
    "cnn": (CNN(channels=(3, 4), features=5), (7, 6, 2)),
    "cnn of one pixel": (CNN(channels=(3,), kernel=5, strides=(1,), features=5), (1, 1, 1)),
    "vit": (ViT(patch=2, features=6, num_layers=2, num_heads=3), (4, 6, 2)),
    "embedding": (Embedding(features=5), (4,)),
    "multi-embedding": (MultiEmbedding(sizes=(3, 1, 2), features=5), (6,)),
}


@pytest.mark.parametrize("name", EXTRACTORS)
def test_each_step_is_seen_by_itself(name):
    """A sequence equals its steps as sequences of one, and what changes one step changes no other."""
    extractor, shape = EXTRACTORS[name]

    def program(key):
        x = jax.random.normal(key, (2, 3, *shape))
        params = extractor.init(key, x)
        whole, steps = (extractor.apply(params, part) for part in (x, x.reshape(6, 1, *shape)))
        return whole, steps, extractor.apply(params, x.at[1, 1].add(1.0))

    with jax.default_matmul_precision("highest"):
        whole, steps, changed = once(program, jax.random.key(0))
    assert whole.ndim == 3 and whole.shape[:2] == (2, 3)
    np.testing.assert_allclose(whole, steps.reshape(whole.shape), atol=1e-5)
    differs = np.abs(whole - changed).max(-1) > 1e-4
    np.testing.assert_array_equal(differs, np.arange(6).reshape(2, 3) == 4)


def weights(params):
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def test_sizes_follow_the_strides():
    """A Dense of all that is left after the strides; small views and pixels alike."""
    for size, strides, left in ((7, (2, 2), 2), (7, (1, 1), 7), (64, (4, 2), 8), (1, (2, 2), 1)):
        extractor = CNN(channels=(4, 8), strides=strides, features=16)
        output, params = jax.eval_shape(extractor.init_with_output, jax.random.key(0), jnp.zeros((2, 3, size, size, 3)))
        assert output.shape == (2, 3, 16)
        assert params["params"]["output"]["kernel"].shape == (left * left * 8, 16)


def test_patches_are_cut_from_the_image():
    """Patch by patch, left to right and top to bottom, pixels in the same order."""
    vit = ViT(patch=2)
    image = jnp.arange(4 * 6 * 2).reshape(1, 1, 4, 6, 2)
    patches = np.asarray(once(lambda: vit.apply({}, image, method=ViT._patches)))
    expected = [image[0, 0, r : r + 2, c : c + 2].reshape(-1) for r in (0, 2) for c in (0, 2, 4)]
    np.testing.assert_array_equal(patches[0, 0], expected)


def test_a_vit_knows_where_a_patch_is_and_attends_across_patches():
    """Positions alone tell apart images whose patches are the same in another order."""
    vit = ViT(patch=1, features=8, num_layers=1)

    def program(key):
        x = jax.random.normal(key, (1, 1, 2, 3, 4))
        params = vit.init(key, x)["params"]
        moved = x[:, :, ::-1]
        blind = {**params, "position": jnp.zeros_like(params["position"])}
        far = {**params, "position": 50 * params["position"]}
        return [[vit.apply({"params": p}, image) for image in (x, moved)] for p in (blind, far)]

    (blind, blind_moved), (seen, seen_moved) = once(program, jax.random.key(0))
    np.testing.assert_allclose(blind, blind_moved, atol=1e-5)
    assert np.abs(seen - seen_moved).max() > 1e-2


def test_an_embedding_is_a_row_of_its_table():
    observation = jnp.array([[0, 3, 2], [1, 1, 0]])

    def program(key):
        x = encode(Discrete(4), observation)
        params = Embedding(features=200).init(key, x)
        outputs = (Embedding(features=200).apply(params, part) for part in (x, jnp.zeros_like(x)))
        return params["params"]["table"], *outputs

    table, rows, none = once(program, jax.random.key(0))
    np.testing.assert_allclose(rows, table[observation], rtol=1e-6)
    assert (none == 0).all()  # no previous action
    np.testing.assert_allclose(np.linalg.norm(table, axis=-1), 1.0, atol=0.2)


def test_entries_have_tables_of_their_own():
    space = MultiDiscrete((3, 1, 2))
    observation = jnp.array([[[0, 0, 1], [2, 0, 0]]])
    extractor = MultiEmbedding(space.nvec, features=4)

    def program(key):
        x = encode(space, observation)
        params = extractor.init(key, x)
        summed = Embedding(features=4).apply(params, x)
        return params["params"]["table"], extractor.apply(params, x), extractor.apply(params, 0 * x), summed

    table, rows, none, summed = once(program, jax.random.key(0))
    assert table.shape == (6, 4)
    expected = table[np.array([[0, 3, 5], [2, 3, 4]])].reshape(1, 2, 12)
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    np.testing.assert_allclose(rows.reshape(1, 2, 3, 4).sum(2), summed, rtol=1e-5, atol=1e-6)
    assert (none == 0).all()


def test_extractors_feed_a_network():
    extractor = FeatureExtractor(observation_extractor=CNN(features=8), action_extractor=Embedding(features=4))
    network = Network(extractor, RNN(cell=GRUCell(GRUConfig(8))), heads.DuelingQNetwork(action_dim=3))
    inputs = Inputs(jnp.zeros((2, 5, 7, 7, 3)), jnp.zeros((2, 5), bool), jnp.zeros((2, 5, 3)), jnp.zeros((2, 5)))
    (_, values), _ = jax.eval_shape(network.init_with_output, jax.random.key(0), inputs, network.initialize_carry(2))
    assert values.shape == (2, 5, 3)


@pytest.mark.parametrize(
    ("extractor", "x", "message"),
    [
        (CNN(), jnp.zeros((2, 3, 7, 7)), r"CNN reads images \[B, T, H, W, C\]; these observations are \(2, 3, 7, 7\)"),
        (CNN(), jnp.zeros((2, 3, 147)), "Use nn.Dense for vectors"),
        (CNN(), jnp.zeros((2, 3, 0, 7, 3)), "reads images"),
        (CNN(channels=(4, 0)), jnp.zeros((1, 1, 7, 7, 3)), r"channels = \(4, 0\) must be a tuple of whole numbers"),
        (
            CNN(channels=(4,)),
            jnp.zeros((1, 1, 7, 7, 3)),
            r"channels = \(4,\) and strides = \(2, 2\) must have",
        ),
        (ViT(patch=2), jnp.zeros((2, 3, 49)), r"ViT reads images"),
        (ViT(patch=4), jnp.zeros((1, 1, 12, 18, 3)), r"patch = 4 must divide .* 12 x 18; use one of 1, 2, 3, 6"),
        (ViT(patch=1, features=6), jnp.zeros((1, 1, 2, 2, 3)), "features = 6 to be a multiple of num_heads = 4"),
        (ViT(patch=0), jnp.zeros((1, 1, 2, 2, 3)), "patch = 0 must be a whole number of at least 1"),
        (Embedding(4), jnp.zeros((2, 3), int), r"Embedding reads one-hot vectors, .*got int32 \(2, 3\)"),
        (Embedding(4), jnp.zeros((2, 3, 4), int), "Encode integers first"),
        (MultiEmbedding((3, 2), 4), jnp.zeros((2, 3, 4)), r"x has width 4, and sizes = \(3, 2\) add up to 5"),
        (MultiEmbedding((3, 0), 4), jnp.zeros((2, 3, 3)), r"sizes = \(3, 0\) must be a tuple of whole numbers"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_fix(extractor, x, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(extractor.init, jax.random.key(0), x)
