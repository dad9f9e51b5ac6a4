"""Which way a sequence is run never changes what is computed: spans, blocks, and gradients written by hand."""

import functools

import jax
import jax.numpy as jnp
import pytest

from fixtures.agents import once
from fixtures.torso_laws import FEATURES, cell_of
from fixtures.torsos import CONFIGS
from memorax.networks import RNN, GRUCell, GRUConfig, Memoroid, MemoroidCell, SLSTMCell, SLSTMConfig
from memorax.networks.laws import difference, outputs_and_gradients
from memorax.networks.sequence_models import rnn, scans
from memorax.networks.sequence_models.delta_net import inverse, solve
from memorax.networks.sequence_models.rules import by_hand_pays

CELLS = {name: cell for name in CONFIGS if isinstance(cell := cell_of(name, CONFIGS[name][0]), MemoroidCell)}
TIME = 20  # two spans of 8 and a rest; in each, blocks of 3 and a rest


def computed(model):
    with jax.default_matmul_precision("highest"):
        return once(functools.partial(outputs_and_gradients, model, features=FEATURES, time=TIME), jax.random.key(0))


@pytest.mark.parametrize("name", CELLS)
def test_spans_and_blocks_change_neither_outputs_nor_gradients(name, monkeypatch):
    whole = computed(Memoroid(CELLS[name], strategy="sequential"))
    monkeypatch.setattr(scans, "SPAN", 8)
    monkeypatch.setattr(scans, "BLOCK", 3)
    asked = []
    monkeypatch.setattr(scans, "spans_pay", lambda shape, backend: asked.append(shape) or shape[1] >= 16)
    assert difference(computed(Memoroid(CELLS[name])), whole) < 2e-5
    assert (3, TIME, FEATURES) in asked


@pytest.mark.parametrize("strategy", ["sequential", "chunked"])
def test_a_matrix_state_is_not_kept_at_every_step(strategy):
    model = Memoroid(cell_of("mamba2", {"features": 32, "state_dim": 64}), strategy=strategy)
    x, start, carry = jnp.zeros((2, 256, 32)), jnp.zeros((2, 256), bool), model.initialize_carry(2)
    params = jax.eval_shape(model.init, jax.random.key(0), x[:, :1], start[:, :1], carry)
    loss = jax.jit(jax.grad(lambda params: (model.apply(params, x, start, carry)[1] ** 2).sum()))
    every = 256 * sum(leaf.nbytes for leaf in jax.tree.leaves(carry["state"]))
    assert loss.lower(params).compile().memory_analysis().temp_size_in_bytes < every


def test_what_is_chosen_depends_on_backend_length_and_cell():
    lru, mamba2, delta = CELLS["lru"], CELLS["mamba2"], CELLS["delta_net"]
    assert [scans.choose(lru, time, "cpu") for time in (8, 1024)] == ["sequential", "sequential"]
    assert [scans.choose(lru, time, "gpu") for time in (8, 1024)] == ["sequential", "associative"]
    assert {scans.choose(cell, 1024, backend) for cell in (mamba2, delta) for backend in ("cpu", "gpu")} == {"chunked"}


def test_spans_are_for_what_a_cpu_cannot_keep_at_hand():
    assert scans.spans_pay((64, 128, 64), "cpu")
    assert not scans.spans_pay((64, 128, 64), "gpu")
    assert not scans.spans_pay((2, 1024, 64), "cpu")
    assert not scans.spans_pay((1024, 32, 64), "cpu")


@pytest.mark.parametrize(
    "cell", [GRUCell(GRUConfig(features=8)), SLSTMCell(SLSTMConfig(features=8))], ids=["gru", "slstm"]
)
def test_gradients_by_hand_equal_those_of_autodiff(cell):
    by_hand, autodiff = computed(RNN(cell, strategy="by_hand")), computed(RNN(cell, strategy="autodiff"))
    assert difference(by_hand, autodiff) < 1e-5


@pytest.mark.parametrize(
    ("cell", "largest"), [(GRUCell(GRUConfig(features=32)), 16), (SLSTMCell(SLSTMConfig(features=32)), 4)]
)
def test_by_hand_is_chosen_for_wide_cells_in_small_batches(cell, largest, monkeypatch):
    entered = []
    monkeypatch.setitem(rnn._SEQUENCE_RULES, type(cell), lambda p, x, start, h: (h, entered.append(x.shape[1]) or x))
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    model = RNN(cell)
    for batch in (largest, largest + 1):
        x, start, carry = jnp.zeros((batch, 6, 32)), jnp.zeros((batch, 6), bool), model.initialize_carry(batch)
        params = jax.eval_shape(model.init, jax.random.key(0), x[:, :1], start[:, :1], carry)
        jax.eval_shape(model.apply, params, x, start, carry)
    assert entered == [largest]
    assert by_hand_pays(64, 64, 2, "gpu")


def test_a_strategy_that_a_recurrent_cell_lacks_is_an_error():
    class Other(GRUCell):
        """A subclass: nothing written by hand."""

    with pytest.raises(ValueError, match=r"'by_hand' is not available for Other .* \['auto', 'autodiff'\]"):
        model = RNN(Other(GRUConfig(features=4)), strategy="by_hand")
        x, start = jnp.zeros((1, 2, 3)), jnp.zeros((1, 2), bool)
        jax.eval_shape(model.init, jax.random.key(0), x, start, model.initialize_carry(1))


@pytest.mark.parametrize("time", [1, 2, 7, 16, 33])
def test_the_delta_rules_system_is_solved(time):
    keys = jax.random.split(jax.random.key(0), 2)
    lower = jnp.stack([jnp.ones((time, time)), 0.2 * jax.random.normal(keys[0], (time, time))])
    wide = jax.random.normal(keys[1], (2, time, 600))  # by the inverse; `narrow` by substitution
    narrow = wide[..., :1]
    system = jnp.eye(time) + jnp.tril(lower, -1)
    with jax.default_matmul_precision("highest"):
        assert difference(system @ inverse(lower), jnp.broadcast_to(jnp.eye(time), lower.shape)) < 1e-5
        assert difference(system @ solve(lower, wide), wide) < 1e-5
        assert difference(system @ solve(lower, narrow), narrow) < 1e-5
