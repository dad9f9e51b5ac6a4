"""FFN: the feed-forward layer of the transformer.

Source: Vaswani et al. 2017, "Attention Is All You Need", arXiv 1706.03762, equation 2; with GELU instead of relu as in
GPT-2.
"""

from collections.abc import Callable

import flax.linen as nn
import jax


class FFN(nn.Module):
    """W' activation(W x + b) + b', each step by itself: x[..., F] -> y[..., features]."""

    features: int  # width of the output
    expand: int = 4  # hidden width, in multiples of features
    activation: Callable[[jax.Array], jax.Array] = nn.gelu
    kernel_init: Callable = nn.initializers.lecun_normal()
    output_init: Callable = nn.initializers.lecun_normal()

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        hidden = nn.Dense(self.expand * self.features, kernel_init=self.kernel_init, name="input")(x)
        return nn.Dense(self.features, kernel_init=self.output_init, name="output")(self.activation(hidden))
