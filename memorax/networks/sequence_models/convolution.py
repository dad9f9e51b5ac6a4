"""The short causal convolution in front of a recurrence, whose window is part of the carry."""

import math

import jax
import jax.numpy as jnp

from memorax.networks.sequence_models import initializers
from memorax.networks.types import Carry


def kernel_initializer(width: int):
    """Uniform within 1 / sqrt(width), the published initialisation of a depthwise convolution."""
    return initializers.uniform(-1 / math.sqrt(width), 1 / math.sqrt(width))


def empty_window(batch: int, width: int, channels: int) -> Carry:
    """What a convolution over `width` steps remembers before an episode's first; a width of 1 remembers nothing."""
    return () if width == 1 else jnp.zeros((batch, width - 1, channels))


def causal_convolution(window: Carry, u: jax.Array, start: jax.Array, kernel: jax.Array) -> tuple[Carry, jax.Array]:
    """Depthwise, within episodes. window[B, W-1, C], u[B, T, C], start[B, T], kernel[W, C] -> (window, y[B, T, C]).

    A row of the window that belongs to an earlier episode than its last is zero, as before an episode's first step.
    """
    width, time = kernel.shape[0], u.shape[1]
    if width == 1:
        return window, kernel[0] * u
    u = jnp.concatenate([window, u], 1)
    episode = jnp.pad(jnp.cumsum(start, 1), ((0, 0), (width - 1, 0)))
    y = kernel[-1] * u[:, width - 1 :]
    for lag in range(1, width):
        past = slice(width - 1 - lag, width - 1 - lag + time)
        y += kernel[width - 1 - lag] * u[:, past] * (episode[:, past] == episode[:, width - 1 :])[..., None]
    current = episode[:, time:] == episode[:, -1:]
    return u[:, time:] * current[..., None], y
