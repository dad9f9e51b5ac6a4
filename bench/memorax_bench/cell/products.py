"""How fast this machine multiplies matrices: what the speed of a program can be held against."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from memorax_bench.cell.compiling import lower
from memorax_bench.cell.operations import Operation

Sizes = tuple[int, int, int, int]  # b products of [m, k] and [k, n]
_LARGE = {"cpu": (1024, 4)}  # backend -> width of a square product, how many after one another
_LARGE_ELSEWHERE = (4096, 16)
_FLOPS, _BYTES = 2e8, 2**26  # at least so much work in a loop of small products, but no more memory
_OFTEN = 0.05  # a product is worth being measured where it has that share of the work


@dataclass(frozen=True)
class Product:
    """A compiled loop of equal products, float32 in the precision that programs use."""

    sizes: Sizes
    flops: int  # of a call
    call: Callable[[], jax.Array]


def large_product() -> Product:
    """Square and large: about the most that the machine can do."""
    width, repeats = _LARGE.get(jax.default_backend(), _LARGE_ELSEWHERE)

    def loop(x: jax.Array, w: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, repeats, lambda _, x: x @ w, x)

    return _compiled(loop, (1, width, width, width), repeats, (width, width), (width, width))


def product_of(sizes: Sizes) -> Product:
    """As a recurrence multiplies: one product a step of a loop, whose inputs and outputs lie in memory."""
    batch, m, k, n = sizes
    most = _BYTES // (4 * batch * (m * k + m * n))
    repeats = max(1, min(math.ceil(_FLOPS / (2 * batch * m * k * n)), most))

    def loop(xs: jax.Array, w: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda _, x: (None, x @ w), None, xs)[1]

    return _compiled(loop, sizes, repeats, (repeats, batch, m, k), (batch, k, n))


def own_products(operations: Iterable[Operation]) -> list[Sizes]:
    """Of a program's products, the one that has most of its work and, of those with a fair share, the one that runs
    most often: the recurrent one, where there is a loop over time."""
    work: dict[Sizes, int] = {}
    times: dict[Sizes, int] = {}
    for one in operations:
        if one.sizes is not None and one.flops:
            work[one.sizes] = work.get(one.sizes, 0) + one.flops
            times[one.sizes] = times.get(one.sizes, 0) + one.times
    if not work:
        return []
    fair = [sizes for sizes in work if work[sizes] >= _OFTEN * sum(work.values())]
    return list(dict.fromkeys([max(work, key=work.__getitem__), max(fair or work, key=times.__getitem__)]))


def _compiled(loop: Callable, sizes: Sizes, repeats: int, left: tuple[int, ...], right: tuple[int, ...]) -> Product:
    def draw() -> tuple[jax.Array, jax.Array]:
        x_key, w_key = jax.random.split(jax.random.key(0))
        # Of such a size that products neither grow nor vanish: slow numbers are not what is measured.
        return jax.random.normal(x_key, left), jax.random.normal(w_key, right) / jnp.sqrt(right[-2])

    x, w = lower(draw).compile(once=True).call()
    program = lower(loop, x, w).compile().call
    batch, m, k, n = sizes
    return Product(sizes, 2 * repeats * batch * m * k * n, lambda: program(x, w))
