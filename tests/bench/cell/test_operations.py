"""Operations against hand counts, and the lines that they were written in."""

import inspect

import jax
import jax.numpy as jnp
import pytest

from fixtures import runs
from memorax_bench.cell.cost import count_flops
from memorax_bench.cell.operations import kinds, operations
from memorax_bench.cell.runner import trace
from memorax_bench.suite.load import load_suite

K, T, B = 5, 7, 4
W = jnp.ones((K, K))
ONE = 2 * K * K  # floating-point operations of a vector of K with W


def step(x, _):
    y = x @ W
    return jnp.tanh(y), None


def loop(x):
    return jax.lax.scan(step, x, length=T)[0]


def nested(x):
    return jax.lax.scan(lambda x, _: (loop(x), None), x, length=3)[0]


def branches(flag, x):
    return jax.lax.cond(flag, lambda x: x @ W @ W @ W, lambda x: jnp.sin(x) @ W, x)


def ones(*shape, dtype=jnp.float32):
    return jax.ShapeDtypeStruct(shape, dtype)


def of(function, *arguments):
    return operations(jax.make_jaxpr(function)(*arguments))


def line(function, text):
    """`test_operations.py:12`: the line of a function that has the text."""
    lines, first = inspect.getsourcelines(function)
    return f"test_operations.py:{first + next(i for i, found in enumerate(lines) if text in found)}"


def products(found):
    return [(one.shape, one.times, one.flops, one.backward) for one in found if one.primitive == "dot_general"]


CASES = {
    "loop": (loop, (ones(B, K),), [(f"[{B},{K}] [{K},{K}]", T, T * B * ONE, False)]),
    "loop in a loop": (nested, (ones(B, K),), [(f"[{B},{K}] [{K},{K}]", 3 * T, 3 * T * B * ONE, False)]),
    "several at once": (
        jax.vmap(lambda x, w: x @ w),
        (ones(3, B, K), ones(3, K, 2)),
        [("3 x [4,5] [5,2]", 1, 240, False)],
    ),
    "in place of a matrix": (jnp.dot, (ones(K), ones(K)), [(f"[1,{K}] [{K},1]", 1, 2 * K, False)]),
    # The way back multiplies by the transposed weights; W itself is a constant here.
    "gradient": (
        jax.grad(lambda x: loop(x).sum()),
        (ones(B, K),),
        [(f"[{B},{K}] [{K},{K}]", T, T * B * ONE, backward) for backward in (False, True)],
    ),
    "the dearest branch": (branches, (ones(dtype=bool), ones(K)), [(f"[1,{K}] [{K},{K}]", 3, 3 * ONE, False)]),
    "call": (jax.jit(jax.checkpoint(loop)), (ones(B, K),), [(f"[{B},{K}] [{K},{K}]", T, T * B * ONE, False)]),
}


@pytest.mark.parametrize(("function", "arguments", "expected"), CASES.values(), ids=CASES)
def test_products_by_hand(function, arguments, expected):
    found = of(function, *arguments)
    assert sorted(products(found)) == sorted(expected)
    assert sum(one.flops for one in found) == count_flops(jax.make_jaxpr(function)(*arguments))


ELEMENTS = {
    "each step's": (loop, (ones(B, K),), {"tanh": T * B * K}),
    "a reduction's are read": (lambda x: jnp.sum(x, 0), (ones(B, K),), {"reduce_sum": B * K}),
    "an update's are written": (
        lambda x, y: jax.lax.dynamic_update_slice(x, y, (0, 0)),
        (ones(100, K), ones(1, K)),
        {"dynamic_update_slice": K},
    ),
    "and those of a sum into places": (
        lambda x, i, y: x.at[i].add(y),
        (ones(100), ones(3, dtype=jnp.int32), ones(3)),
        {"scatter-add": 3},
    ),
    "the other branch's do not count": (branches, (ones(dtype=bool), ones(K)), {"sin": 0, "dot_general": 0}),
}


@pytest.mark.parametrize(("function", "arguments", "expected"), ELEMENTS.values(), ids=ELEMENTS)
def test_elements_by_hand(function, arguments, expected):
    found = {kind.primitive: kind.elements for kind in kinds(of(function, *arguments))}
    assert {name: found.get(name, 0) for name in expected} == expected


def soft(x):
    y = jnp.square(x)
    return jax.nn.softmax(y)


def test_where_it_was_written():
    """Within a loop and on the way back the line that was written; within a library's function that which calls it."""
    places = {(one.primitive, one.backward): one.place for one in of(jax.grad(lambda x: loop(x).sum()), ones(B, K))}
    assert places["dot_general", False] == places["dot_general", True] == line(step, "y = x @ W")
    assert places["tanh", False] == line(step, "jnp.tanh(y)")
    places = {one.primitive: one.place for one in of(soft, ones(K))}
    assert places["square"] == line(soft, "jnp.square")
    assert places["exp"] == places["reduce_sum"] == line(soft, "softmax")


def test_equal_ones_are_one_and_others_are_not():
    def three(x, y):
        x = (x @ W) @ W
        return x, x @ W, y @ W

    found = of(three, ones(B, K), ones(2, K))
    assert sorted((one.shape, one.times, one.place) for one in found) == [
        ("[2,5] [5,5]", 1, line(three, "return")),
        ("[4,5] [5,5]", 1, line(three, "return")),
        ("[4,5] [5,5]", 2, line(three, "x = ")),
    ]
    assert [one.flops for one in found] == sorted((one.flops for one in found), reverse=True)


def test_of_a_cell_they_add_up_and_lie_in_the_library():
    config = load_suite("smoke", ["tasks=higher-lower", "torsos=gru", *runs.SHORT]).cells[0].config
    jaxpr = trace(config, 2).train.jaxpr
    found = operations(jaxpr)
    assert sum(one.flops for one in found) == count_flops(jaxpr) > 0
    assert all(one.place.startswith("memorax/") for one in found if one.flops)
    recurrent = max((one for one in found if one.flops), key=lambda one: one.times)
    assert recurrent.place.startswith("memorax/networks/sequence_models/gru.py:")
    assert any(one.place.startswith("memorax/environments/popgym/higher_lower.py:") for one in found)
