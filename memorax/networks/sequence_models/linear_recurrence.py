"""What cells share whose next state is a multiple of the last one, entry by entry, plus what the step writes.

    s_t = a_t * s_{t-1} + w_t

Two steps are again one of that form, (a_t a_{t-1}, a_t w_{t-1} + w_t), so every such recurrence can be scanned in
parallel (Blelloch 1990, "Prefix Sums and Their Applications", section 1.4). Decays of modulus up to 1 are multiplied
as they are: a product that underflows is a memory forgotten to float32's precision.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models import matrix_memory as memory
from memorax.networks.types import Carry, MemoroidCell

Complex = tuple[jax.Array, jax.Array]  # real and imaginary parts: complex products cost several real ones on a CPU


class LinearRecurrence(MemoroidCell):
    """A real state. `expand` gives (decay, written), of shapes that broadcast against the state's. Abstract."""

    @property
    def associative(self) -> bool:
        return True

    @nn.nowrap
    def step(self, state: jax.Array, element: tuple[jax.Array, jax.Array]) -> jax.Array:
        decay, written = element
        return decay * state + written

    @nn.nowrap
    def combine(self, left: Any, right: Any) -> Any:
        return left[0] * right[0], self.step(left[1], right)

    @nn.nowrap
    def read(self, state: jax.Array, context: Any) -> jax.Array:
        return state


class MatrixRecurrence(LinearRecurrence):
    """A matrix a head, `[B, H, V, K]`, read by the query that comes first in the context, `[..., H, K]`. Abstract.

    The config has the `chunk_length` of the closed form that the cell gives as `chunk`.
    """

    @nn.nowrap
    def read(self, state: jax.Array, context: Any) -> jax.Array:
        return memory.recall(state, context[0])

    @property
    def chunk_length(self) -> int:
        return self.config.chunk_length


class ComplexRecurrence(MemoroidCell):
    """A complex state, as (real, imaginary). `expand` gives (eigenvalue, written), both such pairs. Abstract."""

    @property
    def associative(self) -> bool:
        return True

    @nn.nowrap
    def step(self, state: Complex, element: tuple[Complex, Complex]) -> Complex:
        return complex_step(state, element)

    @nn.nowrap
    def combine(self, left: Any, right: Any) -> Any:
        return multiply(left[0], right[0]), complex_step(left[1], right)

    @nn.nowrap
    def read(self, state: Carry, context: Any) -> jax.Array:
        return jnp.concatenate(state, -1)


def complex_step(state: Complex, element: tuple[Complex, Complex]) -> Complex:
    """eigenvalue * state + written."""
    eigenvalue, (real, imaginary) = element
    turned = multiply(eigenvalue, state)
    return turned[0] + real, turned[1] + imaginary


def multiply(a: Complex, b: Complex) -> Complex:
    """A product of complex numbers."""
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def divide(a: Complex, b: Complex) -> Complex:
    """A quotient of complex numbers."""
    real, imaginary = multiply(a, (b[0], -b[1]))
    squared = b[0] ** 2 + b[1] ** 2
    return real / squared, imaginary / squared
