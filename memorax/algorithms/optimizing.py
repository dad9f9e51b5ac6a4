"""Gradient steps."""

from typing import Any

import jax
import jax.numpy as jnp
import optax


def remaining(step: jax.Array, anneal_steps: int | None) -> jax.Array:
    """What is left of the size of gradient steps after `step` environment steps: from 1 linearly to 0 over
    `anneal_steps`; 1 where that is None."""
    return jnp.float32(1) if anneal_steps is None else jnp.clip(1.0 - step / anneal_steps, 0.0, 1.0)


def gradient_step(
    optimizer: optax.GradientTransformation, gradient: Any, optimizer_state: Any, params: Any, size: jax.Array
) -> tuple[Any, Any]:
    """-> (params, optimizer state); the optimizer's change of the parameters is multiplied by `size`."""
    change, optimizer_state = optimizer.update(gradient, optimizer_state, params)
    change = jax.tree.map(lambda leaf: (size * leaf).astype(leaf.dtype), change)
    return optax.apply_updates(params, change), optimizer_state
