"""GLU: a feed-forward layer whose hidden units are gated.

Source: Shazeer 2020, "GLU Variants Improve Transformer", arXiv 2002.05202, equation 6: sigmoid is the GLU, relu the
ReGLU, gelu the GEGLU, silu (swish) the SwiGLU.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp


class GLU(nn.Module):
    """W' (activation(W x) * V x), without biases, each step by itself: x[..., F] -> y[..., features]."""

    features: int  # width of the output
    expand: int = 4  # hidden width, in multiples of features; there are three matrices where an `FFN` has two
    activation: Callable[[jax.Array], jax.Array] = nn.silu

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        gate, value = jnp.split(nn.Dense(2 * self.expand * self.features, use_bias=False, name="input")(x), 2, -1)
        return nn.Dense(self.features, use_bias=False, name="output")(self.activation(gate) * value)
