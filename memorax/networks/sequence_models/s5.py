"""S5: one diagonal state space for all channels, initialised as HiPPO-N and discretised with learned step sizes.

Source: Smith et al. 2022, "Simplified State Space Layers for Sequence Modeling", arXiv 2208.04933, section 3 and
appendices B.1 (initialisation in conjugate pairs), B.2 (step sizes) and G.1 (activation); episode starts clear the
state as in Lu et al. 2023, "Structured State Space Models for In-Context Reinforcement Learning", arXiv 2303.03982:

    lambda_bar = exp(lambda * dt),   s_t = lambda_bar * s_{t-1} + (lambda_bar - 1) / lambda * (B x_t)
    y_t = 2 Re(C s_t) + D x_t;   output = gelu(y) * sigmoid(W gelu(y))

One of each pair of conjugate states is kept, hence the factor 2. D is a matrix, because inputs may be of another
width than outputs. Everything is computed on real and imaginary parts: a complex matrix product costs several real
ones on a CPU.
"""

import dataclasses
import functools
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from memorax.networks.sequence_models import initializers
from memorax.networks.sequence_models.linear_recurrence import ComplexRecurrence, divide, multiply
from memorax.networks.types import check_sizes

_SLOWEST = -1e-4  # the largest real part of an eigenvalue: states never grow, as with the published `clip_eigs`


@dataclasses.dataclass(frozen=True)
class S5Config:
    """Sizes and initialisation of an `S5Cell`."""

    features: int  # width of the output
    state_dim: int | None = None  # complex numbers in the state, one a conjugate pair; null: as many as features
    blocks: int = 1  # HiPPO-N matrices side by side at initialisation; divides the state
    min_step: float = 0.001  # smallest step size at initialisation
    max_step: float = 0.1  # largest step size at initialisation

    def __post_init__(self):
        check_sizes(self, "features", "states", "blocks")
        if self.states % self.blocks:
            raise ValueError(
                f"S5Config needs a state of {self.states} numbers to be a multiple of blocks = {self.blocks}; "
                f"use blocks={math.gcd(self.states, self.blocks)}"
            )
        if not 0 < self.min_step < self.max_step < math.inf:
            raise ValueError(
                f"S5Config needs 0 < min_step < max_step; min_step={self.min_step}, max_step={self.max_step}"
            )

    @property
    def states(self) -> int:
        return self.features if self.state_dim is None else self.state_dim


class S5Cell(ComplexRecurrence):
    """`Memoroid(cell=S5Cell(config=S5Config(features=64)))` is the torso."""

    config: S5Config

    def setup(self):
        config = self.config
        states, (eigenvalues, eigenvectors) = (config.states,), _hippo(config.states, config.blocks)
        self.real = self.param("real", lambda key, shape: jnp.asarray(eigenvalues.real, jnp.float32), states)
        self.imaginary = self.param("imaginary", lambda key, shape: jnp.asarray(eigenvalues.imag, jnp.float32), states)
        steps = initializers.uniform(math.log(config.min_step), math.log(config.max_step))
        self.log_step = self.param("log_step", steps, states)
        self.input = nn.Dense(2 * config.states, use_bias=False, kernel_init=_into(eigenvectors))
        self.output = nn.Dense(config.features, use_bias=False, kernel_init=_out_of(eigenvectors))
        self.skip = nn.Dense(config.features, use_bias=False)
        self.gate = nn.Dense(config.features)

    @nn.nowrap
    def initial_state(self, batch: int):
        return (jnp.zeros((batch, self.config.states)),) * 2

    @property
    def diagonal(self) -> bool:
        return True

    def lift(self, x, start, window):
        eigenvalue = jnp.minimum(self.real, _SLOWEST), self.imaginary
        step = jnp.exp(self.log_step)
        moved = _expm1(eigenvalue[0] * step, eigenvalue[1] * step)
        held = divide(moved, eigenvalue)
        inputs = multiply(held, jnp.split(self.input(x), 2, -1))
        return window, ((moved[0][None, None] + 1, moved[1][None, None]), inputs), x

    def project(self, readout, context):
        y = nn.gelu(2 * self.output(readout) + self.skip(context))
        return y * nn.sigmoid(self.gate(y))


def _expm1(real: jax.Array, imaginary: jax.Array) -> tuple[jax.Array, jax.Array]:
    """exp - 1 of a complex number, exact for small ones: slow states move little in a step."""
    growth = jnp.expm1(real)
    return growth * jnp.cos(imaginary) - 2 * jnp.sin(imaginary / 2) ** 2, (growth + 1) * jnp.sin(imaginary)


@functools.cache
def _hippo(states: int, blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues [states] and eigenvectors [2 * states, states] of HiPPO-N, one of each conjugate pair, by blocks.

    HiPPO-N, the normal part of HiPPO-LegS, is -1/2 plus a skew-symmetric matrix, so its eigenvectors are orthonormal.
    """
    half = states // blocks
    root = np.sqrt(2 * np.arange(2 * half) + 1)
    skew = np.tril(np.outer(root, root), -1) / 2
    frequencies, vectors = np.linalg.eigh(1j * (skew - skew.T))  # of -i times the skew-symmetric part
    eigenvalues = -0.5 + 1j * frequencies[half:]
    return np.tile(eigenvalues, blocks), np.kron(np.eye(blocks), vectors[:, half:])


def _into(eigenvectors: np.ndarray):
    """B in the eigenvectors' coordinates, [F, 2 * states]: real parts, then imaginary ones."""

    def initialize(key, shape, dtype=jnp.float32):
        kernel = nn.initializers.lecun_normal()(key, (shape[0], eigenvectors.shape[0]), dtype)
        return jnp.concatenate([kernel @ eigenvectors.real, -(kernel @ eigenvectors.imag)], -1).astype(dtype)

    return initialize


def _out_of(eigenvectors: np.ndarray):
    """C in the eigenvectors' coordinates, [2 * states, features]: a product with (real, imaginary) is the real part."""

    def initialize(key, shape, dtype=jnp.float32):
        kernel = nn.initializers.lecun_normal()(key, (eigenvectors.shape[0], shape[1]), dtype)
        return jnp.concatenate([eigenvectors.real.T @ kernel, -(eigenvectors.imag.T @ kernel)]).astype(dtype)

    return initialize
