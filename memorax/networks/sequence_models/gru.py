"""GRU: gates that keep, reset and renew one state, with a reverse scan written by hand.

Source: Cho et al. 2014, arXiv 1406.1078; the reset gate is applied after the recurrent product, as in cuDNN and flax:

    r = sigmoid(W_r x + b_r + U_r h)      z = sigmoid(W_z x + b_z + U_z h)
    n = tanh(W_n x + b_n + r * (U_n h + c))
    h' = (1 - z) * n + z * h
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models.rules import gate_inputs, kept, orthogonal_gates
from memorax.networks.types import check_sizes

_GATES = "rzn"  # their order in every array that holds them side by side


@dataclasses.dataclass(frozen=True)
class GRUConfig:
    """Sizes of a `GRUCell`."""

    features: int  # width of the state and of the output

    def __post_init__(self):
        check_sizes(self, "features")


def _gates(h: jax.Array, inputs: list[jax.Array], recurrent: list[jax.Array], bias: jax.Array):
    """One step from the cleared state h[B, H] -> r, z, n, the candidate's recurrent part, h'."""
    (x_r, x_z, x_n), (h_r, h_z, h_n) = inputs, recurrent
    h_n = h_n + bias
    r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
    n = jnp.tanh(x_n + r * h_n)
    return r, z, n, h_n, n + z * (h - n)


@jax.custom_vjp
def gru_sequence(x_r, x_z, x_n, keep, h, kernel, bias) -> jax.Array:
    """The states of a GRU over a sequence, time-major.

    x_r, x_z, x_n: [T, B, H] input parts of the gates, biases included; three arrays, because slicing one [T, B, 3H]
    array in the loop costs more than the loop
    keep: [T, B, 1] 0.0 where an episode starts, else 1.0; h: [B, H]; kernel: [H, 3H] as (r, z, n); bias: [H]
    Returns [T, B, H].

    The gradient's scan carries and emits only dL/dh; the gates' gradients and one matrix product over all steps for
    those of the weights follow, where automatic differentiation would add a [H, 3H] array at every step.
    """
    return _forward(x_r, x_z, x_n, keep, h, kernel, bias)[0]


def _forward(x_r, x_z, x_n, keep, h, kernel, bias):
    kernels = jnp.split(kernel, 3, -1)  # a product a gate: of few rows up to twice as fast on CPUs as one of all gates

    def step(h, xs):
        *inputs, keep = xs
        h = h * keep
        r, z, n, h_n, h = _gates(h, inputs, [h @ gate for gate in kernels], bias)
        return h, (h, r, z, n, h_n)

    _, (hs, *gates) = jax.lax.scan(step, h, (x_r, x_z, x_n, keep))
    return hs, (hs, *gates, keep, h, kernel)


def _backward(residuals, dhs):
    hs, r, z, n, h_n, keep, h, kernel = residuals
    kept_h = jnp.concatenate([h[None], hs[:-1]]) * keep
    # what dL/dh' is to be multiplied with for the gradients of r's and z's pre-activations, of the candidate's and of
    # its recurrent part; nothing of this needs the loop
    to_n = (1 - z) * (1 - n * n)
    to_r, to_z, to_hn = to_n * h_n * r * (1 - r), (kept_h - n) * z * (1 - z), to_n * r
    transposed = kernel.T

    def step(dh, xs):
        dh_t, z, to_gates, keep = xs
        dh = dh + dh_t
        recurrent = (jnp.concatenate([dh] * 3, -1) * to_gates) @ transposed
        return (dh * z + recurrent) * keep, dh

    xs = (dhs, z, jnp.concatenate([to_r, to_z, to_hn], -1), keep)
    first, dhs = jax.lax.scan(step, jnp.zeros_like(h), xs, reverse=True)
    d_r, d_z, d_n, d_hn = (dhs * to_gate for to_gate in (to_r, to_z, to_n, to_hn))
    # three products, because to put their factors side by side would copy them
    d_kernel = jnp.concatenate([jnp.einsum("tbh,tbg->hg", kept_h, d_gate) for d_gate in (d_r, d_z, d_hn)], -1)
    return d_r, d_z, d_n, jnp.zeros_like(keep), first, d_kernel, d_hn.sum((0, 1))


gru_sequence.defvjp(_forward, _backward)


class GRUCell(nn.RNNCellBase):
    """One step of a GRU; `RNN(cell=GRUCell(config=GRUConfig(features=64)))` is the torso.

    Parameters are those of `flax.linen.GRUCell`, the three gates side by side; the same initialisation.
    """

    config: GRUConfig

    @property
    def num_feature_axes(self) -> int:
        return 1

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> jax.Array:
        return jnp.zeros((*input_shape[:-1], self.config.features))

    @nn.compact
    def __call__(self, carry: jax.Array, inputs: jax.Array) -> tuple[jax.Array, jax.Array]:
        """carry[B, H], inputs[B, F] -> (carry, y[B, H])."""
        width = self.config.features
        x = nn.Dense(3 * width, name="input")(inputs)
        kernel = self.param("recurrent", orthogonal_gates, (width, 3 * width))
        bias = self.param("candidate_bias", nn.initializers.zeros, (width,))
        *_, h = _gates(carry, jnp.split(x, 3, -1), jnp.split(carry @ kernel, 3, -1), bias)
        return h, h


def sequence_rule(parameters: dict, x: jax.Array, start: jax.Array, h: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`GRUCell` over x[T, B, F], start[T, B] from h[B, H] -> (h[B, H], ys[T, B, H])."""
    gates = gate_inputs(3, x, **parameters["input"])
    hs = gru_sequence(*gates, kept(start), h, parameters["recurrent"], parameters["candidate_bias"])
    return hs[-1], hs


def flax_sequence_rule(parameters: dict, x: jax.Array, start: jax.Array, h: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`flax.linen.GRUCell` (default options) over x[T, B, F], start[T, B] from h[B, H] -> (h[B, H], ys[T, B, H])."""
    input_kernel = jnp.concatenate([parameters[f"i{gate}"]["kernel"] for gate in _GATES], -1)
    kernel = jnp.concatenate([parameters[f"h{gate}"]["kernel"] for gate in _GATES], -1)
    gates = gate_inputs(3, x, input_kernel, jnp.concatenate([parameters[f"i{gate}"]["bias"] for gate in _GATES]))
    hs = gru_sequence(*gates, kept(start), h, kernel, parameters["hn"]["bias"])
    return hs[-1], hs
