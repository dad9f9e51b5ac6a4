"""Residual: a torso that adds to its input (He et al. 2015, arXiv 1512.03385)."""

import flax.linen as nn
import jax

from memorax.networks.sequence_models.base import as_sequence_model
from memorax.networks.types import Carry, SequenceModel


class Residual(SequenceModel):
    """y = x + f(x). `ValueError` where the widths of x and f(x) differ."""

    model: nn.Module

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return as_sequence_model(self.model).initialize_carry(batch)

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        carry, y = as_sequence_model(self.model)(x, start, carry)
        check_widths(self, x, y)
        return carry, x + y


def check_widths(block: nn.Module, x: jax.Array, y: jax.Array) -> None:
    """`ValueError` unless a block's model keeps the width of its input."""
    if x.shape != y.shape:
        raise ValueError(
            f"{type(block).__name__} joins its input to what {type(block.model).__name__} makes of it, and their "
            f"widths differ: {x.shape[-1]} and {y.shape[-1]}. Give the model features={x.shape[-1]}, or put "
            f"Projection({y.shape[-1]}) before the block"
        )
