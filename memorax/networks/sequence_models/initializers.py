"""Initial values that several torsos share."""

import math

import jax
import jax.numpy as jnp


def uniform(low: float, high: float):
    """Uniform in [low, high)."""
    return lambda key, shape: jax.random.uniform(key, shape, minval=low, maxval=high)


def log_uniform(low: float, high: float):
    """The logarithm of numbers that are uniform in [low, high)."""
    return lambda key, shape: jnp.log(jax.random.uniform(key, shape, minval=low, maxval=high))


def step_size(key: jax.Array, shape: tuple[int, ...], dtype=jnp.float32) -> jax.Array:
    """The inverse softplus of step sizes log-uniform in [0.001, 0.1] (Gu and Dao 2023, arXiv 2312.00752)."""
    dt = jnp.exp(jax.random.uniform(key, shape, dtype, minval=math.log(1e-3), maxval=math.log(1e-1)))
    return dt + jnp.log(-jnp.expm1(-dt))
