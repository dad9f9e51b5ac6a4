"""Heads: from a torso's output to what an algorithm needs."""

import distrax
import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.types import Head

NEVER = -1e9  # the logit of an action that does not exist: finite, so that gradients and entropies stay so


class Categorical(Head):
    """A policy over `action_dim` discrete actions: y[B, T, D] -> `distrax.Categorical` with batch shape [B, T].

    A small initial scale makes the first policy nearly uniform.
    """

    action_dim: int

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> distrax.Categorical:
        logits = nn.Dense(self.action_dim, kernel_init=nn.initializers.orthogonal(0.01), name="logits")(y)
        return distrax.Categorical(logits=logits)


class MultiCategorical(Head):
    """A policy over vectors of discrete actions, entry i in 0 .. action_dims[i]-1, drawn independently given y:
    y[B, T, D] -> a distribution over int32 `[len(action_dims)]` with batch shape [B, T]."""

    action_dims: tuple[int, ...]

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> distrax.Distribution:
        entries, most = len(self.action_dims), max(self.action_dims)
        flat = nn.Dense(entries * most, kernel_init=nn.initializers.orthogonal(0.01), name="logits")(y)
        logits = flat.reshape(*y.shape[:-1], entries, most)
        exists = jnp.arange(most) < jnp.array(self.action_dims)[:, None]
        logits = jnp.where(exists, logits, NEVER)
        return distrax.Independent(distrax.Categorical(logits=logits), reinterpreted_batch_ndims=1)


class Gaussian(Head):
    """A policy over continuous actions `[action_dim]`: y[B, T, D] -> a diagonal normal with batch shape [B, T].

    Its standard deviations do not depend on y and begin at 1. Algorithms map [-1, 1] onto the bounds of the action
    space and clip what lies outside (`memorax.algorithms.acting.to_space`).
    """

    action_dim: int

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> distrax.MultivariateNormalDiag:
        mean = nn.Dense(self.action_dim, kernel_init=nn.initializers.orthogonal(0.01), name="mean")(y)
        log_deviation = self.param("log_deviation", nn.initializers.zeros, (self.action_dim,))
        return distrax.MultivariateNormalDiag(mean, jnp.broadcast_to(jnp.exp(log_deviation), mean.shape))


class VNetwork(Head):
    """The value of a state: y[B, T, D] -> [B, T]."""

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> jax.Array:
        return nn.Dense(1, kernel_init=nn.initializers.orthogonal(1.0), name="value")(y)[..., 0]
