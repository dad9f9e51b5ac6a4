"""GTrXL: the gated transformer that reinforcement learning can train.

Source: Parisotto et al. 2019, "Stabilizing Transformers for Reinforcement Learning", arXiv 1910.06764, section 3:
Transformer-XL with its normalisation moved before each part, and gates instead of sums:

    x = gate(x, relu(attention(norm(x))))      x = gate(x, relu(FFN(norm(x))))      in each layer

A layer remembers the keys and values of its last `window - 1` steps, so what is seen reaches back up to
num_layers * (window - 1) steps.
"""

import dataclasses

import flax.linen as nn
import jax

from memorax.networks.blocks import FFN, GatedResidual, PreNorm, Projection, Stack
from memorax.networks.sequence_models.attention import Attention, AttentionConfig, check_attention
from memorax.networks.types import Carry, SequenceModel, check_sizes


@dataclasses.dataclass(frozen=True)
class GTrXLConfig:
    """Sizes of a `GTrXL`."""

    features: int  # width of every layer and of the output
    num_layers: int = 2  # of attention and FFN each
    num_heads: int = 4  # divides features
    window: int = 64  # steps that a layer attends to, at least 2: the current one is included
    expand: int = 4  # hidden width of the FFN, in multiples of features
    gate_bias: float = 2.0  # of the gates at initialisation; the larger, the nearer a layer is to the identity

    def __post_init__(self):
        check_attention(self)
        check_sizes(self, "num_layers", "expand")


class GTrXL(SequenceModel):
    """A linear map to `features`, then layers of gated attention and gated FFN."""

    config: GTrXLConfig

    @nn.nowrap
    def _stack(self) -> Stack:
        config = self.config
        attention = AttentionConfig(config.features, config.num_heads, config.window, position="relative")
        layers = (
            GatedResidual(PreNorm(Attention(attention)), config.gate_bias),
            GatedResidual(PreNorm(FFN(config.features, config.expand, nn.relu)), config.gate_bias),
        )
        return Stack((Projection(config.features), *layers * config.num_layers))

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return self._stack().initialize_carry(batch)

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        return self._stack()(x, start, carry)
