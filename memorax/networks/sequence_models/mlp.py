"""MLP: the control without memory. Its torso is `SequenceModelWrapper(MLP(...))`."""

import dataclasses

import flax.linen as nn
import jax

from memorax.networks.types import check_sizes


@dataclasses.dataclass(frozen=True)
class MLPConfig:
    """Sizes of an `MLP`."""

    features: int  # width of the output

    def __post_init__(self):
        check_sizes(self, "features")


class MLP(nn.Module):
    """relu(W x + b), each step by itself: x[..., F] -> y[..., features]."""

    config: MLPConfig

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.relu(nn.Dense(self.config.features)(x))
