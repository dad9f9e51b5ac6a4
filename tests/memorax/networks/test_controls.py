"""The controls that remember the last inputs, or the time, and nothing else."""

import jax
import jax.numpy as jnp
import numpy as np

from fixtures.agents import once
from fixtures.transformers import relu, sinusoid, steps_since_start
from memorax.networks.laws import difference
from memorax.networks.sequence_models import FrameStack, FrameStackConfig, MLPTime, MLPTimeConfig


def run(model):
    """-> (parameters, x, start, y), y computed in two pieces."""

    def program(key):
        keys = jax.random.split(key, 3)
        x, start = jax.random.normal(keys[0], (3, 15, 4)), jax.random.bernoulli(keys[1], 0.2, (3, 15))
        carry = model.initialize_carry(3)
        params = model.init(keys[2], x, start, carry)
        params = jax.tree.map(lambda leaf: leaf + 0.1, params)  # biases start at zero
        carry, first = model.apply(params, x[:, :7], start[:, :7], carry)
        return (
            params["params"],
            x,
            start,
            jnp.concatenate([first, model.apply(params, x[:, 7:], start[:, 7:], carry)[1]], 1),
        )

    with jax.default_matmul_precision("highest"):
        params, *rest = once(program, jax.random.key(0))
    return jax.tree.map(np.float64, params), *map(np.asarray, rest)


def test_frame_stack_is_a_layer_over_the_last_inputs_of_the_episode():
    params, x, start, y = run(FrameStack(FrameStackConfig(features=5, frames=4)))
    position, expected = steps_since_start(start), np.zeros(y.shape)
    for t in range(x.shape[1]):
        frames = [x[:, max(t - lag, 0)] * (lag <= position[:, t])[:, None] for lag in range(4)]
        expected[:, t] = relu(np.concatenate(frames, -1) @ params["kernel"].reshape(-1, 5) + params["bias"])
    assert difference(y, expected) < 1e-5


def test_frame_stack_begins_as_one_layer_over_all_frames():
    kernel = once(
        lambda key: FrameStack(FrameStackConfig(features=500, frames=4)).init(
            key, jnp.zeros((1, 1, 25)), jnp.zeros((1, 1), bool), jnp.zeros((1, 3, 500))
        )["params"]["kernel"],
        jax.random.key(0),
    )
    np.testing.assert_allclose(kernel.std(), (4 * 25) ** -0.5, rtol=0.02)


def test_mlp_time_sees_the_input_and_the_time():
    params, x, start, y = run(MLPTime(MLPTimeConfig(features=5, time_features=7)))
    clock = np.stack([[sinusoid(t, 7) for t in row] for row in steps_since_start(start)])
    layer = params["mlp"]["Dense_0"]
    assert difference(y, relu(np.concatenate([x, clock], -1) @ layer["kernel"] + layer["bias"])) < 1e-5
