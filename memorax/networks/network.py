"""Network: feature extractor -> torso -> head."""

from typing import Any

import flax.linen as nn
import jax

from memorax.networks.feature_extractors import FeatureExtractor
from memorax.networks.types import Carry, Head, Inputs, SequenceModel


class Network(nn.Module):
    """`network.apply(variables, inputs, carry) -> (carry, output)`, inputs with leaves [B, T, ...]."""

    feature_extractor: FeatureExtractor
    torso: SequenceModel
    head: Head

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        """The memory of `batch` episodes that have not begun."""
        return self.torso.initialize_carry(batch)

    def remember(self, inputs: Inputs, carry: Carry) -> tuple[Carry, jax.Array]:
        """Everything but the head: inputs [B, T, ...] -> (carry, y[B, T, D])."""
        return self.torso(self.feature_extractor(inputs), inputs.start, carry)

    def __call__(self, inputs: Inputs, carry: Carry, action: jax.Array | None = None) -> tuple[Carry, Any]:
        carry, y = self.remember(inputs, carry)
        return carry, self.head(y, action)
