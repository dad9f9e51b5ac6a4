"""Stack: torsos one after the other."""

import flax.linen as nn
import jax

from memorax.networks.sequence_models.base import as_sequence_model
from memorax.networks.types import Carry, SequenceModel


class Stack(SequenceModel):
    """Each layer reads what the one before it returns; the carry is the tuple of theirs.

    Every layer has weights of its own, also where one module object is given several times: `Stack((layer,) * 3)`.
    """

    layers: tuple[nn.Module, ...]

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return tuple(as_sequence_model(layer).initialize_carry(batch) for layer in self.layers)

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        after = []
        for index, (layer, before) in enumerate(zip(self.layers, carry, strict=True)):
            # A copy, because flax gives one object one set of weights, wherever in a network it is met.
            model = as_sequence_model(layer.copy(name=f"layer_{index}"))
            memory, x = model(x, start, before)
            after.append(memory)
        return tuple(after), x
