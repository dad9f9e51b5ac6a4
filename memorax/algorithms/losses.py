"""Losses of policy-gradient methods, averaged over a minibatch of shape [...]."""

import jax
import jax.numpy as jnp

from memorax.algorithms import values


def clipped_policy_loss(ratio: jax.Array, advantage: jax.Array, clip: float) -> jax.Array:
    """-mean min(rho A, clip(rho, 1 - c, 1 + c) A).

    Source: Schulman et al. 2017, arXiv 1707.06347, equation 7.
    """
    clipped = jnp.clip(ratio, 1.0 - clip, 1.0 + clip)
    return -jnp.minimum(ratio * advantage, clipped * advantage).mean()


def value_loss(value: values.Values, target: jax.Array) -> jax.Array:
    """mean 1/2 (v - R)^2, or of a distribution its own loss."""
    return values.loss(value, target[..., None], jnp.ones_like(target)[..., None]).mean()


def clipped_value_loss(value: jax.Array, old_value: jax.Array, target: jax.Array, clip: float) -> jax.Array:
    """mean 1/2 max((v - R)^2, (v_old + clip(v - v_old, -c, c) - R)^2): the value moves by at most c in an update.

    Source: the code of Dhariwal et al. 2017 (OpenAI baselines, ppo2); described in Huang et al. 2022, "The 37
    implementation details of PPO", detail 9.
    """
    near = old_value + jnp.clip(value - old_value, -clip, clip)
    return 0.5 * jnp.maximum(jnp.square(value - target), jnp.square(near - target)).mean()


def normalize(advantage: jax.Array) -> jax.Array:
    """Zero mean and unit variance over the minibatch."""
    return (advantage - advantage.mean()) / (advantage.std() + 1e-8)


def explained_variance(prediction: jax.Array, target: jax.Array) -> jax.Array:
    """1 - Var(target - prediction) / Var(target); 0 while the targets are constant."""
    variance = target.var()
    return jnp.where(variance > 1e-8, 1.0 - (target - prediction).var() / jnp.maximum(variance, 1e-8), 0.0)
