"""MLPTime: the control that knows what time it is and remembers nothing else.

Many memory tasks can be solved in part by a clock. The steps since the episode began enter as sines and cosines of
several periods (Vaswani et al. 2017, arXiv 1706.03762, section 3.5), which stay bounded in episodes of any length.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.positional_embeddings import count_steps, sinusoids
from memorax.networks.sequence_models.mlp import MLP, MLPConfig
from memorax.networks.types import Carry, SequenceModel, check_sizes


@dataclasses.dataclass(frozen=True)
class MLPTimeConfig:
    """Sizes of an `MLPTime`."""

    features: int  # width of the output
    time_features: int = 16  # sines and cosines of the time, periods from 2 pi towards 2 pi * 10,000 steps

    def __post_init__(self):
        check_sizes(self, "features", "time_features")


class MLPTime(SequenceModel):
    """An `MLP` of the input and of the steps since the episode began; the carry counts them."""

    config: MLPTimeConfig

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return jnp.zeros((batch,), jnp.int32)

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        carry, position = count_steps(start, carry)
        seen = jnp.concatenate([x, sinusoids(position, self.config.time_features)], -1)
        return carry, MLP(MLPConfig(self.config.features), name="mlp")(seen)
