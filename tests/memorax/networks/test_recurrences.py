"""Torsos against the recurrences of their papers, written here step by step in float64, one environment at a time."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures.agents import once, torso
from memorax.networks import RNN, LSTMCell, LSTMConfig, SLSTMCell, SLSTMConfig
from memorax.networks.laws import difference
from memorax.networks.positional_embeddings import count_steps
from memorax.networks.sequence_models import lstm, shm, slstm

BATCH, TIME, CUT, FEATURES = 3, 14, 6, 5


def run(model: nn.Module) -> tuple[dict, np.ndarray, np.ndarray, np.ndarray]:
    """The torso over two consecutive sequences, with starts inside both -> (parameters, x, start, y)."""

    def program(key):
        keys = jax.random.split(key, 4)
        x = jax.random.normal(keys[0], (BATCH, TIME, FEATURES))
        start = jax.random.bernoulli(keys[1], 0.2, (BATCH, TIME))
        carry = model.initialize_carry(BATCH)
        params = model.init(keys[2], x[:, :1], start[:, :1], carry)
        # away from zeros and ones, which would hide a term that is missing
        leaves, tree = jax.tree.flatten(params)
        noise = jax.random.split(keys[3], len(leaves))
        noisy = [leaf + 0.3 * jax.random.normal(key, leaf.shape) for key, leaf in zip(noise, leaves, strict=True)]
        params = tree.unflatten(noisy)
        carry, first = model.apply(params, x[:, :CUT], start[:, :CUT], carry)
        _, last = model.apply(params, x[:, CUT:], start[:, CUT:], carry)
        return params["params"]["cell"], x, start, jnp.concatenate([first, last], 1)

    with jax.default_matmul_precision("highest"):
        return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), once(program, jax.random.key(0)))


def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def dense(parameters, x):
    return x @ parameters["kernel"] + parameters.get("bias", 0)


def lstm_reference(p, x, start):
    c = h = np.zeros(8)
    for x_t, start_t in zip(x, start, strict=True):
        c, h = (0 * c, 0 * h) if start_t else (c, h)
        i, f, g, o = np.split(dense(p["input"], x_t) + h @ p["recurrent"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        yield h


def slstm_reference(p, x, start):
    """Without the stabiliser: its exponentials are harmless in float64 and for inputs of this size."""
    c = n = h = np.zeros(8)
    for x_t, start_t in zip(x, start, strict=True):
        c, n, h = (0 * c, 0 * n, 0 * h) if start_t else (c, n, h)
        blocks = [h_n @ kernel for h_n, kernel in zip(h.reshape(4, 2), p["recurrent"], strict=True)]
        recurrent = np.concatenate([np.concatenate([block[2 * g : 2 * g + 2] for block in blocks]) for g in range(4)])
        i, f, z, o = np.split(dense(p["input"], x_t) + recurrent, 4)
        c = sigmoid(f) * c + np.exp(i) * np.tanh(z)
        n = sigmoid(f) * n + np.exp(i)
        h = sigmoid(o) * c / n
        yield h


def positive(x):
    return np.where(x >= 0, x + 0.5, sigmoid(x))


def min_gru_reference(p, x, start):
    h = np.full(8, 0.5)
    for x_t, start_t in zip(x, start, strict=True):
        h = np.full(8, 0.5) if start_t else h
        z, candidate = np.split(dense(p["input"], x_t), 2)
        h = (1 - sigmoid(z)) * h + sigmoid(z) * positive(candidate)
        yield h


def min_lstm_reference(p, x, start):
    h = np.full(8, 0.5)
    for x_t, start_t in zip(x, start, strict=True):
        h = np.full(8, 0.5) if start_t else h
        f, i, candidate = np.split(dense(p["input"], x_t), 3)
        f, i = sigmoid(f), sigmoid(i)
        h = f / (f + i) * h + i / (f + i) * positive(candidate)
        yield h


def rtu_reference(p, x, start, inside, outside):
    r = np.exp(-np.exp(p["nu"]))
    eigenvalue = r * np.exp(1j * np.exp(p["theta"]))
    a, b = np.zeros(4), np.zeros(4)
    for x_t, start_t in zip(x, start, strict=True):
        a, b = (0 * a, 0 * b) if start_t else (a, b)
        u_a, u_b = np.split(x_t @ p["input"]["kernel"], 2)
        s = eigenvalue * (a + 1j * b) + np.sqrt(1 - r**2) * (u_a + 1j * u_b)
        a, b = inside(s.real), inside(s.imag)
        yield outside(np.concatenate([a, b]))


def ffm_reference(p, x, start):
    gamma = np.exp(-np.abs(p["alpha"])[:, None] - 1j * p["omega"])
    s = 0 * gamma
    for x_t, start_t in zip(x, start, strict=True):
        u, gate_in, skip, gate_out = np.split(dense(p["input"], x_t), [32, 64, 72])
        s = gamma * (0 * s if start_t else s) + (u * sigmoid(gate_in))[:, None]
        z = dense(p["mix"], np.concatenate([s.real.ravel(), s.imag.ravel()]))
        z = (z - z.mean()) / np.sqrt(z.var() + 1e-5)
        yield z * sigmoid(gate_out) + skip * (1 - sigmoid(gate_out))


def shm_reference(p, x, start, bound):
    rows = np.asarray(jax.jit(shm._draws, static_argnums=1)(jnp.arange(TIME), 128))
    memory, number = np.zeros((8, 8)), 0
    for x_t, start_t in zip(x, start, strict=True):
        memory, number = (0 * memory, 0) if start_t else (memory, number)
        x_t = (x_t - x_t.mean()) / np.sqrt(x_t.var() + 1e-5) * p["norm"]["scale"] + p["norm"]["bias"]
        k, q, v, c, eta = np.split(x_t @ p["input"]["kernel"], [8, 16, 24, 32])
        k, q = (np.maximum(part, 0) / (1e-5 + np.maximum(part, 0).sum()) for part in (k, q))
        memory = memory * (1 + np.tanh(np.outer(p["thetas"][rows[number]], c))) + sigmoid(eta) * np.outer(v, k)
        memory = np.clip(memory, -bound, bound)
        number += 1
        yield dense(p["output"], memory @ q + dense(p["bypass"], x_t))


def relu(x):
    return np.maximum(x, 0)


CASES = {
    "lstm": ({}, lstm_reference),
    "slstm": ({}, slstm_reference),
    "min_gru": ({}, min_gru_reference),
    "min_lstm": ({}, min_lstm_reference),
    "rtu": ({}, lambda *a: rtu_reference(*a, lambda s: s, relu)),
    "rtu-nonlinear": ({"linear": False, "activation": "tanh"}, lambda *a: rtu_reference(*a, np.tanh, lambda y: y)),
    "ffm": ({}, ffm_reference),
    "shm": ({}, lambda *a: shm_reference(*a, 100)),
    "shm-clipped": ({"bound": 0.05}, lambda *a: shm_reference(*a, 0.05)),
}


@pytest.mark.parametrize("case", CASES)
def test_outputs_are_those_of_the_published_recurrence(case):
    settings, reference = CASES[case]
    params, x, start, y = run(torso(case.partition("-")[0], **settings))
    expected = np.stack([np.stack(list(reference(params, *one))) for one in zip(x, start, strict=True)])
    assert np.abs(y - expected).max() < 1e-5 * np.abs(expected).max()


class GenericLSTM(LSTMCell):
    """A subclass: no fast path."""


class GenericSLSTM(SLSTMCell):
    """A subclass: no fast path."""


class GenericOptimizedLSTM(nn.OptimizedLSTMCell):
    """A subclass: no fast path."""


class GenericFlaxLSTM(nn.LSTMCell):
    """A subclass: no fast path."""


FAST = {
    "lstm": (LSTMCell(LSTMConfig(features=8)), GenericLSTM(LSTMConfig(features=8))),
    "slstm": (SLSTMCell(SLSTMConfig(features=8)), GenericSLSTM(SLSTMConfig(features=8))),
    "flax-lstm": (nn.LSTMCell(features=8), GenericFlaxLSTM(features=8)),
    "flax-optimized": (nn.OptimizedLSTMCell(features=8), GenericOptimizedLSTM(features=8)),
}


def gradients(model: nn.Module, params: dict, key: jax.Array):
    """Outputs, last carry, and gradients of parameters, inputs and first carry; starts inside the sequence."""
    keys = jax.random.split(key, 3)
    x, start = jax.random.normal(keys[0], (3, 12, FEATURES)), jax.random.bernoulli(keys[1], 0.2, (3, 12))
    past, _ = model.apply(params, jax.random.normal(keys[2], x.shape), start, model.initialize_carry(3))

    def loss(params, x, carry):
        carry, y = model.apply(params, x, start, carry)
        return jnp.sin(y).sum() + sum(jnp.cos(leaf).sum() for leaf in jax.tree.leaves(carry)), (carry, y)

    return jax.grad(loss, (0, 1, 2), has_aux=True)(params, x, past)


@pytest.mark.parametrize("case", FAST)
def test_fast_path_equals_the_generic_scan_in_outputs_and_gradients(case):
    fast, generic = RNN(FAST[case][0], strategy="by_hand"), RNN(FAST[case][1])

    def program(key):
        x, start = jnp.zeros((3, 1, FEATURES)), jnp.zeros((3, 1), bool)
        params = fast.init(key, x, start, fast.initialize_carry(3))
        params = jax.tree.map(lambda leaf: leaf + 0.3 * jax.random.normal(key, leaf.shape), params)
        return gradients(fast, params, key), gradients(generic, params, key)

    with jax.default_matmul_precision("highest"):
        assert difference(*once(program, jax.random.key(0))) < 1e-5


def test_what_is_compared_are_two_paths(monkeypatch):
    """The generic scan of a cell of ours never enters the sequence rule, that of the cell itself does."""
    entered = []
    for module, name in ((lstm, "lstm_sequence"), (slstm, "slstm_sequence")):
        original = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, f=original, n=name: (entered.append(n), f(*a))[1])
    x, start = jnp.zeros((3, 4, FEATURES)), jnp.zeros((3, 4), bool)
    for pair in FAST.values():
        for model in (RNN(pair[0], strategy="by_hand"), RNN(pair[1])):
            params = jax.eval_shape(model.init, jax.random.key(0), x, start, model.initialize_carry(3))
            jax.eval_shape(model.apply, params, x, start, model.initialize_carry(3))
    assert entered == ["lstm_sequence", "slstm_sequence", "lstm_sequence", "lstm_sequence"]


@pytest.mark.parametrize("name", ["lstm", "slstm", "min_gru", "min_lstm", "rtu", "ffm", "shm"])
def test_large_inputs_and_bfloat16_leave_finite_gradients_and_a_float32_carry(name):
    model = torso(name)

    def program(key):
        x = (1e3 * jax.random.normal(key, (2, 30, FEATURES))).astype(jnp.bfloat16)
        start = jnp.zeros((2, 30), bool).at[0, 11].set(True)
        params = model.init(key, x[:, :1], start[:, :1], model.initialize_carry(2))

        def loss(params):
            carry, y = model.apply(params, x, start, model.initialize_carry(2))
            return y.mean(), (carry, y)

        return jax.grad(loss, has_aux=True)(params)

    result = once(program, jax.random.key(0))
    floats = [leaf for leaf in jax.tree.leaves(result) if jnp.issubdtype(leaf.dtype, jnp.floating)]
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in floats)
    assert {leaf.dtype for leaf in jax.tree.leaves(result[1][0])} <= {jnp.dtype("float32"), jnp.dtype("int32")}


def test_lstm_starts_with_a_forget_bias_of_one():
    model = torso("lstm")
    x, start = jnp.zeros((1, 1, FEATURES)), jnp.zeros((1, 1), bool)
    params = once(lambda key: model.init(key, x, start, model.initialize_carry(1)), jax.random.key(0))
    assert params["params"]["cell"]["input"]["bias"].tolist() == [0] * 8 + [1] * 8 + [0] * 16


def test_shm_draws_every_row_and_repeats_them_in_every_episode():
    start = jnp.zeros((2, 3000), bool).at[:, 1000].set(True)
    _, number = once(count_steps, start, jnp.array([7, 0]))
    assert number[0, [0, 999, 1000, 2999]].tolist() == [7, 1006, 0, 1999]
    counts = np.bincount(once(lambda n: shm._draws(n, 128), number[1:, 1000:]).ravel(), minlength=128)
    assert counts.min() > 0
    assert counts.max() < 40  # 15.6 on average


def test_shm_of_many_clipped_steps_at_once_is_those_steps():
    """Elements that join long sequences: slopes and offsets far beyond the bound, then steps that lead back from it."""
    cell = torso("shm").cell
    keys = jax.random.split(jax.random.key(0), 3)
    theta = 3 + jax.random.normal(keys[0], (1, 400, 8))
    c = jax.random.normal(keys[1], (1, 400, 8))
    c = jnp.where(jnp.arange(400)[:, None] < 395, 3 + c, 0.2 * c)  # slopes near 2, whose product is 1e100 and more

    def program(v, k):
        element = cell.expand((theta, c, v, k))
        moving = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), element)
        states, _ = jax.lax.scan(lambda s, e: (cell.step(s, e), None), jnp.zeros((1, 8, 8)), moving)
        joined = jax.lax.associative_scan(cell.combine, element, axis=1)
        return states, cell.step(jnp.zeros((1, 8, 8)), jax.tree.map(lambda a: a[:, -1], joined))

    v, k = jax.random.normal(keys[2], (2, 1, 400, 8))
    one_by_one, at_once = once(program, v, jax.nn.softmax(k))
    inside = one_by_one[jnp.abs(one_by_one) < 100]
    assert inside.min() < -1
    assert inside.max() > 1
    assert difference(at_once, one_by_one) < 1e-5


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("slstm", {"num_heads": 3}, "features = 8 to be a multiple of num_heads = 3"),
        ("rtu", {"features": 5}, "even number of features"),
        ("rtu", {"activation": "gelu"}, "activation = 'gelu' must be one of"),
        ("rtu", {"r_max": 1.5}, "0 <= r_min < r_max <= 1"),
        ("ffm", {"min_period": 9, "max_period": 8}, "min_period <= max_period"),
        ("shm", {"bound": 0.0}, "0 < bound <= 1e6"),
        ("shm", {"memory_dim": 0}, "width = 0 must be a whole number of at least 1"),
    ],
)
def test_impossible_settings_are_refused(name, settings, message):
    with pytest.raises(ValueError, match=message):
        torso(name, **settings)
