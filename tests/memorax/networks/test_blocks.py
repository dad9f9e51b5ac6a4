"""Blocks: the laws of a torso over each, and what each is for."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fixtures import transformers as plain
from fixtures.agents import once
from memorax.algorithms.actor_critic import SeparateNetworks
from memorax.networks import (
    XLSTM,
    Attention,
    AttentionConfig,
    FeatureExtractor,
    GRUCell,
    GRUConfig,
    Identity,
    Inputs,
    LRUCell,
    LRUConfig,
    MLSTMCell,
    MLSTMConfig,
    Network,
    SLSTMCell,
    SLSTMConfig,
    XLSTMConfig,
    as_sequence_model,
    heads,
)
from memorax.networks.blocks import (
    FFN,
    GLU,
    GatedResidual,
    MixtureOfExperts,
    PostNorm,
    PreNorm,
    Projection,
    Residual,
    SegmentRecurrence,
    Stack,
)
from memorax.networks.laws import TOLERANCE, difference, measure

FEATURES = 6


def gru(features=FEATURES):
    return GRUCell(GRUConfig(features))


def attention(window=5):
    return Attention(AttentionConfig(FEATURES, num_heads=3, window=window))


BLOCKS = {
    "residual": Residual(PostNorm(gru())),
    "gated-residual": GatedResidual(PreNorm(attention(), norm="rms")),
    "memoryless": Stack((FFN(5, 2), GLU(3, 2), Projection(4), Residual(nn.Dense(4)))),
    "experts": Stack((gru(), MixtureOfExperts(FEATURES), MixtureOfExperts(FEATURES, num_experts=3, top_k=1))),
    "stack": Stack((gru(8), Stack((LRUCell(LRUConfig(5)), nn.GRUCell(7))))),
    "segments-gru": SegmentRecurrence(gru(), length=7),
    "segments-attention": SegmentRecurrence(Stack((attention(), MixtureOfExperts(3))), length=4),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_obeys_the_laws_of_a_torso(name):
    model = as_sequence_model(BLOCKS[name])
    with jax.default_matmul_precision("highest"):
        errors = once(lambda key: measure(model, key, FEATURES), jax.random.key(0))
    assert max(errors.values()) < TOLERANCE, errors


def offsets(leaves):
    return np.cumsum([leaf.size for leaf in leaves])[:-1]


def run(model, key, time=12, noise=0.0):
    """-> (parameters, x, start, carry, y, auxiliary losses), traceable."""
    x_key, start_key, init_key = jax.random.split(key, 3)
    x = jax.random.normal(x_key, (3, time, FEATURES))
    start, carry = jax.random.bernoulli(start_key, 0.1, (3, time)), model.initialize_carry(3)
    params = {"params": model.init(init_key, x, start, carry)["params"]}
    leaves, tree = jax.tree.flatten(params)
    added = jnp.split(noise * jax.random.normal(key, (sum(leaf.size for leaf in leaves),)), offsets(leaves))
    params = tree.unflatten([leaf + part.reshape(leaf.shape) for leaf, part in zip(leaves, added, strict=True)])
    (_, y), sown = model.apply(params, x, start, carry, mutable=["losses"])
    return params, x, start, carry, y, sown


def ran(model, **settings):
    """The same as numbers, in double precision: (parameters, x, y, auxiliary losses)."""
    with jax.default_matmul_precision("highest"):
        params, x, _, _, y, sown = once(lambda key: run(as_sequence_model(model), key, **settings), jax.random.key(0))
    return *(jax.tree.map(np.float64, tree) for tree in (params["params"], x, y)), sown


def test_layers_of_a_stack_have_weights_of_their_own():
    """Also where one object is given twice, by itself or inside two others."""
    layer = Residual(FFN(FEATURES, 1))
    for layers in ((layer, layer), (PreNorm(layer), PreNorm(layer))):
        params, x, y, _ = ran(Stack(layers), noise=0.1)
        first, second = (params[f"layer_{index}"] for index in range(2))
        shapes = [jax.tree.map(np.shape, part) for part in (first, second)]
        assert shapes[0] == shapes[1]
        assert all(np.abs(a - b).max() > 0.01 for a, b in zip(*map(jax.tree.leaves, (first, second)), strict=True))
    for part in (first, second):
        x = plain.layer_norm(part["normalised"], x)
        x = x + plain.ffn(part["model"]["model"], x, plain.gelu)
    assert difference(y, x) < 1e-5


def test_residual_adds_and_norms_come_before_or_after():
    for norm, reference in (("layer", plain.layer_norm), ("rms", lambda params, x: x / rms(x) * params["scale"])):
        params, x, y, _ = ran(PostNorm(Residual(PreNorm(Projection(FEATURES), norm)), norm), noise=0.2)
        inner = reference(params["model"]["model"]["normalised"], x)
        expected = x + plain.dense(params["model"]["model"]["model"]["linear"], inner)
        assert difference(y, reference(params["normalised"], expected)) < 1e-5


def rms(x):
    return np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)


def test_gate_is_that_of_gtrxl():
    params, x, y, _ = ran(GatedResidual(Projection(FEATURES)), noise=0.2)
    assert difference(y, plain.gate(params, x, plain.dense(params["model"]["linear"], x))) < 1e-5
    _, x, y, _ = ran(GatedResidual(Projection(FEATURES), bias=30.0))
    np.testing.assert_allclose(y, x, atol=1e-6)  # a closed gate


def test_glu_multiplies_by_a_gate():
    params, x, y, _ = ran(GLU(5, expand=3, activation=nn.sigmoid))
    gate, value = np.split(x @ params["module"]["input"]["kernel"], 2, -1)
    assert gate.shape[-1] == 15
    assert difference(y, (plain.sigmoid(gate) * value) @ params["module"]["output"]["kernel"]) < 1e-5


def test_gradients_stop_between_segments_and_outputs_do_not_change():
    whole, segments = as_sequence_model(gru()), SegmentRecurrence(gru(), length=4)

    def program(key):
        params, x, start, carry, *_ = run(segments, key, time=10)
        start = start.at[:, 1:].set(False)

        def last(model, params, x):
            return model.apply(params, x, start, carry)[1][:, -1].sum()

        renamed = {"params": {"cell": params["params"]["model"]}}
        outputs = [segments.apply(params, x, start, carry), whole.apply(renamed, x, start, carry)]
        return outputs, jax.grad(last, 2)(segments, params, x), jax.grad(last, 2)(whole, renamed, x)

    (ours, plainly), cut, uncut = once(program, jax.random.key(0))
    assert difference(ours, plainly) < 1e-6
    steps = np.abs(cut).max((0, 2)) > 0
    assert steps.tolist() == [False] * 8 + [True] * 2  # the last segment begins at step 8
    assert (np.abs(uncut).max((0, 2)) > 0).all()


@pytest.mark.parametrize(("top_k", "num_experts"), [(1, 3), (2, 4)])
def test_experts_are_picked_by_the_router_one_step_at_a_time(top_k, num_experts):
    model = MixtureOfExperts(5, num_experts=num_experts, top_k=top_k, expand=2, balance=0.1)
    params, x, y, sown = ran(model, noise=0.1)
    params, expected, chosen = params["module"], np.zeros(y.shape), np.zeros(num_experts)
    kernels, biases = (np.split(params["input"][name], num_experts, -1) for name in ("kernel", "bias"))
    logits = x @ params["router"]["kernel"]
    probability = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    for step in np.ndindex(x.shape[:2]):
        best = np.argsort(-probability[step])[:top_k]
        chosen[best] += 1
        total = probability[step][best].sum() if top_k > 1 else 1.0
        for e in best:
            hidden = plain.relu(x[step] @ kernels[e] + biases[e])
            out = hidden @ params["output"][e] + params["output_bias"][e]
            expected[step] += probability[step][e] / total * out
    assert difference(y, expected) < 1e-5
    share, mean = chosen / chosen.sum(), probability.mean((0, 1))
    np.testing.assert_allclose(sum(jax.tree.leaves(sown)), 0.1 * num_experts * share @ mean, rtol=1e-5)


def test_an_algorithm_gives_the_router_the_gradient_of_the_balancing_loss():
    torso = Stack((gru(), MixtureOfExperts(FEATURES, num_experts=3, top_k=1)))
    network = Network(FeatureExtractor(Identity()), torso, heads.VNetwork())
    networks = SeparateNetworks(network, network)

    def program(key):
        x, start = jax.random.normal(key, (4, 8, FEATURES)), jnp.zeros((4, 8), bool)
        inputs = Inputs(x, start, jnp.zeros((4, 8, 1)), jnp.zeros((4, 8)))
        params, carry = networks.init(key, inputs, 4), networks.initialize_carry(4)
        loss, gradient = jax.value_and_grad(lambda params: networks.apply(params, inputs, carry)[3])(params)
        return loss, gradient["actor"]["params"]["torso"]["layer_1"]

    loss, gradient = once(program, jax.random.key(0))
    assert 0.01 < loss < 2 * 0.01 * 3  # two networks, each between uniform and one expert for all
    assert np.abs(gradient["router"]["kernel"]).max() > 0
    assert not np.abs(gradient["input"]["kernel"]).max()


def test_an_auxiliary_loss_counts_once_a_segment():
    model = MixtureOfExperts(FEATURES, num_experts=3, balance=1.0)
    *_, sown = ran(SegmentRecurrence(model, length=5))
    assert sum(leaf.size for leaf in jax.tree.leaves(sown)) == 3  # 12 steps: two segments, and what is left
    assert all(np.all(leaf >= 0.9) for leaf in jax.tree.leaves(sown))


def test_the_balancing_loss_spreads_steps_over_experts():
    """From a router that sends every step to the first of four."""
    model = MixtureOfExperts(FEATURES, num_experts=4, top_k=1, balance=1.0)

    def program(key):
        x = jax.random.normal(key, (512, FEATURES)).at[:, 0].set(1.0)
        params = model.init(key, x)["params"]
        params["router"]["kernel"] = params["router"]["kernel"].at[0, 0].set(4.0)
        optimizer = optax.adam(3e-2)

        def loss(params):
            _, sown = model.apply({"params": params}, x, mutable=["losses"])
            return sown["losses"]["load_balance"][0]

        def update(state, _):
            params, optimizer_state = state
            value, gradient = jax.value_and_grad(loss)(params)
            updates, optimizer_state = optimizer.update(gradient, optimizer_state)
            params = optax.apply_updates(params, updates)
            choice = jnp.argmax(x @ params["router"]["kernel"], -1)
            return (params, optimizer_state), (value, jnp.bincount(choice, length=4).max() / 512)

        return jax.lax.scan(update, (params, optimizer.init(params)), length=300)[1]

    losses, largest = once(program, jax.random.key(0))
    assert losses[0] > 2 and largest[0] > 0.9
    assert losses[-20:].mean() < 1.1 and largest[-20:].mean() < 0.4


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Residual(Projection(7)), r"Residual joins .* widths differ: 6 and 7\. Give the model features=6"),
        (GatedResidual(gru(3)), r"GatedResidual joins its input to what GRUCell makes of it.*Projection\(3\) before"),
        (PreNorm(gru(), norm="batch"), "norm = 'batch' must be one of layer, rms"),
        (MixtureOfExperts(4, num_experts=2, top_k=3), "top_k = 3 must be between 1 and num_experts = 2"),
        (SegmentRecurrence(gru(), length=0), "length = 0 must be at least 1"),
    ],
)
def test_impossible_blocks_are_refused_when_they_are_traced(model, message):
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(lambda: run(as_sequence_model(model), jax.random.key(0)))


def test_xlstm_takes_matrix_and_scalar_memories_in_turn():
    model = XLSTM(XLSTMConfig(features=6, num_layers=3, num_heads=3, expand=1))

    def program(key):
        params, x, start, _, y, _ = run(model, key, noise=0.1)
        layers = params["params"]["Stack_0"]

        def norm(layer, x):
            return nn.LayerNorm().apply({"params": layer["normalised"]}, x)

        def memory(cell, params, x):
            cell = as_sequence_model(cell)
            return cell.apply({"params": {"cell": params}}, x, start, cell.initialize_carry(3))[1]

        x = Projection(6).apply({"params": layers["layer_0"]}, x)
        for index in (1, 3, 5):
            part, glu = layers[f"layer_{index}"]["model"], layers[f"layer_{index + 1}"]["model"]
            if index == 3:
                seen = norm(part["model"], memory(SLSTMCell(SLSTMConfig(6, 3)), part["model"]["model"], norm(part, x)))
            else:
                seen = memory(MLSTMCell(MLSTMConfig(6, 3)), part["model"], norm(part, x))
            x += seen
            x += GLU(6, 1).apply({"params": glu["model"]}, norm(glu, x))
        return y, norm(params["params"], x)

    with jax.default_matmul_precision("highest"):
        assert difference(*once(program, jax.random.key(0))) < 1e-5
