"""What `lox.spool` returns, as rows."""

import jax.numpy as jnp
import numpy as np
import pytest

from memorax.loggers import rows_of


def test_seeds_of_an_update_follow_one_another():
    rows = rows_of({"step": np.array([[4, 8], [4, 8]]), "x": np.array([[0.0, 1.0], [2.0, 3.0]])})
    assert list(rows) == [
        (0, {"step": 4, "x": 0.0}),
        (1, {"step": 4, "x": 2.0}),
        (0, {"step": 8, "x": 1.0}),
        (1, {"step": 8, "x": 3.0}),
    ]


def test_without_an_axis_of_seeds_it_is_seed_0():
    assert list(rows_of({"step": jnp.array([4, 8]), "x": jnp.array([0.5, 1.5])})) == [
        (0, {"step": 4, "x": 0.5}),
        (0, {"step": 8, "x": 1.5}),
    ]


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float16, jnp.bfloat16])
def test_short_floats_read_back_to_the_same_bits(dtype):
    values = jnp.array([0.1, 1 / 3, 3e-5, 65000.0, -0.0], dtype)
    written = [row["x"] for _, row in rows_of({"step": np.arange(5), "x": values})]
    np.testing.assert_array_equal(jnp.array(written, dtype).view(jnp.uint8), values.view(jnp.uint8))
    assert len(repr(written[0])) < 12


def test_nested_and_longer_values_are_columns():
    logs = {"step": np.array([4]), "a": {"b": np.array([[1, 2]])}, "c": (np.array([3]), [np.array([[[4]]])])}
    assert list(rows_of(logs)) == [(0, {"step": 4, "a/b/0": 1, "a/b/1": 2, "c/0": 3, "c/1/0/0/0": 4})]


def test_types_are_kept():
    logs = {"step": np.array([4], np.uint8), "i": np.array([2**53 + 1]), "b": np.array([True])}
    ((_, row),) = rows_of(logs)
    assert row == {"step": 4, "i": 2**53 + 1, "b": True} and [type(value) for value in row.values()] == [int, int, bool]


@pytest.mark.parametrize(
    ("logs", "says"),
    [
        ({}, "have no 'step'.*nothing"),
        ({"loss": np.zeros(3)}, r"have no 'step'.*\['loss'\]"),
        ({"step": np.int32(3)}, r"int32\[\]"),
        ({"step": np.zeros(3)}, r"float64\[3\]"),
        ({"step": np.zeros((1, 2, 3), int)}, r"int64\[1, 2, 3\]"),
        ({"step": np.arange(3), "x": np.zeros(6)}, r"'x'\] has shape \[6\], but 'step' has \[3\]"),
        ({"step": np.zeros((2, 3), int), "x": np.zeros(2)}, r"\[2\], but 'step' has \[2, 3\]"),
        ({"step": np.arange(1), "x": np.array(["a"])}, "'x'.*<U1"),
    ],
)
def test_what_is_no_row_is_an_error(logs, says):
    with pytest.raises(ValueError, match=says):
        rows_of(logs)
