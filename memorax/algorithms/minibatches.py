"""Minibatches of whole sequences."""

from typing import Any

import jax


def over_environments(key: jax.Array, num_envs: int, num_minibatches: int, epochs: int) -> jax.Array:
    """Which environments each gradient step sees: [epochs * num_minibatches, num_envs / num_minibatches].

    Every epoch is a fresh permutation of all environments; sequences stay whole, as a recurrent update needs.
    """
    permute = jax.vmap(lambda key: jax.random.permutation(key, num_envs))
    return permute(jax.random.split(key, epochs)).reshape(epochs * num_minibatches, -1)


def take(batch: Any, environments: jax.Array) -> Any:
    """The rows of a pytree with leading axis B that belong to some environments."""
    return jax.tree.map(lambda leaf: leaf[environments], batch)
