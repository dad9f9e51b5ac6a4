"""Attention and the transformers made of it, against the same written plainly."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fixtures import transformers as plain
from fixtures.agents import once
from memorax.networks.laws import difference
from memorax.networks.positional_embeddings import alibi_slopes, count_steps, rotate
from memorax.networks.sequence_models import (
    GPT2,
    Attention,
    AttentionConfig,
    GPT2Config,
    GTrXL,
    GTrXLConfig,
    TransformerXL,
    TransformerXLConfig,
)
from memorax_bench.cell.cost import count_flops

BATCH, FEATURES = 3, 5
CUTS = (0, 23, 24, 60)  # a sequence of several blocks, a step, and a sequence again


def run(model):
    """Random parameters, none of them zero -> (parameters, x, start, y), y computed in pieces."""

    def program(key):
        x_key, start_key, init_key, noise_key = jax.random.split(key, 4)
        x = jax.random.normal(x_key, (BATCH, CUTS[-1], FEATURES))
        start = jax.random.bernoulli(start_key, 0.04, x.shape[:2]).at[1].set(False)
        carry = model.initialize_carry(BATCH)
        params = model.init(init_key, x[:, :1], start[:, :1], carry)
        leaves, tree = jax.tree.flatten(params)
        keys = jax.random.split(noise_key, len(leaves))
        noisy = [leaf + 0.3 * jax.random.normal(k, leaf.shape) for leaf, k in zip(leaves, keys, strict=True)]
        params, ys = tree.unflatten(noisy), []
        for begin, end in itertools.pairwise(CUTS):
            carry, y = model.apply(params, x[:, begin:end], start[:, begin:end], carry)
            ys.append(y)
        return params["params"], x, start, jnp.concatenate(ys, 1)

    with jax.default_matmul_precision("highest"):
        result = jax.tree.map(np.asarray, once(program, jax.random.key(0)))
    params, x, start, y = result
    return jax.tree.map(np.float64, params), np.float64(x), start, y


@pytest.mark.parametrize("position", ["rope", "alibi", "learned", "relative", "none"])
def test_attention_is_a_softmax_over_the_last_steps_of_the_episode(position):
    config = AttentionConfig(features=8, num_heads=2, window=7, position=position, max_position=20)
    params, x, start, y = run(Attention(config))
    assert start[0].any() and not start[1].any()  # a memory that is cleared, and an episode beyond the learned table
    assert difference(y, plain.attention(params, config, x, start)) < 1e-5


def attention_of(config, position):
    return AttentionConfig(config.features, config.num_heads, config.window, position)


def test_gtrxl_is_gated_attention_and_ffn():
    config = GTrXLConfig(features=6, num_layers=1, num_heads=2, window=5, expand=2)
    params, x, start, y = run(GTrXL(config))
    (stack,) = params.values()
    expected = plain.dense(stack["layer_0"]["linear"], x)
    attention, ffn = stack["layer_1"], stack["layer_2"]
    seen = plain.layer_norm(attention["model"]["normalised"], expected)
    seen = plain.attention(attention["model"]["model"], attention_of(config, "relative"), seen, start)
    expected = plain.gate(attention, expected, seen)
    hidden = plain.ffn(ffn["model"]["model"], plain.layer_norm(ffn["model"]["normalised"], expected), plain.relu)
    assert difference(y, plain.gate(ffn, expected, hidden)) < 1e-5


def test_transformer_xl_normalises_sums():
    config = TransformerXLConfig(features=6, num_layers=1, num_heads=2, window=5, expand=2)
    params, x, start, y = run(TransformerXL(config))
    (stack,) = params.values()
    expected = plain.dense(stack["layer_0"]["linear"], x)
    attention, ffn = stack["layer_1"], stack["layer_2"]
    expected += plain.attention(attention["model"]["model"], attention_of(config, "relative"), expected, start)
    expected = plain.layer_norm(attention["normalised"], expected)
    expected = expected + plain.ffn(ffn["model"]["model"], expected, plain.relu)
    assert difference(y, plain.layer_norm(ffn["normalised"], expected)) < 1e-5


def test_gpt2_sums_normalised_parts():
    config = GPT2Config(features=6, num_layers=1, num_heads=2, window=5, expand=2, max_position=20)
    params, x, start, y = run(GPT2(config))
    attention, ffn = params["Stack_0"]["layer_0"]["model"], params["Stack_0"]["layer_1"]["model"]
    time = np.minimum(plain.steps_since_start(start), 19)
    expected = plain.dense(params["Projection_0"]["linear"], x) + params["position"]["table"][time]
    seen = plain.layer_norm(attention["normalised"], expected)
    expected += plain.attention(attention["model"], attention_of(config, "none"), seen, start)
    expected += plain.ffn(ffn["model"], plain.layer_norm(ffn["normalised"], expected), plain.gelu)
    assert difference(y, plain.layer_norm(params["normalised"], expected)) < 1e-5


def test_a_long_sequence_costs_what_its_windows_cost():
    model = Attention(AttentionConfig(features=8, window=16))

    def flops(time):
        x, start, carry = jnp.zeros((1, time, 8)), jnp.zeros((1, time), bool), model.initialize_carry(1)
        params = jax.eval_shape(model.init, jax.random.key(0), x, start, carry)
        return count_flops(jax.make_jaxpr(model.apply)(params, x, start, carry))

    assert flops(1024) == 2 * flops(512)


def test_hours_into_an_episode_a_step_still_equals_a_sequence():
    """Positions do not wear out: rope's angles stay small, the table's last row is shared."""
    for position in ("rope", "learned"):
        model = Attention(AttentionConfig(features=8, window=100, position=position))

        def program(key, model=model):
            x, start = jax.random.normal(key, (2, 150, 8)), jnp.zeros((2, 150), bool)
            carry = model.initialize_carry(2) | {"time": jnp.array([10_000, 5])}
            params = model.init(key, x[:, :1], start[:, :1], carry)
            before, _ = model.apply(params, x[:, :-1], start[:, :-1], carry)
            return model.apply(params, x[:, -1:], start[:, -1:], before)[1], model.apply(params, x, start, carry)[1]

        with jax.default_matmul_precision("highest"):
            step, sequence = once(program, jax.random.key(0))
        assert difference(step[:, 0], sequence[:, -1]) < 2e-6


def test_large_and_narrow_inputs_leave_a_finite_float32_memory():
    model = Attention(AttentionConfig(features=8, window=4))

    def program(key):
        x = 1e3 * jax.random.normal(key, (2, 9, 8)).astype(jnp.bfloat16)
        start, fresh = jnp.zeros((2, 9), bool), model.initialize_carry(2)
        params = model.init(key, x, start, fresh)

        def loss(params):
            carry, y = model.apply(params, x, start, fresh)
            return y.sum(), carry

        gradients, carry = jax.grad(loss, has_aux=True)(params)
        assert jax.tree.map(jnp.dtype, carry) == jax.tree.map(jnp.dtype, fresh)
        return gradients, carry

    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(once(program, jax.random.key(0))))


def test_rotations_keep_lengths_and_know_differences_only():
    q, k = jax.random.normal(jax.random.key(0), (2, 9, 2, 6))
    scores = [jnp.einsum("lhd,shd->hls", rotate(q, 5 + shift), rotate(k, shift)) for shift in (0, 1000)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)
    assert np.abs(scores[0] - jnp.einsum("lhd,shd->hls", q, k)).max() > 0.1
    np.testing.assert_allclose(jnp.linalg.norm(rotate(q, 3), axis=-1), jnp.linalg.norm(q, axis=-1), rtol=1e-5)


def test_slopes_of_alibi():
    np.testing.assert_allclose(alibi_slopes(8), 2.0 ** -np.arange(1, 9))  # as published
    np.testing.assert_allclose(alibi_slopes(12)[8:], 2.0 ** -np.array([0.5, 1.5, 2.5, 3.5]))
    assert all(len(set(alibi_slopes(heads))) == heads for heads in range(1, 20))


def test_steps_are_counted_from_the_start_across_calls():
    start = jnp.array([[0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]], bool)
    time, position = count_steps(start, jnp.array([5, 9, 0]))
    assert position.tolist() == [[5, 6, 0, 1], [0, 0, 1, 2], [0, 1, 2, 3]]
    assert time.tolist() == [2, 3, 4]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_heads": 3}, "features = 8 to be a multiple of num_heads = 3; use num_heads=2"),
        ({"window": 1}, "window = 1 is the current step alone; use at least 2"),
        ({"position": "rotary"}, "position = 'rotary' must be one of rope, alibi, learned, relative, none"),
        ({"num_heads": 8}, "features / num_heads = 1 is odd"),
        ({"max_position": 0}, "max_position = 0 must be a whole number of at least 1"),
    ],
)
def test_impossible_attention_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(AttentionConfig(features=8), **settings)


@pytest.mark.parametrize("config", [GTrXLConfig, GPT2Config, TransformerXLConfig])
def test_transformers_refuse_what_attention_refuses(config):
    with pytest.raises(ValueError, match=f"{config.__name__} needs features = 10 .* use num_heads=2"):
        config(features=10)
