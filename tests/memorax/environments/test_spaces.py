import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple

SPACES = {
    "discrete": Discrete(5),
    "multidiscrete": MultiDiscrete((3, 1, 7)),
    "box": Box(-1.0, 2.0, (2, 3)),
    "box-per-entry": Box(np.array([0.0, -5.0]), np.array([1.0, -4.0]), (2,)),
    "box-unbounded": Box(np.array([-np.inf, 0.0, -np.inf]), np.array([np.inf, np.inf, 3.0]), (3,)),
    "box-float-max": Box(-np.finfo(np.float32).max, np.finfo(np.float32).max, (4,)),
    "box-uint8": Box(0, 255, (4, 4, 3), np.uint8),
    "box-bfloat16": Box(0.0, 1.0, (3,), jnp.bfloat16),
    "tuple": Tuple((Discrete(2), Box(0.0, 1.0, (2,)))),
    "dict": Dict({"image": Box(0, 9, (2, 2), np.int32), "mission": Tuple((Discrete(3), MultiDiscrete((2, 2))))}),
}


@pytest.fixture(params=list(SPACES))
def space(request):
    return SPACES[request.param]


def test_samples_and_zeros_are_elements_of_the_stated_structure(space):
    samples, zeros, batch = jax.jit(
        lambda key: (jax.vmap(space.sample)(jax.random.split(key, 64)), space.zeros(), space.zeros((4, 2)))
    )(jax.random.key(0))
    assert space.contains(samples, (64,))
    assert jax.tree.structure(samples) == jax.tree.structure(zeros) == jax.tree.structure(batch)
    for sample, zero, batched in zip(*map(jax.tree.leaves, (samples, zeros, batch)), strict=True):
        assert sample.shape == (64, *zero.shape)
        assert batched.shape == (4, 2, *zero.shape)
        assert sample.dtype == zero.dtype == batched.dtype
        assert not np.any(np.asarray(batched, np.float32))


def test_samples_reach_the_whole_range():
    keys = jax.random.split(jax.random.key(1), 2000)
    draw = jax.jit(lambda space: jax.vmap(space.sample)(keys), static_argnums=0)
    assert set(np.asarray(draw(Discrete(5))).tolist()) == set(range(5))
    assert np.asarray(draw(SPACES["multidiscrete"])).max(0).tolist() == [2, 0, 6]
    assert {0, 255} <= set(np.asarray(draw(SPACES["box-uint8"])).ravel().tolist())
    box = np.asarray(draw(SPACES["box-per-entry"]))
    np.testing.assert_allclose(box.mean(0), [0.5, -4.5], atol=0.05)
    unbounded = np.asarray(draw(SPACES["box-unbounded"]))
    np.testing.assert_allclose(unbounded.mean(0), [0.0, 1.0, 2.0], atol=0.1)


@pytest.mark.parametrize(
    ("space", "x"),
    [
        (Discrete(5), 5),
        (Discrete(5), -1),
        (Discrete(5), 1.0),
        (Discrete(5), True),
        (Discrete(5), np.array([1])),
        (MultiDiscrete((3, 2)), np.array([0, 2])),
        (MultiDiscrete((3, 2)), np.array([0, 1, 1])),
        (Box(0.0, 1.0, (2,)), np.array([0.5, 1.5], np.float32)),
        (Box(0.0, 1.0, (2,)), np.array([0.5, np.nan], np.float32)),
        (Box(0.0, 1.0, (2,)), np.array([0, 1])),
        (Box(0.0, 1.0, (2,)), np.array([[0.5, 0.5]], np.float32)),
        (Box(0, 9, (), np.int32), np.float32(3)),
        (Tuple((Discrete(2), Discrete(2))), (1,)),
        (Tuple((Discrete(2), Discrete(2))), [1, 1]),
        (Tuple((Discrete(2), Discrete(2))), (1, 2)),
        (Dict({"a": Discrete(2)}), {"b": 1}),
        (Dict({"a": Discrete(2)}), {"a": 1, "b": 1}),
        (Dict({"a": Discrete(2)}), {"a": 2}),
    ],
)
def test_contains_rejects(space, x):
    assert not space.contains(x)


def test_contains_checks_every_element_of_a_batch():
    x = np.zeros((3, 4), np.int32)
    assert Discrete(2).contains(x, (3, 4))
    assert not Discrete(2).contains(x, (4, 3))
    x[2, 1] = 2
    assert not Discrete(2).contains(x, (3, 4))


def test_equal_spaces_are_equal_and_hash_alike():
    pairs = [
        (Box(0.0, 1.0, (2,)), Box(np.zeros(2), jnp.ones(2), (2,), jnp.float32)),
        (Box(np.float32(-4.8), 4.8), Box(-4.8, np.float32(4.8))),
        (Dict({"b": Discrete(2), "a": Discrete(3)}), Dict((("a", Discrete(3)), ("b", Discrete(2))))),
        (MultiDiscrete([np.int64(3), 2]), MultiDiscrete((3, 2))),
        (Tuple([Discrete(2)]), Tuple((Discrete(2),))),
    ]
    for a, b in pairs:
        assert a == b
        assert hash(a) == hash(b)
    different = [*SPACES.values(), Discrete(4), Box(-1.0, 2.0, (3, 2)), Box(-1.0, 2.5, (2, 3)), MultiDiscrete((5,))]
    assert len(set(different)) == len(different)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Discrete(0), ["Discrete", "n is 0", ">= 1"]),
        (lambda: Discrete(2.0), ["Discrete", "2.0", "integer"]),
        (lambda: MultiDiscrete((2, 0)), ["nvec[1]", "0", ">= 1"]),
        (lambda: MultiDiscrete(()), ["MultiDiscrete", "empty"]),
        (lambda: Box(1.0, 0.0), ["low", "1.0", "high", "0.0"]),
        (lambda: Box(float("nan"), 0.0), ["low", "nan"]),
        (lambda: Box(np.zeros(3), 1.0, (2,)), ["low", "(3,)", "(2,)"]),
        (lambda: Box(0, 1, (), np.bool_), ["dtype", "bool", "uint8"]),
    ],
)
def test_invalid_spaces_are_value_errors_that_name_the_value(build, words):
    with pytest.raises(ValueError) as error:
        build()
    assert all(word in str(error.value) for word in words), str(error.value)
