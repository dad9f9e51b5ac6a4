"""The gates of a record: every shipped torso passes, every broken one fails where it is broken."""

import jax
import jax.numpy as jnp
import pytest

from fixtures import broken_torsos as broken
from fixtures.agents import FEATURES, torso
from fixtures.torsos import one_of_each_kind
from memorax.networks import Memoroid, laws
from memorax.networks.laws import TOLERANCE
from memorax.registry import SEQUENCE_MODELS
from memorax_bench.cell.gates import gate, measure_torso
from memorax_bench.records.gates import TOLERANCES

LAWS = {"step_equals_sequence", "chunks_equal_sequence", "reset_equals_fresh", "causal"}
BROKEN = {
    "leaky": (broken.LeakyGRU(FEATURES), {"reset_equals_fresh"}),
    "late reset": (broken.LateResetGRU(FEATURES), {"step_equals_sequence", "reset_equals_fresh"}),
    "no window": (
        Memoroid(broken.WindowlessMamba2Cell()),
        {"step_equals_sequence", "chunks_equal_sequence"},
    ),
    "clairvoyant": (broken.ClairvoyantModel(), {"causal", "step_equals_sequence"}),
}


def test_the_tolerances_of_records_are_those_of_the_laws():
    assert {law: TOLERANCES[law] for law in laws.LAWS} == dict.fromkeys(laws.LAWS, laws.TOLERANCE)


def failed(gates):
    return {name for name, result in gates.items() if not result["pass"]}


@pytest.mark.parametrize("name", one_of_each_kind(SEQUENCE_MODELS))
def test_registered_torsos_pass(name):
    gates = measure_torso(torso(name), FEATURES)
    assert gates.keys() == LAWS
    assert failed(gates) == set()
    assert all(0 <= result["max_rel"] <= TOLERANCE for result in gates.values())


@pytest.mark.parametrize(("model", "gates"), BROKEN.values(), ids=BROKEN)
def test_broken_torsos_fail_the_right_gate(model, gates):
    measured = measure_torso(model, FEATURES)
    assert failed(measured) >= gates
    assert all(measured[name]["max_rel"] > 100 * TOLERANCE for name in gates)


class Nan(broken.LeakyGRU):
    """Not a number, ever."""

    def __call__(self, x, start, carry):
        return carry, jnp.full((*x.shape[:2], self.features), jnp.nan)


def test_an_error_that_is_not_finite_fails_and_has_no_number():
    assert measure_torso(Nan(FEATURES), FEATURES)["step_equals_sequence"] == {"pass": False, "max_rel": None}


@pytest.mark.parametrize(
    ("error", "passes", "number"),
    [(0.0, True, 0.0), (1e-5, True, 1e-5), (1.1e-5, False, 1.1e-5), (float("inf"), False, None)],
)
def test_gate(error, passes, number):
    assert gate(error, 1e-5) == {"pass": passes, "max_rel": number}
    assert gate(float("nan"), 1e-5) == {"pass": False, "max_rel": None}


def test_precision_is_full_whatever_is_set():
    with jax.default_matmul_precision("bfloat16"):
        assert failed(measure_torso(torso("gru", features=16), FEATURES)) == set()
