"""The laws of a torso, over the whole registry and every strategy; and torsos that break them."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from fixtures.broken_torsos import ClairvoyantModel, LateResetGRU, LeakyGRU, WindowlessMamba2Cell
from fixtures.torsos import CONFIGS
from memorax.networks import RNN, Mamba2Config, Memoroid, MemoroidCell, as_sequence_model
from memorax.networks.laws import TOLERANCE, difference, measure
from memorax.registry import SEQUENCE_MODELS, resolve

FEATURES = 6


def cell_of(name: str, settings: dict) -> nn.Module:
    cell = resolve(SEQUENCE_MODELS[name])
    config_class = next(field.type for field in dataclasses.fields(cell) if field.name == "config")
    return cell(config=config_class(**settings))


def variants(cell: nn.Module) -> dict[str, nn.Module]:
    """The torso under every strategy that its cell has."""
    if not isinstance(cell, MemoroidCell):
        return {"-": as_sequence_model(cell)}
    names = ["sequential", *["associative"] * cell.associative, *["chunked"] * (cell.chunk_length is not None)]
    return {name: Memoroid(cell, strategy=name) for name in names}


CASES = {
    f"{name}-{index}-{strategy}": model
    for name, settings in CONFIGS.items()
    for index, config in enumerate(settings)
    for strategy, model in variants(cell_of(name, config)).items()
}


@functools.cache
def laws(model: nn.Module) -> dict[str, float]:
    with jax.default_matmul_precision("highest"):
        program = jax.jit(lambda key: measure(model, key, FEATURES)).lower(jax.random.key(0))
        return jax.tree.map(float, program.compile({"xla_backend_optimization_level": 0})(jax.random.key(0)))


def test_every_registered_model_is_measured():
    assert set(CONFIGS) == set(SEQUENCE_MODELS)


@pytest.mark.parametrize("law", ["step_equals_sequence", "chunks_equal_sequence", "reset_equals_fresh", "causal"])
@pytest.mark.parametrize("case", CASES)
def test_law(case, law):
    assert laws(CASES[case])[law] < TOLERANCE


BROKEN = {
    "reset_equals_fresh": LeakyGRU(features=8),
    "step_equals_sequence": Memoroid(WindowlessMamba2Cell(Mamba2Config(features=8, head_dim=8))),
    "chunks_equal_sequence": LateResetGRU(features=8),
    "causal": ClairvoyantModel(),
}


@pytest.mark.parametrize("law", BROKEN)
def test_each_law_can_fail(law):
    assert laws(BROKEN[law])[law] > 100 * TOLERANCE


@functools.cache
def outputs_and_gradients(model: nn.Module):
    """Of one set of parameters: outputs, last carry, gradients of parameters, inputs and carry."""

    def program(key):
        keys = jax.random.split(key, 4)
        x, start = jax.random.normal(keys[0], (3, 20, FEATURES)), jax.random.bernoulli(keys[1], 0.2, (3, 20))
        fresh = model.initialize_carry(3)
        params = model.init(keys[2], x[:, :1], start[:, :1], fresh)
        carry, _ = model.apply(params, jax.random.normal(keys[3], x.shape), start, fresh)

        def loss(params, x, carry):
            carry, y = model.apply(params, x, start, carry)
            return jnp.sin(y).sum() + sum(jnp.cos(leaf).sum() for leaf in jax.tree.leaves(carry)), (carry, y)

        return jax.grad(loss, (0, 1, 2), has_aux=True)(params, x, carry)

    with jax.default_matmul_precision("highest"):
        return jax.jit(program)(jax.random.key(1))


STRATEGY_CASES = [
    (f"{name}-{index}", reference, model)
    for name, settings in CONFIGS.items()
    for index, config in enumerate(settings)
    for reference, *others in [variants(cell_of(name, config)).values()]
    for model in others
]


@pytest.mark.parametrize(
    ("name", "reference", "model"), STRATEGY_CASES, ids=lambda case: getattr(case, "strategy", case)
)
def test_strategies_agree_in_outputs_and_gradients(name, reference, model):
    assert difference(outputs_and_gradients(model), outputs_and_gradients(reference)) < 2e-5


@pytest.mark.parametrize("case", CASES)
def test_carry_keeps_structure_shape_and_dtype_and_gradients_are_finite(case):
    gradients, (carry, _) = outputs_and_gradients(CASES[case])
    fresh = CASES[case].initialize_carry(3)
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), carry) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), fresh
    )
    assert all(leaf.shape[0] == 3 for leaf in jax.tree.leaves(fresh))
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(gradients))


class GenericGRU(nn.GRUCell):
    """A subclass: no fast path."""


def test_flax_cells_fast_path_equals_the_generic_scan():
    fast, generic = (outputs_and_gradients(RNN(cell)) for cell in (nn.GRUCell(features=8), GenericGRU(features=8)))
    assert difference(fast, generic) < 1e-5


@pytest.mark.parametrize(
    "cell",
    [nn.OptimizedLSTMCell(features=8), nn.SimpleCell(features=8), nn.GRUCell(features=8, gate_fn=nn.hard_sigmoid)],
    ids=["lstm", "simple", "hard-gru"],
)
def test_any_flax_cell_obeys_the_laws(cell):
    assert max(laws(RNN(cell)).values()) < TOLERANCE


def test_our_gru_equals_flax_with_the_same_parameters():
    """Gate by gate: the same numbers in flax's layout give the same outputs."""
    ours, theirs = as_sequence_model(cell_of("gru", {"features": 8})), RNN(nn.GRUCell(features=8))

    def program(key):
        keys = jax.random.split(key, 3)
        x, start = jax.random.normal(keys[0], (3, 9, FEATURES)), jax.random.bernoulli(keys[1], 0.2, (3, 9))
        carry = ours.initialize_carry(3)
        params = ours.init(keys[2], x[:, :1], start[:, :1], carry)
        params = jax.tree.map(lambda leaf: leaf + 0.1, params)  # biases start at zero and would hide a mix-up
        cell = params["params"]["cell"]
        kernels, biases = jnp.split(cell["input"]["kernel"], 3, -1), jnp.split(cell["input"]["bias"], 3)
        recurrent = jnp.split(cell["recurrent"], 3, -1)
        flax = {f"i{g}": {"kernel": k, "bias": b} for g, k, b in zip("rzn", kernels, biases, strict=True)}
        flax |= {f"h{g}": {"kernel": k} for g, k in zip("rzn", recurrent, strict=True)}
        flax["hn"]["bias"] = cell["candidate_bias"]
        return ours.apply(params, x, start, carry)[1], theirs.apply({"params": {"cell": flax}}, x, start, carry)[1]

    with jax.default_matmul_precision("highest"):
        assert difference(*jax.jit(program)(jax.random.key(0))) < 1e-6


def test_unavailable_strategy_is_an_error():
    model = Memoroid(cell_of("lru", {"features": 8}), strategy="chunked")
    with pytest.raises(ValueError, match=r"'chunked' is not available for LRUCell; use one of \['auto', 'sequential'"):
        jax.eval_shape(lambda: measure(model, jax.random.key(0), FEATURES))


def test_mamba2_head_dim_must_divide():
    with pytest.raises(ValueError, match="multiple of head_dim = 32; use head_dim=2"):
        Mamba2Config(features=5)


@pytest.mark.parametrize("name", CONFIGS)
def test_impossible_sizes_are_refused(name):
    with pytest.raises(ValueError, match=r"features = 0 must be a whole number of at least 1"):
        cell_of(name, {"features": 0})
