"""What the fast paths of recurrent cells share: their signature, and the pieces that each of them needs."""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.types import Carry

# (the cell's parameters, x[T, B, F], start[T, B], carry) -> (carry, ys[T, B, D]): `RNN`'s scan over a whole sequence
SequenceRule = Callable[[dict, jax.Array, jax.Array, Carry], tuple[Carry, jax.Array]]


def by_hand_pays(batch: int, width: int, units: int, backend: str) -> bool:
    """Whether a reverse scan written by hand is faster than the derivative of a plain scan.

    By hand, every step emits the gradients of its gates, [B, gates * H], of which one product over all steps makes the
    gradient of the recurrent weights. A plain scan adds to an array [H, gates * H] at every step, and keeps in a cache
    what the other sends to memory and back. On CPUs the second wins where there are fewer than `units` units to an
    environment: two for GRU and LSTM, eight for sLSTM (docs/performance.md, docs/torso-speed.md). Elsewhere by hand is
    chosen by reasoning, not by measurement: fewer programs a step.
    """
    return backend != "cpu" or units * batch <= width


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def gate_inputs(gates: int, x: jax.Array, kernel: jax.Array, bias: jax.Array) -> tuple[jax.Array, ...]:
    """The input parts of the gates over a sequence: x[T, B, F] @ kernel[F, gates * H] + bias[gates * H].

    Returns `gates` arrays [T, B, H], because slicing one [T, B, gates * H] array in a loop costs more than the loop.
    Their gradients are put side by side again: that of x is then one product, where automatic differentiation would
    add up one a gate.
    """
    pairs = zip(jnp.split(kernel, gates, -1), jnp.split(bias, gates), strict=True)
    return tuple(x @ gate_kernel + gate_bias for gate_kernel, gate_bias in pairs)


def _gate_inputs_forward(gates, x, kernel, bias):
    return gate_inputs(gates, x, kernel, bias), (x, kernel)


def _gate_inputs_backward(gates, residuals, d_gates):
    x, kernel = residuals
    d_gates = jnp.concatenate(d_gates, -1)
    return d_gates @ kernel.T, jnp.einsum("tbf,tbg->fg", x, d_gates), d_gates.sum((0, 1))


gate_inputs.defvjp(_gate_inputs_forward, _gate_inputs_backward)


def kept(start: jax.Array) -> jax.Array:
    """start[T, B] -> [T, B, 1]: 0.0 where an episode starts and memory is lost, else 1.0."""
    return 1.0 - start[..., None].astype(jnp.float32)


def orthogonal_gates(key: jax.Array, shape: tuple[int, int], dtype=jnp.float32) -> jax.Array:
    """shape [H, gates * H]: one orthogonal matrix a gate, side by side."""
    height, width = shape
    orthogonal = nn.initializers.orthogonal()
    keys = jax.random.split(key, width // height)
    return jnp.concatenate([orthogonal(k, (height, height), dtype) for k in keys], -1)
