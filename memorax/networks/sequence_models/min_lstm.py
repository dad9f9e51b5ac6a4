"""minLSTM: an LSTM whose gates and candidate do not see the state; the gates are normalised to sum to one.

Source: Feng et al. 2024, "Were RNNs All We Needed?", arXiv 2410.01201, section 3.2 and the log-space listing of
appendix B, whose candidate g is positive (`min_gru.positive`):

    f_t = sigmoid(W_f x_t + b_f),   i_t = sigmoid(W_i x_t + b_i)
    h_t = f_t / (f_t + i_t) * h_{t-1} + i_t / (f_t + i_t) * g(W_h x_t + b_h),   h_0 = g(0) = 1/2

Neither quotient needs a logarithm or can underflow as f + i may (`shares`). `min_gru` says why the recurrence itself
needs none.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models.linear_recurrence import LinearRecurrence
from memorax.networks.sequence_models.min_gru import positive
from memorax.networks.types import check_sizes


@dataclasses.dataclass(frozen=True)
class MinLSTMConfig:
    """Sizes of a `MinLSTMCell`."""

    features: int  # width of the state and of the output

    def __post_init__(self):
        check_sizes(self, "features")


def shares(f: jax.Array, i: jax.Array) -> tuple[jax.Array, jax.Array]:
    """sigmoid(f) and sigmoid(i), each divided by their sum, for pre-activations of any size.

    As 1 / sigmoid(f) = 1 + exp(-f), the first is (1 + exp(-i)) / (2 + exp(-f) + exp(-i)). Multiplied above and below by
    exp(m), m the least of f, i and 0, no power is above 1 and one of them is 1. The quotients do not depend on m.
    """
    m = jax.lax.stop_gradient(jnp.minimum(jnp.minimum(f, i), 0))
    one, of_f, of_i = jnp.exp(m), jnp.exp(m - f), jnp.exp(m - i)
    total = 2 * one + of_f + of_i
    return (one + of_i) / total, (one + of_f) / total


class MinLSTMCell(LinearRecurrence):
    """`Memoroid(cell=MinLSTMCell(config=MinLSTMConfig(features=64)))` is the torso."""

    config: MinLSTMConfig

    def setup(self):
        self.input = nn.Dense(3 * self.config.features)

    @nn.nowrap
    def initial_state(self, batch: int):
        return positive(jnp.zeros((batch, self.config.features)))

    @property
    def diagonal(self) -> bool:
        return True

    def lift(self, x, start, window):
        f, i, candidate = jnp.split(self.input(x), 3, -1)
        kept, written = shares(f, i)
        return window, (kept, written * positive(candidate)), ()

    def project(self, readout, context):
        return readout
