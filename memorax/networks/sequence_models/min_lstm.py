"""minLSTM: an LSTM whose gates and candidate do not see the state; the gates are normalised to sum to one.

Source: Feng et al. 2024, "Were RNNs All We Needed?", arXiv 2410.01201, section 3.2 and the log-space listing of
appendix B, whose candidate g is positive (`min_gru.positive`):

    f_t = sigmoid(W_f x_t + b_f),   i_t = sigmoid(W_i x_t + b_i)
    h_t = f_t / (f_t + i_t) * h_{t-1} + i_t / (f_t + i_t) * g(W_h x_t + b_h),   h_0 = g(0) = 1/2

Both quotients are sigmoids of log f - log i or its negative, which is how they are computed: f + i may underflow,
that difference may not. `min_gru` says why the recurrence itself needs no logarithms.
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
        difference = jax.nn.log_sigmoid(f) - jax.nn.log_sigmoid(i)
        return window, (jax.nn.sigmoid(difference), jax.nn.sigmoid(-difference) * positive(candidate)), ()

    def project(self, readout, context):
        return readout
