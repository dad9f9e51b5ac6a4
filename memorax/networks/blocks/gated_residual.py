"""GatedResidual: a residual connection through the gate of a GRU.

Source: Parisotto et al. 2019, "Stabilizing Transformers for Reinforcement Learning", arXiv 1910.06764, section 3.2,
"Gated-Recurrent-Unit-type gating", and the relu before the gate of section 3.1:

    y = relu(f(x))
    r = sigmoid(W_r y + U_r x)      z = sigmoid(W_z y + U_z x - b)      n = tanh(W_n y + U_n (r * x))
    output = (1 - z) * x + z * n

With b = 2 at initialisation, the layer is nearly the identity: a new agent reacts before it remembers.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.blocks.residual import check_widths
from memorax.networks.sequence_models.base import as_sequence_model
from memorax.networks.types import Carry, SequenceModel


class GatedResidual(SequenceModel):
    """y = gate(x, relu(f(x))). `ValueError` where the widths of x and f(x) differ."""

    model: nn.Module
    bias: float = 2.0  # b at initialisation; the larger, the nearer to the identity

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return as_sequence_model(self.model).initialize_carry(batch)

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        carry, y = as_sequence_model(self.model)(x, start, carry)
        check_widths(self, x, y)
        width = x.shape[-1]
        y_r, y_z, y_n = jnp.split(nn.Dense(3 * width, use_bias=False, name="y")(nn.relu(y)), 3, -1)
        x_r, x_z = jnp.split(nn.Dense(2 * width, use_bias=False, name="x")(x), 2, -1)
        r = nn.sigmoid(y_r + x_r)
        z = nn.sigmoid(y_z + x_z - self.param("bias", nn.initializers.constant(self.bias), (width,)))
        n = jnp.tanh(y_n + nn.Dense(width, use_bias=False, name="candidate")(r * x))
        return carry, x + z * (n - x)
