"""From a step's inputs to one feature vector."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.types import Inputs


class Identity(nn.Module):
    """Feeds an input as it is."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return x


class FeatureExtractor(nn.Module):
    """The concatenation of what the extractors make of their inputs; an extractor that is None is not fed.

    observation_extractor: any flax module, [B, T, ...] -> [B, T, F]
    action_extractor: of the encoded previous action, [B, T, A]; zeros at an episode's start
    reward_extractor: of the previous reward, [B, T, 1]; zero at an episode's start
    start_extractor: of the start flag as 0.0 or 1.0, [B, T, 1]
    """

    observation_extractor: nn.Module
    action_extractor: nn.Module | None = None
    reward_extractor: nn.Module | None = None
    start_extractor: nn.Module | None = None

    def __call__(self, inputs: Inputs) -> jax.Array:
        """-> features [B, T, F]."""
        fed = (
            (self.observation_extractor, inputs.observation),
            (self.action_extractor, inputs.previous_action),
            (self.reward_extractor, inputs.previous_reward[..., None]),
            (self.start_extractor, inputs.start[..., None].astype(jnp.float32)),
        )
        features = [extractor(x) for extractor, x in fed if extractor is not None]
        for part in features:
            if part.ndim != 3:
                raise ValueError(
                    f"an extractor returned features of shape {part.shape}; a torso needs [B, T, F]. "
                    f"Observations here are {inputs.observation.shape}: flatten them, or use a convolutional extractor"
                )
        return jnp.concatenate(features, -1)
