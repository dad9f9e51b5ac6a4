"""What a value head returns, an array or a `ValueDistribution`, treated alike: every head fits every algorithm.

q = network output                                    [B, T, A] values or distributions
greedy = jnp.argmax(mean(q), -1)                      [B, T]
v, p = outcomes(select(next_q, next_greedy))          [B, T, M]
loss(select(q, action), r[..., None] + discount[..., None] * v, p)            [B, T]
"""

import jax
import jax.numpy as jnp

from memorax.networks.types import ValueDistribution, check_target, select_action

Values = jax.Array | ValueDistribution  # of leading axes [..., B, T] or [..., B, T, A]


def mean(values: Values) -> jax.Array:
    """Expected returns [...]."""
    return values.mean() if isinstance(values, ValueDistribution) else values


def outcomes(values: Values) -> tuple[jax.Array, jax.Array]:
    """Weighted points: values[..., M], probabilities[..., M]. An array is one point of probability 1."""
    if isinstance(values, ValueDistribution):
        return values.outcomes()
    return values[..., None], jnp.ones_like(values)[..., None]


def select(values: Values, action: jax.Array) -> Values:
    """Those of one action a step, action[B, T] int: leading axes [..., B, T, A] -> [..., B, T]."""
    if isinstance(values, ValueDistribution):
        return values.select(action)
    return select_action(values[..., None], action)[..., 0]


def loss(values: Values, target_values: jax.Array, target_probabilities: jax.Array) -> jax.Array:
    """Each value's distance from a target of M weighted points, [..., M] -> [...]; the target receives no gradient.

    Of an array: 1/2 (v - the target's mean)^2. Of a distribution: its own loss.
    """
    if isinstance(values, ValueDistribution):
        return values.loss(target_values, target_probabilities)
    check_target(values.shape, target_values, target_probabilities)
    target = jax.lax.stop_gradient((target_values * target_probabilities).sum(-1))
    return 0.5 * jnp.square(values - target)
