"""Policies: distributions over actions.

Continuous actions are of unit scale: algorithms map [-1, 1] onto the bounds of the action space and clip what lies
outside (`memorax.algorithms.acting.to_space`).
"""

from typing import Any

import distrax
import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.types import Head

NEVER = -1e9  # the logit of an action that does not exist: finite, so that gradients and entropies stay so
EDGE = float(jnp.finfo(jnp.float32).eps)  # how near to the end of its interval an action's density is still computed
SMALL = nn.initializers.orthogonal(0.01)  # the first policy is nearly the same in every state


class Categorical(Head):
    """A policy over `action_dim` discrete actions: y[B, T, D] -> `distrax.Categorical` with batch shape [B, T].

    A small initial scale makes the first policy nearly uniform.
    """

    action_dim: int

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> distrax.Categorical:
        logits = nn.Dense(self.action_dim, kernel_init=SMALL, name="logits")(y)
        return distrax.Categorical(logits=logits)


class MultiCategorical(Head):
    """A policy over vectors of discrete actions, entry i in 0 .. action_dims[i]-1, drawn independently given y:
    y[B, T, D] -> a distribution over int32 `[len(action_dims)]` with batch shape [B, T]."""

    action_dims: tuple[int, ...]

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> distrax.Distribution:
        entries, most = len(self.action_dims), max(self.action_dims)
        flat = nn.Dense(entries * most, kernel_init=SMALL, name="logits")(y)
        logits = flat.reshape(*y.shape[:-1], entries, most)
        exists = jnp.arange(most) < jnp.array(self.action_dims)[:, None]
        logits = jnp.where(exists, logits, NEVER)
        return distrax.Independent(distrax.Categorical(logits=logits), reinterpreted_batch_ndims=1)


class Gaussian(Head):
    """A policy over continuous actions `[action_dim]`: y[B, T, D] -> a diagonal normal with batch shape [B, T].

    Its standard deviations do not depend on y and begin at 1. It has no bounds: what lies outside [-1, 1] is clipped
    when it is done.
    """

    action_dim: int

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> distrax.MultivariateNormalDiag:
        mean = nn.Dense(self.action_dim, kernel_init=SMALL, name="mean")(y)
        log_deviation = self.param("log_deviation", nn.initializers.zeros, (self.action_dim,))
        return distrax.MultivariateNormalDiag(mean, jnp.broadcast_to(jnp.exp(log_deviation), mean.shape))


class SquashedGaussian(Head):
    """A policy over actions `[action_dim]` in (-1, 1), tanh of a diagonal normal: y[B, T, D] -> a distribution with
    batch shape [B, T]. `mode` is tanh of the normal's mean. There is no closed form of the entropy: asking for it is
    a `ValueError`; -log_prob of samples estimates it.

    Mean and deviation depend on y. A sigmoid keeps the logarithm of the deviation between the bounds, where its
    gradient does not vanish; it begins in the middle, for these bounds at a deviation of 0.22.

    Source: Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications", arXiv 1812.05905, appendix C.
    """

    action_dim: int
    log_deviation_min: float = -5.0
    log_deviation_max: float = 2.0

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> distrax.Distribution:
        low, high = self.log_deviation_min, self.log_deviation_max
        if not low < high:
            raise ValueError(f"SquashedGaussian: log_deviation_min = {low} must be below log_deviation_max = {high}")
        mean = nn.Dense(self.action_dim, kernel_init=SMALL, name="mean")(y)
        place = nn.sigmoid(nn.Dense(self.action_dim, kernel_init=SMALL, name="log_deviation")(y))
        return distrax.Independent(TanhNormal(mean, jnp.exp(low + (high - low) * place)), reinterpreted_batch_ndims=1)


class Beta(Head):
    """A policy over actions `[action_dim]` in [-1, 1], of one peak each: y[B, T, D] -> a distribution with batch
    shape [B, T]. Unlike a clipped normal it puts no mass on the bounds.

    Source: Chou et al. 2017, "Improving Stochastic Policy Gradients in Continuous Control with Deep Reinforcement
    Learning using the Beta Distribution", alpha, beta = 1 + softplus(W y + b).
    """

    action_dim: int

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> distrax.Distribution:
        alpha, beta = (
            1.0 + nn.softplus(nn.Dense(self.action_dim, kernel_init=SMALL, name=name)(y)) for name in ("alpha", "beta")
        )
        return distrax.Independent(SignedBeta(alpha, beta), reinterpreted_batch_ndims=1)


class TanhNormal(distrax.Distribution):
    """tanh(u), u normal with `mean` and `deviation` of one shape, which is the batch shape. Final.

    `log_prob` is finite everywhere: an action nearer to +-1 than float32 resolves is taken for one at that distance,
    |u| = 8.3. `sample_and_log_prob`, which knows u, is exact beyond. (distrax.Transformed returns NaN there, and has
    neither a mode nor an index.)
    """

    def __init__(self, mean: jax.Array, deviation: jax.Array):
        self.normal = distrax.Normal(mean, deviation)

    @property
    def event_shape(self) -> tuple[int, ...]:
        return ()

    @property
    def batch_shape(self) -> tuple[int, ...]:
        return self.normal.batch_shape

    def _sample_n(self, key: jax.Array, n: int) -> jax.Array:
        return jnp.tanh(self.normal.sample(seed=key, sample_shape=n))

    def _sample_n_and_log_prob(self, key: jax.Array, n: int) -> tuple[jax.Array, jax.Array]:
        u, log_prob = self.normal.sample_and_log_prob(seed=key, sample_shape=n)
        return jnp.tanh(u), log_prob - _log_slope(u)

    def log_prob(self, value: jax.Array) -> jax.Array:
        u = jnp.arctanh(jnp.clip(value, -1.0 + EDGE, 1.0 - EDGE))
        return self.normal.log_prob(u) - _log_slope(u)

    def mode(self) -> jax.Array:
        """tanh of the normal's mode: the customary greedy action, not the point of largest density."""
        return jnp.tanh(self.normal.mean())

    def entropy(self) -> jax.Array:
        raise ValueError(
            "SquashedGaussian has no entropy in closed form: take the mean of -log_prob over samples, or use "
            "heads.Gaussian or heads.Beta with an algorithm that asks for the entropy"
        )

    def __getitem__(self, index: Any) -> "TanhNormal":
        return TanhNormal(self.normal.loc[index], self.normal.scale[index])


def _log_slope(u: jax.Array) -> jax.Array:
    """log(1 - tanh(u)^2), which that formula would round to -inf from |u| = 9 on."""
    return 2.0 * (jnp.log(2.0) - u - nn.softplus(-2.0 * u))


class SignedBeta(distrax.Distribution):
    """2 x - 1, x ~ Beta(alpha, beta), both at least 1 and of one shape, which is the batch shape. Final.

    Samples, and the actions whose density is computed, keep x a rounding error away from 0 and 1.
    """

    def __init__(self, alpha: jax.Array, beta: jax.Array):
        self.unit = distrax.Beta(alpha, beta)

    @property
    def event_shape(self) -> tuple[int, ...]:
        return ()

    @property
    def batch_shape(self) -> tuple[int, ...]:
        return self.unit.batch_shape

    def _sample_n(self, key: jax.Array, n: int) -> jax.Array:
        return 2.0 * _inside(self.unit.sample(seed=key, sample_shape=n)) - 1.0

    def log_prob(self, value: jax.Array) -> jax.Array:
        return self.unit.log_prob(_inside((value + 1.0) / 2.0)) - jnp.log(2.0)

    def entropy(self) -> jax.Array:
        return self.unit.entropy() + jnp.log(2.0)

    def mean(self) -> jax.Array:
        return 2.0 * self.unit.mean() - 1.0

    def mode(self) -> jax.Array:
        """Of the uniform distribution, alpha = beta = 1, which has no peak: the middle."""
        above, total = self.unit.alpha - 1.0, self.unit.alpha + self.unit.beta - 2.0
        return jnp.where(total > 0.0, 2.0 * above / jnp.where(total > 0.0, total, 1.0) - 1.0, 0.0)

    def __getitem__(self, index: Any) -> "SignedBeta":
        return SignedBeta(self.unit.alpha[index], self.unit.beta[index])


def _inside(x: jax.Array) -> jax.Array:
    return jnp.clip(x, EDGE, 1.0 - EDGE)
