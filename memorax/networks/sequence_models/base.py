"""From a module to a torso: which wrapper makes which kind of module a `SequenceModel`."""

import flax.linen as nn
import jax

from memorax.networks.types import Carry, MemoroidCell, SequenceModel
from memorax.registry import resolve


class SequenceModelWrapper(SequenceModel):
    """A torso without memory from any flax module `x[B, T, F] -> y[B, T, D]` that treats each step by itself."""

    module: nn.Module

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return ()

    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        return carry, self.module(x)


# Named, not imported: a model then depends only on the wrapper that it uses.
WRAPPERS = {
    "memoroid": "memorax.networks.sequence_models.memoroid:Memoroid",
    "rnn": "memorax.networks.sequence_models.rnn:RNN",
    "memoryless": "memorax.networks.sequence_models.base:SequenceModelWrapper",
}


def wrapper_of(module_class: type) -> str | None:
    """The name of the wrapper that a class of modules needs; None: it is a torso already."""
    if issubclass(module_class, SequenceModel):
        return None
    if issubclass(module_class, MemoroidCell):
        return "memoroid"
    return "rnn" if issubclass(module_class, nn.RNNCellBase) else "memoryless"


def as_sequence_model(module: nn.Module) -> SequenceModel:
    """A torso from a memoroid cell, a flax recurrent cell, a torso, or a module that treats each step by itself."""
    wrapper = wrapper_of(type(module))
    return module if wrapper is None else resolve(WRAPPERS[wrapper])(module)
