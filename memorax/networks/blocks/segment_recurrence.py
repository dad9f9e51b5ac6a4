"""SegmentRecurrence: a long sequence as a row of short ones, through which no gradient flows.

Source: Dai et al. 2019, "Transformer-XL", arXiv 1901.02860, section 3.2; for recurrent networks it is truncated
backpropagation through time (Williams and Peng 1990).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.core import lift

from memorax.networks.sequence_models.base import as_sequence_model
from memorax.networks.types import Carry, SequenceModel


class SegmentRecurrence(SequenceModel):
    """The outputs of `model`, run over segments of `length` steps; gradients stop at the carry that each begins with.

    Segments are counted from the first step of a call. An auxiliary loss that the model leaves under "losses" counts
    once a segment.
    """

    model: nn.Module
    length: int  # steps of a segment

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return as_sequence_model(self.model).initialize_carry(batch)

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        if self.length < 1:
            raise ValueError(f"SegmentRecurrence: length = {self.length} must be at least 1")
        batch, time, _ = x.shape
        model, whole = as_sequence_model(self.model), time // self.length * self.length

        def segment(model: SequenceModel, carry: Carry, inputs: tuple) -> tuple[Carry, jax.Array]:
            x, start = inputs
            return model(x, start, jax.lax.stop_gradient(carry))

        if time <= self.length:
            return segment(model, carry, (x, start))

        def segments(leaf: jax.Array) -> jax.Array:  # [B, N * L, ...] -> [N, B, L, ...]
            return jnp.swapaxes(leaf.reshape(batch, -1, self.length, *leaf.shape[2:]), 0, 1)

        scan = nn.scan(
            segment, variable_broadcast="params", variable_axes={"losses": lift.Out(0)}, split_rngs={"params": False}
        )
        carry, ys = scan(model, carry, (segments(x[:, :whole]), segments(start[:, :whole])))
        y = jnp.swapaxes(ys, 0, 1).reshape(batch, whole, *ys.shape[3:])
        if whole == time:
            return carry, y
        carry, rest = segment(model, carry, (x[:, whole:], start[:, whole:]))
        return carry, jnp.concatenate([y, rest], 1)
