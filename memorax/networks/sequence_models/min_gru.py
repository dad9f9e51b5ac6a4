"""minGRU: a GRU whose gate and candidate do not see the state, so that its recurrence is linear and can be scanned.

Source: Feng et al. 2024, "Were RNNs All We Needed?", arXiv 2410.01201, section 3.1 and the log-space listing of
appendix B, whose candidate g is positive:

    z_t = sigmoid(W_z x_t + b_z),   h_t = (1 - z_t) * h_{t-1} + z_t * g(W_h x_t + b_h)
    g(a) = a + 1/2 where a >= 0, else sigmoid(a);   h_0 = g(0) = 1/2, as in the listing

The paper needs logarithms because its parallel scan divides by the product of all decays, which underflows. The scans
here only multiply decays that lie in (0, 1) with each other and with bounded states: a product that underflows is a
memory that is forgotten to float32's precision, so the same recurrence is exact enough without them.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.sequence_models.linear_recurrence import LinearRecurrence
from memorax.networks.types import check_sizes


@dataclasses.dataclass(frozen=True)
class MinGRUConfig:
    """Sizes of a `MinGRUCell`."""

    features: int  # width of the state and of the output

    def __post_init__(self):
        check_sizes(self, "features")


def positive(a: jax.Array) -> jax.Array:
    """g of the paper: a + 1/2 where a >= 0, else sigmoid(a)."""
    return jnp.where(a >= 0, a + 0.5, jax.nn.sigmoid(a))


class MinGRUCell(LinearRecurrence):
    """`Memoroid(cell=MinGRUCell(config=MinGRUConfig(features=64)))` is the torso."""

    config: MinGRUConfig

    def setup(self):
        self.input = nn.Dense(2 * self.config.features)

    @nn.nowrap
    def initial_state(self, batch: int):
        return positive(jnp.zeros((batch, self.config.features)))

    @property
    def diagonal(self) -> bool:
        return True

    def lift(self, x, start, window):
        z, candidate = jnp.split(self.input(x), 2, -1)
        return window, (jax.nn.sigmoid(-z), jax.nn.sigmoid(z) * positive(candidate)), ()

    def project(self, readout, context):
        return readout
