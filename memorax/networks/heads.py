"""Heads: from a torso's output to what an algorithm needs."""

import distrax
import flax.linen as nn
import jax

from memorax.networks.types import Head


class Categorical(Head):
    """A policy over `action_dim` discrete actions: y[B, T, D] -> `distrax.Categorical` with batch shape [B, T].

    A small initial scale makes the first policy nearly uniform.
    """

    action_dim: int

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> distrax.Categorical:
        logits = nn.Dense(self.action_dim, kernel_init=nn.initializers.orthogonal(0.01), name="logits")(y)
        return distrax.Categorical(logits=logits)


class VNetwork(Head):
    """The value of a state: y[B, T, D] -> [B, T]."""

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> jax.Array:
        return nn.Dense(1, kernel_init=nn.initializers.orthogonal(1.0), name="value")(y)[..., 0]
