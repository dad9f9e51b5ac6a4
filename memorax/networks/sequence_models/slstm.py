"""sLSTM: an LSTM with exponential gates, a normaliser, and recurrent weights within heads.

Source: Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", arXiv 2405.04517, section 2.2, equations 8-17, with
the sigmoid forget gate; initialisation of the published code (recurrent weights zero, forget biases from 5 to -7
within a head). Each pre-activation of i, f, z, o is W x + b + R h, R block-diagonal by heads:

    log f = log sigmoid(f~),   m' = max(log f + m, i~)                the stabiliser; leaves h as it is
    c' = exp(log f + m - m') c + exp(i~ - m') tanh(z~)
    n' = exp(log f + m - m') n + exp(i~ - m'),   h' = sigmoid(o~) c' / n'

The larger of the two exponentials is always 1, so n' >= 1 from the first step on; n = 0 marks an empty memory, whose
m' is i~ alone.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models.rules import gate_inputs, kept
from memorax.networks.types import check_sizes

Cells = tuple[jax.Array, jax.Array, jax.Array]  # c, n, m: [..., H] each
SLSTMCarry = tuple[jax.Array, jax.Array, jax.Array, jax.Array]  # c, n, m, h: [B, H] each


@dataclasses.dataclass(frozen=True)
class SLSTMConfig:
    """Sizes of an `SLSTMCell`."""

    features: int  # width of each part of the state and of the output
    num_heads: int = 4  # blocks of the recurrent weights; divides features

    def __post_init__(self):
        check_sizes(self, "features", "num_heads")
        if self.features % self.num_heads:
            raise ValueError(
                f"SLSTMConfig needs features = {self.features} to be a multiple of num_heads = {self.num_heads}; "
                "use num_heads=1 or another width"
            )


def _advance(cells: Cells, gates: tuple[jax.Array, ...]) -> tuple[Cells, jax.Array]:
    """One step from the cleared c, n, m and the four pre-activations -> ((c', n', m'), h')."""
    (c, n, m), (i, f, z, o) = cells, gates
    log_f = jnp.where(n == 0, i, jax.nn.log_sigmoid(f) + m)
    m = jnp.maximum(log_f, i)
    keep, write = jnp.exp(log_f - m), jnp.exp(i - m)
    c = keep * c + write * jnp.tanh(z)
    n = keep * n + write
    return (c, n, m), jax.nn.sigmoid(o) * c / n


def _by_head(arrays: list[jax.Array], kernel: jax.Array) -> jax.Array:
    """Arrays [..., H] side by side within each head: [..., heads, len(arrays) * width]."""
    heads, width, _ = kernel.shape
    return jnp.concatenate([array.reshape(*array.shape[:-1], heads, width) for array in arrays], -1)


def _gates(inputs: tuple[jax.Array, ...], h: jax.Array, kernel: jax.Array) -> tuple[jax.Array, ...]:
    """inputs: four of [..., H], h[..., H], kernel[heads, width, 4 * width] -> four pre-activations [..., H]."""
    recurrent = jnp.einsum("...nh,nhg->...ng", _by_head([h], kernel), kernel)
    parts = jnp.split(recurrent, 4, -1)
    return tuple(x + part.reshape(h.shape) for x, part in zip(inputs, parts, strict=True))


@jax.custom_vjp
def slstm_sequence(inputs, keep, carry, kernel) -> tuple[SLSTMCarry, jax.Array]:
    """An sLSTM over a sequence, time-major.

    inputs: four [T, B, H] as (i, f, z, o), biases included; keep: [T, B, 1] 0.0 where an episode starts, else 1.0
    carry: c, n, m, h of [B, H]; kernel: [heads, width, 4 * width]
    Returns the last carry and all h[T, B, H].

    As for the LSTM, the gradient's scan emits the gates' gradients, and that of the kernel is one product afterwards.
    """
    return _forward(inputs, keep, carry, kernel)[0]


def _forward(inputs, keep, carry, kernel):
    def step(carry, xs):
        inputs, keep = xs
        *cells, h = (part * keep for part in carry)
        cells, h = _advance(cells, _gates(inputs, h, kernel))
        return (*cells, h), (*cells, h)

    last, states = jax.lax.scan(step, carry, (inputs, keep))
    return (last, states[-1]), (states, inputs, keep, carry, kernel)


def _backward(residuals, cotangents):
    states, inputs, keep, carry, kernel = residuals
    d_carry, dhs = cotangents
    *cells, h = (jnp.concatenate([first[None], part[:-1]]) * keep for first, part in zip(carry, states, strict=True))
    gates = _gates(inputs, h, kernel)  # again, but for all steps in one product

    def step(d_carry, xs):
        dh_t, cells, gates, keep = xs
        *d_cells, dh = d_carry
        d_cells, d_gates = jax.vjp(_advance, cells, gates)[1]((tuple(d_cells), dh + dh_t))
        dh = jnp.einsum("bng,nhg->bnh", _by_head(d_gates, kernel), kernel).reshape(dh.shape)
        return tuple(part * keep for part in (*d_cells, dh)), d_gates

    d_carry, d_gates = jax.lax.scan(step, d_carry, (dhs, tuple(cells), gates, keep), reverse=True)
    d_kernel = jnp.einsum("tbnh,tbng->nhg", _by_head([h], kernel), _by_head(d_gates, kernel))
    return d_gates, jnp.zeros_like(keep), d_carry, d_kernel


slstm_sequence.defvjp(_forward, _backward)


class SLSTMCell(nn.RNNCellBase):
    """One step of an sLSTM; `RNN(cell=SLSTMCell(config=SLSTMConfig(features=64)))` is the torso."""

    config: SLSTMConfig

    @property
    def num_feature_axes(self) -> int:
        return 1

    @nn.nowrap
    def initialize_carry(self, rng: jax.Array, input_shape: tuple[int, ...]) -> SLSTMCarry:
        return (jnp.zeros((*input_shape[:-1], self.config.features)),) * 4

    @nn.compact
    def __call__(self, carry: SLSTMCarry, inputs: jax.Array) -> tuple[SLSTMCarry, jax.Array]:
        """carry (c, n, m, h) of [B, H], inputs[B, F] -> (carry, y[B, H])."""
        config = self.config
        width = config.features // config.num_heads
        x = nn.Dense(4 * config.features, bias_init=_bias_initializer(config), name="input")(inputs)
        kernel = self.param("recurrent", nn.initializers.zeros, (config.num_heads, width, 4 * width))
        *cells, h = carry
        cells, h = _advance(cells, _gates(jnp.split(x, 4, -1), h, kernel))
        return (*cells, h), h


def _bias_initializer(config: SLSTMConfig):
    """Zeros, but for the forget gates: 5 - 12 p^0.3 with p from 0 to 1 within each head."""
    width = config.features // config.num_heads
    forget = 5 - 12 * (jnp.arange(width) / max(width - 1, 1)) ** 0.3
    zeros = jnp.zeros(config.features)
    bias = jnp.concatenate([zeros, jnp.tile(forget, config.num_heads), zeros, zeros])
    return lambda key, shape, dtype=jnp.float32: bias.astype(dtype)


def sequence_rule(parameters: dict, x: jax.Array, start: jax.Array, carry: SLSTMCarry) -> tuple[SLSTMCarry, jax.Array]:
    """`SLSTMCell` over x[T, B, F], start[T, B] -> (carry, ys[T, B, H])."""
    inputs = gate_inputs(4, x, **parameters["input"])
    return slstm_sequence(inputs, kept(start), carry, parameters["recurrent"])
