"""TransformerXL: attention with relative positions and a memory of the last steps.

Source: Dai et al. 2019, "Transformer-XL", arXiv 1901.02860, section 3. In each layer

    x = norm(x + attention(x))      x = norm(x + FFN(x))

A layer remembers the keys and values of its last `window - 1` steps. `GTrXL` is its descendant for reinforcement
learning, with gates instead of sums.
"""

import dataclasses

import flax.linen as nn
import jax

from memorax.networks.blocks import FFN, PostNorm, Projection, Residual, Stack
from memorax.networks.sequence_models.attention import Attention, AttentionConfig, check_attention
from memorax.networks.types import Carry, SequenceModel, check_sizes


@dataclasses.dataclass(frozen=True)
class TransformerXLConfig:
    """Sizes of a `TransformerXL`."""

    features: int  # width of every layer and of the output
    num_layers: int = 2  # of attention and FFN each
    num_heads: int = 4  # divides features
    window: int = 64  # steps that a layer attends to, at least 2: the current one is included
    expand: int = 4  # hidden width of the FFN, in multiples of features

    def __post_init__(self):
        check_attention(self)
        check_sizes(self, "num_layers", "expand")


class TransformerXL(SequenceModel):
    """A linear map to `features`, then layers of attention and FFN."""

    config: TransformerXLConfig

    @nn.nowrap
    def _stack(self) -> Stack:
        config = self.config
        attention = AttentionConfig(config.features, config.num_heads, config.window, position="relative")
        layers = (
            PostNorm(Residual(Attention(attention))),
            PostNorm(Residual(FFN(config.features, config.expand, nn.relu))),
        )
        return Stack((Projection(config.features), *layers * config.num_layers))

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return self._stack().initialize_carry(batch)

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        return self._stack()(x, start, carry)
