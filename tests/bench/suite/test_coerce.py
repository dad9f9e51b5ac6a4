"""Text becomes the type its field declares, or is refused; never guessed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memorax_bench.suite.coerce import CoerceError, coerce, converter

GOOD = [
    ("64", "int", 64),
    ("1_048_576", "int", 1_048_576),
    ("1e6", "int", 1_000_000),
    ("2.0", "int", 2),
    ("010", "int", 10),
    ("-3", "int", -3),
    ("1e-3", "float", 0.001),
    ("-1e-3", "float", -0.001),
    (".5", "float", 0.5),
    ("1", "float", 1.0),
    ("-0.0", "float", 0.0),
    ("true", "bool", True),
    ("false", "bool", False),
    ("no", "str", "no"),
    ("12:30", "str", "12:30"),
    ("null", "int | None", None),
    ("None", "Optional[int]", None),
    ("3", "int | None", 3),
    (["1", "2e0"], "list[int]", [1, 2]),
    (["a"], "tuple[str, ...]", ["a"]),
    ([], "list[float]", []),
]
BAD = [
    ("1.5", "int", "whole number"),
    ("", "int", "nothing was given"),
    ("true", "int", "whole number"),
    ("12:30", "int", "whole number"),
    ("0x10", "int", "whole number"),
    ("1__0", "int", "whole number"),
    ("1e400", "int", "whole number"),
    (["1"], "int", "got a list"),
    ("nan", "float", "finite"),
    ("inf", "float", "finite"),
    ("-Infinity", "float", "finite"),
    ("1e999", "float", "finite"),
    ("٣", "float", "finite"),
    ("yes", "bool", "true or false"),
    ("True", "bool", "true or false"),
    ("1", "bool", "true or false"),
    ({"a": "b"}, "str", "mapping"),
    ("64", "list[int]", "list"),
    (["x"], "list[int]", "whole number"),
    ("x", "int | None", "or null"),
    ("x", "Callable", "cannot be written"),
]


@pytest.mark.parametrize(("text", "kind", "value"), GOOD)
def test_coerces(text, kind, value):
    result = coerce(text, kind)
    assert result == value
    assert type(result) is type(value)
    assert math.copysign(1, result) == math.copysign(1, value) if isinstance(value, float) else True


@pytest.mark.parametrize(("text", "kind", "message"), BAD)
def test_refuses(text, kind, message):
    with pytest.raises(CoerceError, match=message):
        coerce(text, kind)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_survives_its_own_spelling(number):
    assert coerce(repr(number), "float") == number


@given(st.integers())
def test_an_integer_survives_its_own_spelling(number):
    assert coerce(str(number), "int") == number
    assert coerce(f"{number:_}", "int") == number


@pytest.mark.parametrize("name", ["Any", "dict[str, int]", "int | str", "list[list[int]]", "jax.Array"])
def test_types_without_text_have_no_converter(name):
    assert converter(name) is None
