"""The laws of a torso, over the whole registry and every strategy; and torsos that break them."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import pytest

from fixtures import broken_torsos as broken
from fixtures.agents import once
from fixtures.torso_laws import CASES, DOCUMENT, FEATURES, FIRST, cell_of, document, endurance, laws
from fixtures.torsos import CONFIGS
from memorax.networks import RNN, Mamba2Config, Memoroid, as_sequence_model
from memorax.networks.laws import (
    ALLOWED,
    LAWS,
    TOLERANCE,
    TOLERANCE_BFLOAT16,
    TOLERANCE_STRATEGIES,
    carry_changes,
    difference,
    measure,
    outputs_and_gradients,
    traces,
    variants,
)
from memorax.registry import SEQUENCE_MODELS


def test_every_registered_model_is_measured():
    assert set(CONFIGS) == set(SEQUENCE_MODELS)


def cases() -> list:
    """One test a program, so that no two workers compile the same. Of a torso's other sizes, whose strategies are held
    to agree below, CI takes one strategy; the others are slow tests."""
    found, seen = [], set()
    for case in CASES:
        size = case.rpartition("-")[0]
        again = size in seen and not size.endswith("-0")
        found.append(pytest.param(case, marks=[pytest.mark.slow] if again else []))
        seen.add(size)
    return found


@pytest.mark.parametrize("case", cases())
def test_laws(case):
    measured = laws(CASES[case])
    assert set(measured) == set(LAWS)
    assert {law: value for law, value in measured.items() if not value < TOLERANCE} == {}


@pytest.mark.parametrize("name", FIRST)
def test_endurance(name):
    measured = endurance(FIRST[name])
    assert {trial: value for trial, value in measured.items() if not value < ALLOWED[trial]} == {}


@pytest.mark.parametrize("name", FIRST)
def test_a_second_call_compiles_nothing(name):
    assert traces(FIRST[name], jax.random.key(0), FEATURES) == 1


def test_endurance_can_fail():
    with pytest.raises(TypeError, match="carry"):  # a scan refuses what changes its dtype
        endurance(RNN(broken.ForgetsItsDtypeCell()))


def test_the_document_lists_every_torso_and_its_numbers_are_within_tolerance():
    """The digits differ between machines, so they are not measured again here; `test_laws` holds the same laws."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    values = {name.strip("`"): [float(number) for number in numbers] for name, _, *numbers in table}
    assert list(values) == list(CONFIGS)
    assert document(values) == DOCUMENT.read_text(encoding="utf-8")
    for numbers in values.values():
        assert max(numbers[:-1]) < TOLERANCE
        assert numbers[-1] < TOLERANCE_BFLOAT16


BROKEN = {
    "reset_equals_fresh": broken.LeakyGRU(features=8),
    "step_equals_sequence": Memoroid(broken.WindowlessMamba2Cell()),
    "chunks_equal_sequence": broken.LateResetGRU(features=8),
    "causal": broken.ClairvoyantModel(),
}


@pytest.mark.parametrize("law", BROKEN)
def test_each_law_can_fail(law):
    assert laws(BROKEN[law])[law] > 100 * TOLERANCE


def test_a_carry_that_changes_is_told():
    assert carry_changes(RNN(broken.GrowingCell()), FEATURES) == ["carry is float32[3,1] before and float32[3,2] after"]
    assert carry_changes(broken.SharedMemoryModel(), FEATURES) == [
        "carry starts as float32[4]; the leading axis of a leaf has to be the environments, here 3"
    ]
    assert traces(broken.WeaklyTypedGRU(features=8), jax.random.key(0), FEATURES) == 2


def test_strategies_can_disagree():
    results = [computed(model) for model in variants(Memoroid(broken.WrongCombineCell())).values()]
    assert difference(*results) > 100 * TOLERANCE_STRATEGIES


def test_strategies_of_a_users_torso_are_those_of_its_own_class():
    class Own(Memoroid):
        """A torso that changes what the plain class does."""

    assert {type(model) for model in variants(Own(broken.WrongCombineCell())).values()} == {Own}


@functools.cache
def computed(model: nn.Module):
    with jax.default_matmul_precision("highest"):
        return once(lambda key: outputs_and_gradients(model, key, FEATURES), jax.random.key(1))


SIZES = {
    f"{name}-{index}": variants(as_sequence_model(cell_of(name, config)))
    for name, settings in CONFIGS.items()
    for index, config in enumerate(settings)
}


# At these sizes closer than `TOLERANCE_STRATEGIES`, which is for any. Except where a draw's norm divides by little: of
# the gradients in float64, retnet's plain scan is 6e-5 away and its chunked form 1e-5.
CLOSE = {"retnet-0": TOLERANCE_STRATEGIES}


@pytest.mark.parametrize("size", SIZES)
def test_gradients_are_finite_the_carry_keeps_its_form_and_strategies_agree(size):
    reference = None
    for strategy, model in SIZES[size].items():
        gradients, outputs = computed(model)
        assert carry_changes(model, FEATURES) == [], strategy
        assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(gradients)), strategy
        reference = reference or (gradients, outputs)
        assert difference((gradients, outputs), reference) < CLOSE.get(size, 2e-5), strategy


class GenericGRU(nn.GRUCell):
    """A subclass: no fast path."""


def test_flax_cells_fast_path_equals_the_generic_scan():
    fast = computed(RNN(nn.GRUCell(features=8), strategy="by_hand"))
    generic = computed(RNN(GenericGRU(features=8)))
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
