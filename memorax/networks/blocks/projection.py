"""Projection: a linear map, for widths that have to match."""

import flax.linen as nn
import jax


class Projection(nn.Module):
    """W x + b, each step by itself: x[..., F] -> y[..., features]."""

    features: int  # width of the output

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.Dense(self.features, name="linear")(x)
