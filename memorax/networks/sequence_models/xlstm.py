"""XLSTM: residual blocks of matrix and scalar LSTMs in turn.

Source: Beck et al. 2024, "xLSTM: Extended Long Short-Term Memory", arXiv 2405.04517, section 2.4; both kinds of block
are followed by a gated feed-forward layer, as the sLSTM's is there and the mLSTM's in xLSTM 7B (Beck et al. 2025,
arXiv 2503.13427):

    x = x + mLSTM(norm(x))            x = x + GLU(norm(x))      in layers 1, 3, 5, ...
    x = x + norm(sLSTM(norm(x)))      x = x + GLU(norm(x))      in layers 2, 4, 6, ...;    output = norm(x)

The paper's short convolutions are left out, as in xLSTM 7B. The norm after an sLSTM is over all of its heads at once.
"""

import dataclasses

import flax.linen as nn
import jax

from memorax.networks.blocks import GLU, PostNorm, PreNorm, Projection, Residual, Stack
from memorax.networks.sequence_models.mlstm import MLSTMCell, MLSTMConfig
from memorax.networks.sequence_models.slstm import SLSTMCell, SLSTMConfig
from memorax.networks.types import Carry, SequenceModel, check_sizes


@dataclasses.dataclass(frozen=True)
class XLSTMConfig:
    """Sizes of an `XLSTM`."""

    features: int  # width of every layer and of the output
    num_layers: int = 2  # mLSTM and sLSTM in turn, each with its GLU; 1 is an mLSTM alone
    num_heads: int = 4  # divides features; a head is at least 2 wide
    expand: int = 2  # hidden width of the GLU, in multiples of features

    def __post_init__(self):
        check_sizes(self, "features", "num_layers", "num_heads", "expand")
        if self.features % self.num_heads or self.features == self.num_heads:
            raise ValueError(
                f"XLSTMConfig needs features = {self.features} to be a multiple of num_heads = {self.num_heads}, and "
                f"at least twice it; use another width, or num_heads=1 for a width of at least 2"
            )


class XLSTM(SequenceModel):
    """A linear map to `features`, layers of mLSTM and sLSTM in turn, and a normalisation."""

    config: XLSTMConfig

    @nn.nowrap
    def _stack(self) -> Stack:
        config = self.config
        matrix = MLSTMCell(MLSTMConfig(config.features, config.num_heads))
        scalar = PostNorm(SLSTMCell(SLSTMConfig(config.features, config.num_heads)))
        glu = Residual(PreNorm(GLU(config.features, config.expand)))
        layers = [Projection(config.features)]
        for index in range(config.num_layers):
            layers += [Residual(PreNorm(scalar if index % 2 else matrix)), glu]
        return Stack(tuple(layers))

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return self._stack().initialize_carry(batch)

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        carry, x = self._stack()(x, start, carry)
        return carry, nn.LayerNorm(name="normalised")(x)
