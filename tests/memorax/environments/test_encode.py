import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments.encode import encode, encoded_shape
from memorax.environments.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple

NESTED = Dict({"b": Tuple((Discrete(2), MultiDiscrete((2, 3)))), "a": Box(0, 9, (2, 2), np.int32)})


def test_discrete_is_one_hot():
    np.testing.assert_array_equal(encode(Discrete(3), jnp.array([2, 0])), [[0, 0, 1], [1, 0, 0]])


def test_multi_discrete_concatenates_one_hots():
    np.testing.assert_array_equal(encode(MultiDiscrete((2, 3)), jnp.array([1, 0])), [0, 1, 1, 0, 0])


def test_box_becomes_float_and_keeps_its_shape():
    image = jnp.arange(12, dtype=jnp.uint8).reshape(2, 2, 3)
    encoded = encode(Box(0, 255, (2, 2, 3), np.uint8), image)
    assert encoded.dtype == jnp.float32
    np.testing.assert_array_equal(encoded, np.arange(12.0).reshape(2, 2, 3))


def test_children_are_flattened_and_concatenated_in_order_of_keys():
    x = {"b": (jnp.int32(1), jnp.array([0, 2])), "a": jnp.array([[1, 2], [3, 4]])}
    np.testing.assert_array_equal(encode(NESTED, x), [1, 2, 3, 4, 0, 1, 1, 0, 0, 0, 1])


@pytest.mark.parametrize("batch", [(), (5,), (5, 3)])
@pytest.mark.parametrize(
    "space",
    [
        Discrete(3),
        MultiDiscrete((2, 3)),
        Box(0.0, 1.0, (2, 3)),
        Box(0.0, 1.0),
        Tuple((Box(0.0, 1.0), Discrete(2))),
        NESTED,
    ],
    ids=str,
)
def test_shape_is_as_stated_for_any_batch_and_rows_are_encoded_alone(space, batch):
    keys = jax.random.split(jax.random.key(0), (*batch, 1))[..., 0]
    sample, one = space.sample, lambda x: encode(space, x)
    for _ in batch:
        sample, one = jax.vmap(sample), jax.vmap(one)
    whole, rows = jax.jit(lambda keys: (encode(space, sample(keys)), one(sample(keys))))(keys)
    assert whole.shape == (*batch, *encoded_shape(space))
    assert whole.dtype == jnp.float32
    np.testing.assert_array_equal(whole, rows)


@pytest.mark.parametrize(
    ("space", "x", "words"),
    [
        (Discrete(3), jnp.float32(1), ["float32", "Discrete(n=3)", "int32"]),
        (MultiDiscrete((2, 3)), jnp.zeros((4,), jnp.int32), ["(4,)", "(2,)"]),
        (Box(0.0, 1.0, (2, 3)), jnp.zeros((3,)), ["(3,)", "(2, 3)"]),
        (Box(0.0, 1.0), jnp.bool_(True), ["bool", "float32"]),
        (Tuple((Discrete(2), Discrete(2))), (jnp.int32(0),), ["tuple", "[0, 1]"]),
        (Tuple((Discrete(2),)), jnp.int32(0), ["tuple", "[0]"]),
        (Dict({"a": Discrete(2)}), {"b": jnp.int32(0)}, ["'b'", "'a'"]),
        ("Discrete", jnp.int32(0), ["'Discrete'", "MultiDiscrete"]),
    ],
)
def test_what_does_not_fit_the_space_is_a_value_error(space, x, words):
    with pytest.raises(ValueError) as error:
        encode(space, x)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_encoded_shape_of_something_else_is_a_value_error():
    with pytest.raises(ValueError, match="not a space"):
        encoded_shape(None)
