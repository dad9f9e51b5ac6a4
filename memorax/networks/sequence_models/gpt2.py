"""GPT2: a transformer with normalisation before each part and a learned vector for each step of an episode.

Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3 (its weights begin at
a deviation of 0.02, those that write to the residual path at 0.02 / sqrt(2 * num_layers)):

    x = W x + table[steps since the episode began]
    x = x + attention(norm(x))      x = x + FFN(norm(x))      in each layer;    output = norm(x)

A layer attends to the last `window` steps, of which it remembers keys and values. The first linear map is not GPT-2's,
which embeds words; attention is without its biases.
"""

import dataclasses
import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.blocks import FFN, PreNorm, Projection, Residual, Stack
from memorax.networks.positional_embeddings import LearnedPosition, count_steps
from memorax.networks.sequence_models.attention import Attention, AttentionConfig, check_attention
from memorax.networks.types import Carry, SequenceModel, check_sizes


@dataclasses.dataclass(frozen=True)
class GPT2Config:
    """Sizes of a `GPT2`."""

    features: int  # width of every layer and of the output
    num_layers: int = 2  # of attention and FFN each
    num_heads: int = 4  # divides features
    window: int = 64  # steps that a layer attends to, at least 2: the current one is included
    expand: int = 4  # hidden width of the FFN, in multiples of features
    max_position: int = 1024  # rows of the learned table; later steps of an episode share its last row

    def __post_init__(self):
        check_attention(self)
        check_sizes(self, "num_layers", "expand", "max_position")


class GPT2(SequenceModel):
    """A linear map to `features` plus a learned position, layers of attention and FFN, and a normalisation."""

    config: GPT2Config

    @nn.nowrap
    def _stack(self) -> Stack:
        config = self.config
        attention = AttentionConfig(config.features, config.num_heads, config.window, position="none")
        init = {
            "kernel_init": nn.initializers.normal(0.02),
            "output_init": nn.initializers.normal(0.02 / math.sqrt(2 * config.num_layers)),
        }
        layers = (
            Residual(PreNorm(Attention(attention, **init))),
            Residual(PreNorm(FFN(config.features, config.expand, **init))),
        )
        return Stack(layers * config.num_layers)

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return {"time": jnp.zeros((batch,), jnp.int32), "layers": self._stack().initialize_carry(batch)}

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        time, position = count_steps(start, carry["time"])
        x = LearnedPosition(self.config.max_position, name="position")(Projection(self.config.features)(x), position)
        layers, x = self._stack()(x, start, carry["layers"])
        return {"time": time, "layers": layers}, nn.LayerNorm(name="normalised")(x)
