"""FLOPs against hand counts: a product of [m, k] and [k, n] is 2 m k n, a loop is its body times its length."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.agents import torso
from memorax_bench.cell.cost import byte_count, count_flops, parameter_count

M, K, N, T, B = 3, 5, 7, 11, 4
W = jnp.ones((K, K))
STEP = 2 * K * K  # of a vector of K with W


def loop(x, length=T):
    return jax.lax.scan(lambda x, _: (jnp.tanh(x @ W), None), x, length=length)[0]


def unrolled(x, length=T):
    for _ in range(length):
        x = jnp.tanh(x @ W)
    return x


def nested(x):
    return jax.lax.scan(lambda x, _: (loop(x, 3), None), x, length=T)[0]


def branches(flag, x):
    return jax.lax.cond(flag, lambda x: x @ W @ W @ W, lambda x: x @ W, x)


def repeated(x):
    return jax.lax.while_loop(lambda x: x.sum() < 1, lambda x: x @ W, x)


def convolve(x, kernel, groups=1):
    return jax.lax.conv_general_dilated(
        x, kernel, (1,), "VALID", dimension_numbers=("NWC", "WIO", "NWC"), feature_group_count=groups
    )


def loss(function, w, x):
    return jax.lax.scan(lambda x, _: (function(x @ w), None), x, length=T)[0].sum()


def ones(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


CASES = {
    "matmul": (jnp.matmul, (ones(M, K), ones(K, N)), 2 * M * K * N),
    "vectors": (jnp.dot, (ones(K), ones(K)), 2 * K),
    "batched matmul": (jnp.matmul, (ones(B, M, K), ones(B, K, N)), B * 2 * M * K * N),
    "einsum over two axes": (partial(jnp.einsum, "bij,ijn->bn"), (ones(B, M, K), ones(M, K, N)), 2 * B * M * K * N),
    "elementwise": (lambda x: jnp.tanh(x) * 2 + x.sum(), (ones(M, K),), 0),
    "scan": (loop, (ones(K),), T * STEP),
    "scan, unrolled": (unrolled, (ones(K),), T * STEP),
    "nested scan": (nested, (ones(K),), T * 3 * STEP),
    # Backwards, a step multiplies by the transposed weights and forms the weights' own gradient: twice the forward.
    "gradient of scan": (jax.grad(partial(loss, jnp.tanh)), (ones(K, K), ones(B, K)), 3 * T * 2 * B * K * K),
    "cond: the dearest branch": (branches, (jax.ShapeDtypeStruct((), bool), ones(K)), 3 * STEP),
    "while: once": (repeated, (ones(K),), STEP),
    "convolution": (convolve, (ones(B, T, K), ones(M, K, N)), 2 * B * (T - M + 1) * M * K * N),
    "depthwise convolution": (partial(convolve, groups=K), (ones(B, T, K), ones(M, 1, K)), 2 * B * (T - M + 1) * M * K),
    "vmap": (jax.vmap(loop), (ones(B, K),), B * T * STEP),
    "vmap of nested": (jax.vmap(nested), (ones(B, K),), B * T * 3 * STEP),
    "jit": (jax.jit(jax.jit(loop)), (ones(K),), T * STEP),
    "checkpoint": (jax.checkpoint(loop), (ones(K),), T * STEP),
}


@pytest.mark.parametrize(("function", "arguments", "flops"), CASES.values(), ids=CASES)
def test_flops_by_hand(function, arguments, flops):
    assert count_flops(jax.make_jaxpr(function)(*arguments)) == flops


@pytest.mark.parametrize("length", [1, 16, 128])
def test_a_loop_counts_as_much_as_its_unrolled_form(length):
    """What XLA's own analysis gets wrong: it counts the body once, whatever the length."""
    programs = [jax.grad(lambda x, f=f: f(x, length).sum()) for f in (loop, unrolled)]
    scanned, straight = (count_flops(jax.make_jaxpr(program)(ones(K))) for program in programs)
    assert scanned == straight == 2 * length * STEP


@pytest.mark.parametrize("length", [1, 64])
def test_gru_by_hand(length):
    """6 products of [features, features] a step; one more if something were counted twice."""
    model, width = torso("gru"), 8
    x, start = ones(B, length, width), jax.ShapeDtypeStruct((B, length), bool)
    carry = jax.eval_shape(lambda: model.initialize_carry(B))
    params = jax.eval_shape(model.init, jax.random.key(0), x, start, carry)
    assert count_flops(jax.make_jaxpr(model.apply)(params, x, start, carry)) == B * length * 6 * 2 * width * width


def test_parameters_and_bytes():
    tree = {"a": np.zeros((2, 3), np.float32), "b": [ones(4), np.zeros((), np.int8)], "flag": np.zeros(5, bool)}
    assert parameter_count(tree) == 6 + 4 + 1 + 5
    assert byte_count(tree) == 24 + 16 + 1 + 5
    assert parameter_count({}) == byte_count(()) == 0
