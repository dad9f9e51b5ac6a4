"""Distributional heads: a return's distribution in place of its expected value.

    C51        probabilities of fixed atoms; the target is projected onto them      cross-entropy
    HLGauss    probabilities of fixed bins; the target is smoothed over them        cross-entropy
    Quantile   values at fixed fractions of the probability                         quantile Huber

With `action_dim` each is a head of discrete actions, y[B, T, D] -> leading axes [B, T, action_dim]; without, of the
state, [B, T]. N below is the number of atoms, bins or quantiles.
"""

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf

from memorax.networks.types import Head, ValueDistribution, check_sizes, check_target


@flax.struct.dataclass
class AtomValues(ValueDistribution):
    """Probabilities of equally spaced atoms from `minimum` to `maximum`."""

    logits: jax.Array  # [..., N]
    minimum: float = flax.struct.field(pytree_node=False)
    maximum: float = flax.struct.field(pytree_node=False)

    def mean(self) -> jax.Array:
        return (nn.softmax(self.logits) * self._atoms()).sum(-1)

    def outcomes(self) -> tuple[jax.Array, jax.Array]:
        return jnp.broadcast_to(self._atoms(), self.logits.shape), nn.softmax(self.logits)

    def loss(self, values: jax.Array, probabilities: jax.Array) -> jax.Array:
        """Cross-entropy of the target's projection and the atoms' probabilities."""
        check_target(self.logits.shape[:-1], values, probabilities)
        return _cross_entropy(self.project(values, probabilities), self.logits)

    def project(self, values: jax.Array, probabilities: jax.Array) -> jax.Array:
        """values[..., M], probabilities[..., M] -> probabilities of the atoms [..., N]: a point outside is moved to
        the nearest end, and one between two atoms is shared by them in inverse proportion to its distances."""
        gap = (self.maximum - self.minimum) / (self.logits.shape[-1] - 1)
        place = (jnp.clip(values, self.minimum, self.maximum) - self.minimum) / gap  # in atoms
        share = jnp.maximum(1.0 - jnp.abs(place[..., None] - np.arange(self.logits.shape[-1])), 0.0)  # [..., M, N]
        return jnp.einsum("...m,...mn->...n", probabilities, share)

    def _atoms(self) -> np.ndarray:
        return np.linspace(self.minimum, self.maximum, self.logits.shape[-1], dtype=np.float32)


@flax.struct.dataclass
class HistogramValues(ValueDistribution):
    """Probabilities of equally wide bins between `minimum` and `maximum`.

    The spread of the bins is that of the smoothing, not of the return: as an outcome the distribution is its mean.
    """

    logits: jax.Array  # [..., N]
    minimum: float = flax.struct.field(pytree_node=False)
    maximum: float = flax.struct.field(pytree_node=False)
    sigma_ratio: float = flax.struct.field(pytree_node=False)

    def mean(self) -> jax.Array:
        edges = self._edges()
        return (nn.softmax(self.logits) * (edges[1:] + edges[:-1]) / 2.0).sum(-1)

    def outcomes(self) -> tuple[jax.Array, jax.Array]:
        mean = self.mean()[..., None]
        return mean, jnp.ones_like(mean)

    def loss(self, values: jax.Array, probabilities: jax.Array) -> jax.Array:
        """Cross-entropy of the smoothed target and the bins' probabilities."""
        check_target(self.logits.shape[:-1], values, probabilities)
        return _cross_entropy(self.smooth(values, probabilities), self.logits)

    def smooth(self, values: jax.Array, probabilities: jax.Array) -> jax.Array:
        """values[..., M], probabilities[..., M] -> probabilities of the bins [..., N]: a mixture of normals around
        the points, each cut off at the range and normalised; a point outside is moved to the nearest end."""
        edges = self._edges()
        sigma = self.sigma_ratio * (self.maximum - self.minimum) / self.logits.shape[-1]
        centre = jnp.clip(values, self.minimum, self.maximum)[..., None]
        below = erf((edges - centre) / (2.0**0.5 * sigma))  # [..., M, N + 1]
        share = jnp.diff(below) / (below[..., -1:] - below[..., :1])
        return jnp.einsum("...m,...mn->...n", probabilities, share)

    def _edges(self) -> np.ndarray:
        return np.linspace(self.minimum, self.maximum, self.logits.shape[-1] + 1, dtype=np.float32)


@flax.struct.dataclass
class QuantileValues(ValueDistribution):
    """Equally probable values: entry i, from 0, is the quantile of the fraction (i + 1/2) / N."""

    quantiles: jax.Array  # [..., N], in no order
    kappa: float = flax.struct.field(pytree_node=False)

    def mean(self) -> jax.Array:
        return self.quantiles.mean(-1)

    def outcomes(self) -> tuple[jax.Array, jax.Array]:
        return self.quantiles, jnp.full_like(self.quantiles, 1.0 / self.quantiles.shape[-1])

    def loss(self, values: jax.Array, probabilities: jax.Array) -> jax.Array:
        """The quantile Huber loss, summed over quantiles and averaged over the target."""
        check_target(self.quantiles.shape[:-1], values, probabilities)
        values, probabilities = jax.lax.stop_gradient((values, probabilities))
        number = self.quantiles.shape[-1]
        fraction = (np.arange(number, dtype=np.float32)[:, None] + 0.5) / number
        error = values[..., None, :] - self.quantiles[..., None]  # [..., N, M]
        size = jnp.abs(error)
        near = jnp.minimum(size, self.kappa)
        huber = 0.5 * near**2 + self.kappa * (size - near)
        loss = jnp.abs(fraction - (error < 0)) * huber
        return (loss * probabilities[..., None, :]).sum((-2, -1))


class C51(Head):
    """-> `AtomValues`: y[B, T, D] -> logits [B, T, (action_dim,) num_atoms].

    Returns outside [minimum, maximum] are not told apart from its ends.

    Source: Bellemare et al. 2017, "A Distributional Perspective on Reinforcement Learning", arXiv 1707.06887,
    algorithm 1.
    """

    action_dim: int | None = None
    num_atoms: int = 51
    minimum: float = -10.0
    maximum: float = 10.0

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> AtomValues:
        _check_range(self, "num_atoms")
        logits = _dense(self, y, "logits", self.num_atoms, scale=0.01)
        return AtomValues(logits, float(self.minimum), float(self.maximum))


class HLGauss(Head):
    """-> `HistogramValues`: y[B, T, D] -> logits [B, T, (action_dim,) num_bins].

    sigma_ratio: deviation of the smoothing, in widths of a bin

    Within a few deviations of its ends the range is cut off and the mean is moved inwards, by up to 0.8 deviations:
    choose it wider than the returns.

    Source: Imani and White 2018, "Improving Regression Performance with Distributional Losses", arXiv 1806.04613;
    Farebrother et al. 2024, "Stop Regressing: Training Value Functions via Classification for Scalable Deep RL",
    arXiv 2403.03950, section 3.1.
    """

    action_dim: int | None = None
    num_bins: int = 51
    minimum: float = -10.0
    maximum: float = 10.0
    sigma_ratio: float = 0.75

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> HistogramValues:
        _check_range(self, "num_bins")
        _check_positive(self, "sigma_ratio")
        logits = _dense(self, y, "logits", self.num_bins, scale=0.01)
        return HistogramValues(logits, float(self.minimum), float(self.maximum), float(self.sigma_ratio))


class Quantile(Head):
    """-> `QuantileValues`: y[B, T, D] -> quantiles [B, T, (action_dim,) num_quantiles]. Returns need no bounds.

    num_quantiles: 200 in the paper; the loss compares all pairs, so its memory grows with the square
    kappa: errors beyond it count linearly; above 0

    Source: Dabney et al. 2017, "Distributional Reinforcement Learning with Quantile Regression", arXiv 1710.10044,
    equation 10.
    """

    action_dim: int | None = None
    num_quantiles: int = 32
    kappa: float = 1.0

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> QuantileValues:
        check_sizes(self, "num_quantiles")
        _check_positive(self, "kappa")
        return QuantileValues(_dense(self, y, "quantiles", self.num_quantiles, scale=1.0), float(self.kappa))


def _dense(head: Head, y: jax.Array, name: str, number: int, scale: float) -> jax.Array:
    """y[..., D] -> [..., (action_dim,) number]."""
    if head.action_dim is not None:
        check_sizes(head, "action_dim")
    shape = (number,) if head.action_dim is None else (head.action_dim, number)
    kernel_init = nn.initializers.orthogonal(scale)
    return nn.Dense(int(np.prod(shape)), kernel_init=kernel_init, name=name)(y).reshape(*y.shape[:-1], *shape)


def _cross_entropy(target: jax.Array, logits: jax.Array) -> jax.Array:
    return -(jax.lax.stop_gradient(target) * nn.log_softmax(logits)).sum(-1)


def _check_range(head: Head, count: str) -> None:
    check_sizes(head, count)
    name, number = type(head).__name__, getattr(head, count)
    if number < 2:
        raise ValueError(f"{name}: {count} = {number} must be at least 2: one alone has the same mean everywhere")
    if not (np.isfinite([head.minimum, head.maximum]).all() and head.minimum < head.maximum):
        raise ValueError(
            f"{name}: minimum = {head.minimum} and maximum = {head.maximum} must be finite, the maximum larger: "
            f"they are the ends of the returns that can be told apart"
        )


def _check_positive(head: Head, field: str) -> None:
    value = getattr(head, field)
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{type(head).__name__}: {field} = {value} must be a number above 0")
