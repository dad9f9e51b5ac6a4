"""Torsos with a linear recurrence against their published equations, written as slow loops in double precision."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.agents import once
from memorax.networks import Memoroid
from memorax.networks import sequence_models as models
from memorax.networks.sequence_models.delta_net import delta_chunk
from memorax.networks.sequence_models.s5 import _hippo

BATCH, TIME, WIDTH = 2, 13, 6


def dense(p, x):
    return x @ p["kernel"] + p.get("bias", 0.0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


def softplus(x):
    return np.logaddexp(0, x)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def centred(x, eps=1e-5):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)


def rms(x, eps):
    return x / np.sqrt(np.square(x).mean(-1, keepdims=True) + eps)


def convolve(kernel, past, u):
    """-> (past with u, the kernel's last row on u, the one before on the step before, ...)."""
    past = [*past, u]
    return past, sum(kernel[-1 - lag] * past[-1 - lag] for lag in range(min(len(kernel), len(past))))


def unit(x):
    return x / np.sqrt(np.square(x).sum(-1, keepdims=True) + 1e-6)


def s5(p, config, memory, x):
    eigenvalue = np.minimum(p["real"], -1e-4) + 1j * p["imaginary"]
    moved = np.exp(eigenvalue * np.exp(p["log_step"]))
    real, imaginary = np.split(dense(p["input"], x), 2)
    state = moved * (0 if memory is None else memory) + (moved - 1) / eigenvalue * (real + 1j * imaginary)
    c_real, c_imaginary = np.split(p["output"]["kernel"], 2)  # the second half is -Im C
    y = gelu(2 * (state @ (c_real - 1j * c_imaginary)).real + dense(p["skip"], x))
    return state, y * sigmoid(dense(p["gate"], y))


def mlstm(p, config, memory, x):
    """Without a stabiliser, which double precision does not need."""
    heads = config.num_heads
    q, k, v, o = dense(p["input"], x).reshape(4, heads, -1)
    i, f = np.split(dense(p["gates"], x), 2)
    c, n = (0, 0) if memory is None else memory
    k = k / np.sqrt(k.shape[-1]) * np.exp(i)[:, None]
    c = sigmoid(f)[:, None, None] * c + v[:, :, None] * k[:, None]
    n = sigmoid(f)[:, None] * n + k
    h = np.einsum("hvk,hk->hv", c, q) / np.maximum(np.abs((n * q).sum(-1)), 1)[:, None]
    return (c, n), dense(p["output"], sigmoid(o).ravel() * centred(h).ravel() * p["norm"]["scale"])


def linear_attention(p, config, memory, x):
    q, k, v = dense(p["input"], x).reshape(3, config.num_heads, -1)
    q, k = (np.where(u > 0, u + 1, np.exp(u)) for u in (q, k))
    s, n = (0, 0) if memory is None else memory
    s, n = s + v[:, :, None] * k[:, None], n + k
    y = np.einsum("hvk,hk->hv", s, q) / ((n * q).sum(-1) + 1e-6)[:, None]
    return (s, n), dense(p["output"], y.ravel())


def retnet(p, config, memory, x):
    """By complex rotations and an absolute time of its own."""
    heads, width, factor = config.num_heads, config.head_dim, config.value_factor
    keys = heads * width
    q, k, v, gate = np.split(dense(p["input"], x), [keys, 2 * keys, 2 * keys + factor * keys])
    time, s = (0, 0) if memory is None else memory
    turn = np.exp(1j * time * 10000.0 ** -np.linspace(0, 1, width // 2))
    q, k = (u.reshape(heads, 2, -1) for u in (q, k))
    q, k = ((u[:, 0] + 1j * u[:, 1]) * turn for u in (q, k))
    gamma = 1 - 2.0 ** (-5 - np.arange(heads))
    s = gamma[:, None, None] * s + v.reshape(heads, -1, 1) * (k / np.sqrt(width))[:, None]
    y = centred(np.einsum("hvk,hk->hv", s, q.conj()).real).ravel() * p["norm"]["scale"] + p["norm"]["bias"]
    return (time + 1, s), dense(p["output"], y * silu(gate))


def gla(p, config, memory, x):
    heads, keys, values = (
        config.num_heads,
        config.num_heads * config.keys,
        config.num_heads * config.head_dim,
    )
    q, k, v, r, low = np.split(dense(p["input"], x), np.cumsum([keys, keys, values, values]))
    decay = sigmoid(dense(p["decay"], low)) ** (1 / 16)
    q, k, v, decay = (u.reshape(heads, -1) for u in (q, k, v, decay))
    s = 0 if memory is None else memory
    s = s * decay[:, None] + v[:, :, None] * k[:, None] / np.sqrt(config.keys)
    y = centred(np.einsum("hvk,hk->hv", s, q)) * p["norm"]["scale"] + p["norm"]["bias"]
    return s, dense(p["output"], y.ravel() * silu(r))


def delta_net(p, config, memory, x):
    heads = config.num_heads
    u, beta = np.split(dense(p["input"], x), [-heads])
    past, s = ([], np.zeros((heads, config.head_dim, config.head_dim))) if memory is None else memory
    past, u = convolve(p["conv"], past, u)
    q, k, v = silu(u).reshape(3, heads, -1)
    q, k, beta = unit(q), unit(k), sigmoid(beta)[:, None, None]
    s = s @ (np.eye(config.head_dim) - beta * k[:, :, None] * k[:, None]) + beta * v[:, :, None] * k[:, None]
    y = rms(np.einsum("hvk,hk->hv", s, q), 1e-5) * p["norm"]["scale"]
    return (past, s), dense(p["output"], y.ravel())


def gated_delta_net(p, config, memory, x):
    heads, width = config.num_heads, config.head_dim
    sizes = np.cumsum([2 * config.keys + config.values, config.values, heads])
    u, gate, beta, dt = np.split(dense(p["input"], x), sizes)
    past, s = ([], np.zeros((heads, config.value_factor * width, width))) if memory is None else memory
    past, u = convolve(p["conv"], past, u)
    q, k, v = (part.reshape(heads, -1) for part in np.split(silu(u), [config.keys, 2 * config.keys]))
    q, k, beta = unit(q), unit(k), sigmoid(beta)[:, None, None]
    alpha = np.exp(-np.exp(p["decay"]) * softplus(dt + p["dt_bias"]))[:, None, None]
    s = alpha * s @ (np.eye(width) - beta * k[:, :, None] * k[:, None]) + beta * v[:, :, None] * k[:, None]
    y = rms(np.einsum("hvk,hk->hv", s, q), 1e-5) * p["norm"]["scale"]
    return (past, s), dense(p["output"], y.ravel() * silu(gate))


def mamba(p, config, memory, x):
    u, z = np.split(dense(p["input"], x), 2)
    past, h = ([], 0) if memory is None else memory
    past, u = convolve(p["conv"], past, u)
    u = silu(u + p["conv_bias"])
    dt, b, c = np.split(dense(p["selection"], u), np.cumsum([config.rank, config.state_dim]))
    dt = softplus(dense(p["dt"], dt))[:, None]
    h = np.exp(-dt * np.exp(p["decay"])) * h + dt * u[:, None] * b
    return (past, h), dense(p["output"], (h @ c + p["skip"] * u) * silu(z))


def mamba3(p, config, memory, x):
    """With the states in a frame that turns: complex numbers for the rotated pairs, the last input kept in it."""
    heads, pairs = config.heads, config.pairs
    z, v, b, c, dt, rate, weight, turn = np.split(dense(p["input"], x), np.cumsum(config.parts)[:-1])
    v, dt, weight = v.reshape(heads, -1), softplus(dt + p["dt_bias"])[:, None, None], sigmoid(weight)[:, None, None]
    alpha = np.exp(dt * np.minimum(-softplus(rate), -1e-4)[:, None, None])
    b, c = (rms(u, 1e-5) * p[f"{n}_norm"]["scale"] + p[f"{n}_bias"] for n, u in (("b", b), ("c", c)))
    b, c = (np.concatenate([u[:, :pairs] + 1j * u[:, pairs : 2 * pairs], u[:, 2 * pairs :]], -1) for u in (b, c))
    state, last = (0, 0) if memory is None else memory
    rotation = np.exp(-1j * np.pi * dt * np.tanh(turn))  # backwards: queries stay where they are
    rotation = np.concatenate([rotation, np.ones((heads, 1, b.shape[-1] - pairs))], -1)
    now = v[:, :, None] * b[:, None].conj()
    state = rotation.conj() * alpha * (state + (1 - weight) * dt * last) + weight * dt * now
    y = np.einsum("hvk,hk->hv", state, c).real + p["skip"][:, None] * v
    return (state, now), dense(p["output"], y.ravel() * silu(z))


REFERENCES = {
    "delta_net": (delta_net, models.DeltaNetConfig(5, num_heads=2, head_dim=3, conv_width=3, chunk_length=5)),
    "gated_delta_net": (gated_delta_net, models.GatedDeltaNetConfig(5, num_heads=2, head_dim=3, chunk_length=5)),
    "gla": (gla, models.GLAConfig(5, num_heads=2, head_dim=4, key_dim=3, gate_rank=2, chunk_length=5)),
    "linear_attention": (linear_attention, models.LinearAttentionConfig(5, num_heads=2, head_dim=3, chunk_length=5)),
    "mamba": (mamba, models.MambaConfig(5, state_dim=3, dt_rank=2)),
    "mamba3": (mamba3, models.Mamba3Config(6, state_dim=5, head_dim=4, rotated_pairs=2, chunk_length=5)),
    "mlstm": (mlstm, models.MLSTMConfig(5, num_heads=2, head_dim=3, chunk_length=5)),
    "retnet": (retnet, models.RetNetConfig(5, num_heads=2, head_dim=4, chunk_length=5)),
    "s5": (s5, models.S5Config(5, state_dim=6, blocks=2)),
}


@functools.cache
def outputs(name):
    """-> (parameters, x[B, T, F], start[B, T], y[B, T, D]); parameters are moved away from values such as 0 and 1."""
    cell = next(getattr(models, key) for key in dir(models) if key.removesuffix("Cell") == class_stem(name))
    model = Memoroid(cell(config=REFERENCES[name][1]))

    def program(key):
        x_key, key, *keys = jax.random.split(key, 40)
        x = jax.random.normal(x_key, (BATCH, TIME, WIDTH))
        start = jnp.zeros((BATCH, TIME), bool).at[0, 4].set(True).at[0, 11].set(True).at[1, 7].set(True)
        carry = model.initialize_carry(BATCH)
        leaves, tree = jax.tree.flatten(model.init(key, x, start, carry))
        moved = [leaf + 0.2 * jax.random.normal(k, leaf.shape) for leaf, k in zip(leaves, keys, strict=False)]
        params = tree.unflatten(moved)
        return params["params"]["cell"], x, start, model.apply(params, x, start, carry)[1]

    with jax.default_matmul_precision("highest"):
        return jax.tree.map(np.asarray, once(program, jax.random.key(0)))


def class_stem(name):
    return type(REFERENCES[name][1]).__name__.removesuffix("Config")


def error(name, without=()):
    """Largest relative difference from the recurrence, one of whose parameters may be 0 instead."""
    reference, config = REFERENCES[name]
    params, x, start, y = outputs(name)
    params = jax.tree_util.tree_map_with_path(
        lambda path, leaf: np.float64(leaf) * (tuple(part.key for part in path) != without), params
    )
    expected = np.zeros(y.shape)
    for b in range(BATCH):
        memory = None
        for t in range(TIME):
            memory = None if start[b, t] else memory
            memory, expected[b, t] = reference(params, config, memory, np.float64(x[b, t]))
    return np.abs(y - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("name", REFERENCES)
def test_outputs_are_those_of_the_published_recurrence(name):
    assert error(name) < 1e-5


MISSING = {  # what is easily left out without an effect on shapes
    "gated_delta_net": ("dt_bias",),
    "gla": ("decay", "kernel"),
    "mamba": ("skip",),
    "mamba3": ("c_bias",),
    "mlstm": ("gates", "kernel"),
    "retnet": ("norm", "bias"),
    "s5": ("log_step",),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_term_is_noticed(name):
    assert error(name, without=MISSING[name]) > 1e-3


def test_hippo_is_diagonalised():
    """Eigenvectors are orthonormal and, with their conjugates, give HiPPO-N back: -1/2 plus a skew-symmetric matrix."""
    values, vectors = _hippo(6, 2)
    assert np.allclose(vectors.conj().T @ vectors, np.eye(6))
    matrix = 2 * (vectors * values @ vectors.conj().T).real
    root = np.sqrt(2 * np.arange(6) + 1)
    legs = -(np.tril(np.outer(root, root)) - np.diag(np.arange(6)))
    normal = legs + np.outer(root, root) / 2
    assert np.allclose(matrix, np.kron(np.eye(2), normal))


def test_mlstm_survives_gates_that_overflow():
    """Input gates of exp(+-500): finite outputs and gradients, and the memory holds the strongest input alone."""
    cell = models.MLSTMCell(models.MLSTMConfig(4, num_heads=1, head_dim=2, chunk_length=4))

    def program(key):
        q, k, v = jax.random.normal(key, (3, 1, 8, 1, 2))
        log_i = jnp.array([500.0, -500, 0, -500, -500, 0, -500, -500])[None, :, None]

        def run(log_i):
            m = jax.lax.stop_gradient(jnp.maximum(log_i, 0))
            v_one = jnp.concatenate([v, jnp.ones_like(v[..., :1])], -1)
            element = (jnp.full((1, 8, 1), -0.1), m, k * jnp.exp(log_i - m)[..., None], v_one)
            state, start = cell.initial_state(1), jnp.zeros((1, 8), bool)
            return cell.chunk(state, start, element, (q, None))[1]

        return run(log_i), jax.grad(lambda log_i: run(log_i).sum())(log_i), v

    y, gradient, v = once(program, jax.random.key(0))
    assert np.isfinite(gradient).all()
    # whatever the query, the one input that counts is read as +v or -v
    assert np.allclose(np.abs(y), np.abs(v[:, :1]), rtol=1e-4)


def test_delta_rule_replaces_what_a_key_holds():
    """Written in full (b = 1) under one key, a value is read back, and a second one takes its place."""
    k = jnp.tile(jnp.array([0.6, 0.8, 0.0]), (1, 2, 1, 1))
    v = jnp.array([[1.0, 2.0], [3.0, -4.0]])[None, :, None]
    everything, nothing = jnp.tril(jnp.ones((1, 1, 2, 2))), jnp.ones((1, 1, 2))
    state, y = once(delta_chunk, jnp.zeros((1, 1, 2, 3)), everything, nothing, k, jnp.ones((1, 2, 1)), k, v)
    assert np.allclose(y, v, atol=1e-6)
    assert np.allclose(state[0, 0] @ np.array([0.6, 0.8, 0.0]), [3, -4], atol=1e-6)


REFUSED = {
    "a multiple of num_heads = 4": lambda: models.DeltaNetConfig(6),
    "an even head_dim": lambda: models.RetNetConfig(12),
    "at least 2 of them": lambda: models.GLAConfig(4),
    "a head has 1": lambda: models.MLSTMConfig(4),
    "blocks=2": lambda: models.S5Config(6, blocks=4),
    "0 < min_step < max_step": lambda: models.S5Config(6, min_step=0.1),
    "use head_dim=4": lambda: models.Mamba3Config(6, head_dim=8),
    "cannot rotate 3 pairs": lambda: models.Mamba3Config(16, state_dim=4, rotated_pairs=3),
    "rank = 0": lambda: models.MambaConfig(6, dt_rank=0),
}


@pytest.mark.parametrize("message", REFUSED)
def test_impossible_sizes_are_refused_with_a_way_out(message):
    with pytest.raises(ValueError, match=message):
        REFUSED[message]()
