"""RTRL: gradients from short windows equal those of backpropagation through the whole sequence."""

import jax
import jax.numpy as jnp
import pytest

from fixtures.agents import once
from fixtures.torso_laws import cell_of
from memorax.networks import RTRL, Memoroid
from memorax.networks.laws import TOLERANCE, difference, measure

FEATURES, TIME = 6, 12
CELLS = {
    "lru": {"features": 4, "state_dim": 5},
    "min_gru": {"features": 4},
    "min_lstm": {"features": 4},
    "rtu": {"features": 6},
    "rtu-nonlinear": {"features": 6, "linear": False, "activation": "tanh"},
    "s5": {"features": 4, "state_dim": 3},
}


def gradients(model, length):
    """The sum over windows of `length` steps of the gradients of the outputs' loss; memories are data in between."""

    def program(key):
        keys = jax.random.split(key, 3)
        x, start = jax.random.normal(keys[0], (3, TIME, FEATURES)), jnp.zeros((3, TIME), bool).at[1, 7].set(True)
        carry = model.initialize_carry(3)
        params = model.init(keys[1], x[:, :1], start[:, :1], carry)
        target = jax.random.normal(keys[2], (3, TIME))

        def loss(params, carry, window):
            x, start, target = window
            carry, y = model.apply(params, x, start, carry)
            return (jnp.tanh(y) * target[..., None]).sum(), carry

        def one(carry, window):
            gradient, carry = jax.grad(loss, has_aux=True)(params, carry, window)
            return carry, gradient

        def windows(leaf):  # [B, T, ...] -> [N, B, length, ...]
            return jnp.moveaxis(leaf.reshape(3, -1, length, *leaf.shape[2:]), 1, 0)

        _, by_window = jax.lax.scan(one, carry, jax.tree.map(windows, (x, start, target)))
        return jax.tree.map(lambda leaf: leaf.sum(0), by_window)

    with jax.default_matmul_precision("highest"):
        return once(program, jax.random.key(0))


@pytest.mark.parametrize("name", CELLS)
def test_windows_give_the_gradients_of_the_whole_sequence(name):
    cell = cell_of(name.partition("-")[0], CELLS[name])
    whole = gradients(Memoroid(cell), TIME)
    for length in (1, 4):
        assert difference(gradients(RTRL(cell, inputs=FEATURES), length), whole) < TOLERANCE, length
    assert difference(gradients(Memoroid(cell), 4), whole) > 1e-2  # truncation does not


@pytest.mark.parametrize("name", ["lru", "rtu-nonlinear"])
def test_it_is_a_torso(name):
    """Outputs and memory, traces included, obey the laws: they are the same by steps, by chunks, after a start."""
    model = RTRL(cell_of(name.partition("-")[0], CELLS[name]), inputs=FEATURES)
    with jax.default_matmul_precision("highest"):
        measured = once(lambda key: measure(model, key, FEATURES), jax.random.key(0))
    assert {law: float(value) for law, value in measured.items() if not value < TOLERANCE} == {}


def test_recurrences_with_shared_parameters_are_refused():
    with pytest.raises(ValueError, match=r"RTRL needs a diagonal recurrence, .*; MambaCell has none"):
        RTRL(cell_of("mamba", {"features": 4}), inputs=FEATURES).initialize_carry(1)


def test_the_width_of_the_input_is_checked():
    model = RTRL(cell_of("lru", {"features": 4}), inputs=5)
    with pytest.raises(ValueError, match=r"RTRL\(inputs=5\) read x of width 6; use inputs=6"):
        jax.eval_shape(lambda: measure(model, jax.random.key(0), FEATURES))
