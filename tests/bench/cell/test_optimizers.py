"""The optimizers' settings and what they make of a gradient."""

import jax.numpy as jnp
import pytest
from flax import struct

from memorax_bench.cell.optimizers import OPTIMIZERS, AdamConfig, PlainStepsConfig, with_learning_rate


@struct.dataclass
class State:
    optimizer_state: object


def step(config, gradient):
    optimizer = config.make()
    state = with_learning_rate(State(optimizer.init(gradient)), jnp.float32(config.learning_rate))
    return optimizer.update(gradient, state.optimizer_state, gradient)[0]


def test_adam_steps_by_its_rate_whatever_the_gradient():
    change = step(AdamConfig(learning_rate=0.1), jnp.array([30.0, -40.0]))
    assert change == pytest.approx([-0.1, 0.1], rel=1e-3)


def test_plain_steps_are_not_clipped():
    assert step(PlainStepsConfig(), jnp.array([30.0, -40.0])) == pytest.approx([-30, 40])


def test_defaults():
    assert AdamConfig() == AdamConfig(learning_rate=3e-4, max_grad_norm=0.5)
    assert PlainStepsConfig() == PlainStepsConfig(learning_rate=1.0)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_rate_is_positive(kind, value):
    with pytest.raises(ValueError, match=f"learning_rate = {value!r} must be greater than 0"):
        OPTIMIZERS[kind](learning_rate=value)
