"""Initial weights beside those of `flax.linen.initializers`."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

Initializer = Callable[..., jax.Array]  # key, shape, dtype -> weights

UNIFORM = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")  # within +-1 / sqrt(fan-in)


def sparse(sparsity: float = 0.9, dense: Initializer = UNIFORM) -> Initializer:
    """Of a kernel [..., inputs, outputs] every output reads a few inputs only, at random: the share `sparsity` of its
    weights is zero, rounded up, but one stays. The others are those of `dense`.

    So that what is learnt of one input disturbs little of what is known of others. `ValueError` unless 0 <= sparsity
    < 1.

    Source: Elsayed, Vasan and Mahmood 2024, "Streaming Deep Reinforcement Learning Finally Works", arXiv 2410.14606,
    SparseInit; there all weights are zero where a unit has fewer than 1 / (1 - sparsity) inputs.
    """
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparse(sparsity={sparsity!r}): the share of weights that are zero must be in [0, 1)")

    def initialize(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> jax.Array:
        weights_key, mask_key = jax.random.split(key)
        fan_in, units = math.prod(shape[:-1]), shape[-1]
        zeros = min(math.ceil(sparsity * fan_in), fan_in - 1)
        # the rank of a random number among those of its unit
        rank = jax.random.uniform(mask_key, (fan_in, units)).argsort(0).argsort(0)
        return jnp.where(rank.reshape(shape) < zeros, 0, dense(weights_key, shape, dtype))

    return initialize
