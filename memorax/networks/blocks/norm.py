"""PreNorm and PostNorm: a torso whose inputs, or outputs, are normalised over their features.

Source: Ba et al. 2016, "Layer Normalization", arXiv 1607.06450; Zhang and Sennrich 2019, "Root Mean Square Layer
Normalization", arXiv 1910.07467. On the order: Xiong et al. 2020, arXiv 2002.04745.
"""

import flax.linen as nn
import jax

from memorax.networks.sequence_models.base import as_sequence_model
from memorax.networks.types import Carry, SequenceModel

NORMS = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}


def normalisation(norm: str) -> type[nn.Module]:
    """The module of a name."""
    if norm not in NORMS:
        raise ValueError(f"norm = {norm!r} must be one of {', '.join(NORMS)}")
    return NORMS[norm]


class PreNorm(SequenceModel):
    """y = f(norm(x)). In a residual branch, `Residual(PreNorm(f))`, it leaves the path of x itself alone."""

    model: nn.Module
    norm: str = "layer"  # layer or rms

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return as_sequence_model(self.model).initialize_carry(batch)

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        return as_sequence_model(self.model)(normalisation(self.norm)(name="normalised")(x), start, carry)


class PostNorm(SequenceModel):
    """y = norm(f(x)). Around a residual branch, `PostNorm(Residual(f))`, it is the layer of Vaswani et al. 2017."""

    model: nn.Module
    norm: str = "layer"  # layer or rms

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return as_sequence_model(self.model).initialize_carry(batch)

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        carry, y = as_sequence_model(self.model)(x, start, carry)
        return carry, normalisation(self.norm)(name="normalised")(y)
