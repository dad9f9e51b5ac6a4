"""LSTM: a cell behind input, forget and output gates, with a reverse scan written by hand.

Source: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9(8); the forget gate is that of
Gers, Schmidhuber and Cummins 2000, "Learning to Forget", Neural Computation 12(10), whose bias starts at 1 so that
memory is kept until the gate has learnt:

    i = sigmoid(W_i x + b_i + U_i h)      f = sigmoid(W_f x + b_f + U_f h)      o = sigmoid(W_o x + b_o + U_o h)
    g = tanh(W_g x + b_g + U_g h)
    c' = f * c + i * g                    h' = o * tanh(c')
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models.rules import gate_inputs, kept, orthogonal_gates
from memorax.networks.types import check_sizes

_GATES = "ifgo"  # their order in every array that holds them side by side

LSTMCarry = tuple[jax.Array, jax.Array]  # c[B, H], h[B, H]


@dataclasses.dataclass(frozen=True)
class LSTMConfig:
    """Sizes and initialisation of an `LSTMCell`."""

    features: int  # width of each half of the state and of the output
    forget_bias: float = 1.0  # bias of the forget gate at initialisation

    def __post_init__(self):
        check_sizes(self, "features")


def _gates(c: jax.Array, h: jax.Array, inputs: tuple[jax.Array, ...], kernel: jax.Array):
    """One step from the cleared state c[B, H], h[B, H] -> c', h', (i, f, g, o)."""
    x_i, x_f, x_g, x_o = inputs
    h_i, h_f, h_g, h_o = jnp.split(h @ kernel, 4, -1)
    i, f, o = jax.nn.sigmoid(x_i + h_i), jax.nn.sigmoid(x_f + h_f), jax.nn.sigmoid(x_o + h_o)
    g = jnp.tanh(x_g + h_g)
    c = f * c + i * g
    return c, o * jnp.tanh(c), (i, f, g, o)


@jax.custom_vjp
def lstm_sequence(x_i, x_f, x_g, x_o, keep, c, h, kernel) -> tuple[jax.Array, jax.Array]:
    """An LSTM over a sequence, time-major.

    x_i, x_f, x_g, x_o: [T, B, H] input parts of the gates, biases included; four arrays, because slicing one
    [T, B, 4H] array in the loop costs more than the loop
    keep: [T, B, 1] 0.0 where an episode starts, else 1.0; c, h: [B, H]; kernel: [H, 4H] as (i, f, g, o)
    Returns the last c[B, H] and all h[T, B, H].

    The gradient's scan carries and emits only dL/dc and dL/dh; the gates' gradients and one matrix product over all
    steps for that of the kernel follow, where automatic differentiation would add a [H, 4H] array at every step.
    """
    return _forward(x_i, x_f, x_g, x_o, keep, c, h, kernel)[0]


def _forward(x_i, x_f, x_g, x_o, keep, c, h, kernel):
    def step(carry, xs):
        *inputs, keep = xs
        c, h, gates = _gates(carry[0] * keep, carry[1] * keep, inputs, kernel)
        return (c, h), (c, h, *gates)

    (last, _), (cs, hs, *gates) = jax.lax.scan(step, (c, h), (x_i, x_f, x_g, x_o, keep))
    return (last, hs), (cs, hs, *gates, keep, c, h, kernel)


def _backward(residuals, cotangents):
    cs, hs, i, f, g, o, keep, c, h, kernel = residuals
    d_last, dhs = cotangents
    kept_c = jnp.concatenate([c[None], cs[:-1]]) * keep
    kept_h = jnp.concatenate([h[None], hs[:-1]]) * keep
    # how c' moves h', and how the pre-activations of i, f and g move c', that of o h'; nothing of this needs the loop
    tanh_c = jnp.tanh(cs)
    to_c = o * (1 - tanh_c * tanh_c)
    to_gates = g * i * (1 - i), kept_c * f * (1 - f), i * (1 - g * g), tanh_c * o * (1 - o)
    transposed = kernel.T

    def step(carry, xs):
        dc, dh = carry
        dh_t, to_c, to_gates, f, keep = xs
        dh = dh + dh_t
        dc = dc + dh * to_c
        recurrent = (jnp.concatenate([dc, dc, dc, dh], -1) * to_gates) @ transposed
        return (dc * f * keep, recurrent * keep), (dc, dh)

    xs = (dhs, to_c, jnp.concatenate(to_gates, -1), f, keep)
    (dc, dh), (dcs, dhs) = jax.lax.scan(step, (d_last, jnp.zeros_like(h)), xs, reverse=True)
    d_gates = [d * to_gate for d, to_gate in zip((dcs, dcs, dcs, dhs), to_gates, strict=True)]
    d_kernel = jnp.einsum("tbh,tbg->hg", kept_h, jnp.concatenate(d_gates, -1))
    return *d_gates, jnp.zeros_like(keep), dc, dh, d_kernel


lstm_sequence.defvjp(_forward, _backward)


class LSTMCell(nn.RNNCellBase):
    """One step of an LSTM; `RNN(cell=LSTMCell(config=LSTMConfig(features=64)))` is the torso.

    Parameters are those of `flax.linen.LSTMCell`, the four gates side by side; apart from the forget gate's bias the
    initialisation is the same too.
    """

    config: LSTMConfig

    @property
    def num_feature_axes(self) -> int:
        return 1

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> LSTMCarry:
        return (jnp.zeros((*input_shape[:-1], self.config.features)),) * 2

    @nn.compact
    def __call__(self, carry: LSTMCarry, inputs: jax.Array) -> tuple[LSTMCarry, jax.Array]:
        """carry (c[B, H], h[B, H]), inputs[B, F] -> (carry, y[B, H])."""
        width = self.config.features
        bias = _bias_initializer(self.config.forget_bias)
        gates = nn.Dense(4 * width, bias_init=bias, name="input")(inputs)
        kernel = self.param("recurrent", orthogonal_gates, (width, 4 * width))
        c, h, _ = _gates(*carry, jnp.split(gates, 4, -1), kernel)
        return (c, h), h


def _bias_initializer(forget_bias: float):
    """Zeros, but for the forget gate."""
    offset = jnp.array([forget_bias if gate == "f" else 0.0 for gate in _GATES])
    return lambda key, shape, dtype=jnp.float32: jnp.repeat(offset, shape[0] // 4).astype(dtype)


def sequence_rule(parameters: dict, x: jax.Array, start: jax.Array, carry: LSTMCarry) -> tuple[LSTMCarry, jax.Array]:
    """`LSTMCell` over x[T, B, F], start[T, B] -> (carry, ys[T, B, H])."""
    gates = gate_inputs(4, x, **parameters["input"])
    c, hs = lstm_sequence(*gates, kept(start), *carry, parameters["recurrent"])
    return (c, hs[-1]), hs


def flax_sequence_rule(
    parameters: dict, x: jax.Array, start: jax.Array, carry: LSTMCarry
) -> tuple[LSTMCarry, jax.Array]:
    """`flax.linen.LSTMCell` or `OptimizedLSTMCell` (default options) over x[T, B, F], start[T, B]."""
    input_kernel = jnp.concatenate([parameters[f"i{gate}"]["kernel"] for gate in _GATES], -1)
    kernel = jnp.concatenate([parameters[f"h{gate}"]["kernel"] for gate in _GATES], -1)
    bias = jnp.concatenate([parameters[f"h{gate}"]["bias"] for gate in _GATES])
    gates = gate_inputs(4, x, input_kernel, bias)
    c, hs = lstm_sequence(*gates, kept(start), *carry, kernel)
    return (c, hs[-1]), hs
