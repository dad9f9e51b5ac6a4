"""SHM: stable Hadamard memory, a matrix whose entries are strengthened and weakened one by one.

Source: Le et al. 2024, "Stable Hadamard Memory", arXiv 2410.10132, with what the published code adds to the paper
(LayerNorm of the input, a bypass of the memory, and the bound):

    x = LayerNorm(x);   k, q = relu(W_k x), relu(W_q x), each divided by 1e-5 + its sum
    C_t = 1 + tanh(theta_t (W_c x_t)^T),   U_t = sigmoid(w_eta x_t) (W_v x_t) k_t^T
    M_t = clip(M_{t-1} * C_t + U_t, -bound, bound),   y_t = W_o (M_t q_t + W_s x_t + b_s) + b_o

theta_t is a row of a learnt table, drawn anew at every step: that keeps the calibrations of different steps
uncorrelated, and so the expectation of their product bounded. The draw is a hash of the step's number in its episode,
which the carry counts, so that replaying a sequence repeats the draws that acting made.

A step is a clipped affine map with a slope >= 0, and two of those are again one: with lo, hi the limits,
clip(c2 clip(c1 s + u1, lo1, hi1) + u2, lo2, hi2) = clip(c2 c1 s + c2 u1 + u2, lo, hi) for
lo, hi = clip(c2 lo1 + u2, lo2, hi2), clip(c2 hi1 + u2, lo2, hi2). So the recurrence stays associative.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.positional_embeddings import count_steps
from memorax.networks.types import MemoroidCell, check_sizes

_LARGEST = 1e30  # of slopes and offsets that join many steps: their products must not be infinite


@dataclasses.dataclass(frozen=True)
class SHMConfig:
    """Sizes of an `SHMCell`."""

    features: int  # width of the output
    memory_dim: int | None = None  # rows and columns of the memory (H); null: as many as features
    num_thetas: int = 128  # rows of the table from which theta is drawn (L)
    bound: float = 100.0  # largest absolute value of an entry of the memory

    def __post_init__(self):
        check_sizes(self, "features", "width", "num_thetas")
        if not 0 < self.bound <= 1e6:
            raise ValueError(f"SHMConfig needs 0 < bound <= 1e6; bound={self.bound}")

    @property
    def width(self) -> int:
        return self.features if self.memory_dim is None else self.memory_dim


class SHMCell(MemoroidCell):
    """`Memoroid(cell=SHMCell(config=SHMConfig(features=64)))` is the torso."""

    config: SHMConfig

    def setup(self):
        config = self.config
        self.thetas = self.param("thetas", nn.initializers.xavier_uniform(), (config.num_thetas, config.width))
        self.norm = nn.LayerNorm(epsilon=1e-5)
        self.input = nn.Dense(4 * config.width + 1, use_bias=False)
        self.bypass = nn.Dense(config.width)
        self.output = nn.Dense(config.features)

    @nn.nowrap
    def initial_window(self, batch: int):
        return jnp.zeros(batch, jnp.int32)  # steps of the episode so far

    @nn.nowrap
    def initial_state(self, batch: int):
        return jnp.zeros((batch, self.config.width, self.config.width))

    def lift(self, x, start, window):
        width = self.config.width
        window, number = count_steps(start, window)
        # a product with a one-hot row, not a gather: its gradient is then a product too and the same at every run
        theta = jax.nn.one_hot(_draws(number, self.config.num_thetas), self.config.num_thetas) @ self.thetas
        x = self.norm(x)
        k, q, v, c, eta = jnp.split(self.input(x), [width, 2 * width, 3 * width, 4 * width], -1)
        element = theta, c, nn.sigmoid(eta) * v, _normalize(k)
        return window, element, (_normalize(q), self.bypass(x))

    @nn.nowrap
    def expand(self, element):
        theta, c, v, k = element
        slope = 1 + jnp.tanh(theta[..., :, None] * c[..., None, :])
        offset = v[..., :, None] * k[..., None, :]
        high = jnp.full_like(slope, self.config.bound)
        return slope, offset, -high, high

    @property
    def associative(self) -> bool:
        return True

    @nn.nowrap
    def step(self, state, element):
        slope, offset, low, high = element
        return jnp.clip(slope * state + offset, low, high)

    @nn.nowrap
    def combine(self, left, right):
        slope, offset, low, high = right
        return (
            jnp.minimum(slope * left[0], _LARGEST),
            jnp.clip(slope * left[1] + offset, -_LARGEST, _LARGEST),
            jnp.clip(slope * left[2] + offset, low, high),
            jnp.clip(slope * left[3] + offset, low, high),
        )

    @nn.nowrap
    def read(self, state, context):
        return jnp.einsum("...ij,...j->...i", state, context[0])

    def project(self, readout, context):
        return self.output(readout + context[1])


def _normalize(x: jax.Array) -> jax.Array:
    """Non-negative, with a sum of (almost) one, or zero."""
    x = nn.relu(x)
    return x / (1e-5 + x.sum(-1, keepdims=True))


def _draws(number: jax.Array, rows: int) -> jax.Array:
    """A row for every step's number: uniform to the eye, and the same function on every device."""
    key = jax.random.key(0, impl="threefry2x32")
    draw = jax.vmap(lambda n: jax.random.randint(jax.random.fold_in(key, n), (), 0, rows))
    return draw(number.reshape(-1)).reshape(number.shape)
