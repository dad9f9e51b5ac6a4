"""Text to typed value, one way for the suite file and the command line.

A value arrives as the string that was written (or a list or mapping of such strings) and leaves as the type its field
declares: never guessed from how the text looks, so `no`, `010` and `12:30` stay what the field says they are.
Values that already have the type pass, so that models can be built from Python too.
"""

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator

_NONE_WORDS = ("null", "none")
_INTEGER = re.compile(r"[+-]?\d+(_\d+)*", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(_\d+)*)?\.?\d*([eE][+-]?\d+)?", re.ASCII)


class CoerceError(ValueError):
    """The text is not of the type; the message says what would be."""


def to_int(value: Any) -> int:
    """`64`, `1_048_576`, `1e6`; not `1.5`, not `true`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        if _INTEGER.fullmatch(value):
            return int(value)
        number = _parse_float(value)
        if number is not None and number.is_integer() and abs(number) <= 2**53:
            return int(number)
    raise CoerceError(f"not a whole number; write 64, 1_048_576 or 1e6{_hint(value)}")


def to_float(value: Any) -> float:
    """`0.5`, `1e-3`, `-1`; not `nan`, not `inf`."""
    number = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str):
        number = _parse_float(value)
    if number is None or not math.isfinite(number):
        raise CoerceError(f"not a finite number; write 0.5 or 1e-3{_hint(value)}")
    return number + 0.0  # -0.0 becomes 0.0, so that equal numbers have one spelling


def to_bool(value: Any) -> bool:
    """`true` or `false`, nothing else."""
    if isinstance(value, bool):
        return value
    if value == "true":
        return True
    if value == "false":
        return False
    raise CoerceError("not a truth value; write true or false")


def to_str(value: Any) -> str:
    """Any single word or quoted text."""
    if isinstance(value, str):
        return value
    raise CoerceError(f"expected text, got {_kind(value)}")


def optional(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`convert`, with `null` and `none` for None."""

    def convert_or_none(value: Any) -> Any:
        if value is None or (isinstance(value, str) and value.lower() in _NONE_WORDS):
            return None
        try:
            return convert(value)
        except CoerceError as error:
            raise CoerceError(f"{error}; or null") from None

    return convert_or_none


def list_of(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`[a, b]`, each element converted."""

    def convert_list(value: Any) -> list:
        if not isinstance(value, list | tuple):
            raise CoerceError(f"expected a list such as [a, b], got {_kind(value)}")
        return [convert(element) for element in value]

    return convert_list


Integer = Annotated[int, BeforeValidator(to_int)]
Number = Annotated[float, BeforeValidator(to_float)]
Boolean = Annotated[bool, BeforeValidator(to_bool)]
Text = Annotated[str, BeforeValidator(to_str)]
OptionalNumber = Annotated[float | None, BeforeValidator(optional(to_float))]
OptionalText = Annotated[str | None, BeforeValidator(optional(to_str))]

_SCALARS = {"int": to_int, "float": to_float, "bool": to_bool, "str": to_str}


def converter(type_name: str) -> Callable[[Any], Any] | None:
    """The conversion for a type written as text, such as `int`, `float | None`, `list[int]`; None if it has none."""
    name = type_name.replace(" ", "")
    if name.startswith("Optional[") and name.endswith("]"):
        name = f"{name[9:-1]}|None"
    parts = name.split("|")
    if "None" in parts and len(parts) == 2:
        inner = converter(next((part for part in parts if part != "None"), ""))
        return None if inner is None else optional(inner)
    if name in _SCALARS:
        return _SCALARS[name]
    match = re.fullmatch(r"(?:list|tuple|Sequence|collections\.abc\.Sequence)\[(\w+)(?:,\.\.\.)?\]", name)
    if match and match[1] in _SCALARS:
        return list_of(_SCALARS[match[1]])
    return None


def coerce(value: Any, type_name: str) -> Any:
    """`value` as the type written in `type_name`.

    Raises CoerceError when the value is not of that type, or when the type is none that text can express.
    """
    convert = converter(type_name)
    if convert is None:
        raise CoerceError(f"a value of type {type_name} cannot be written as text; leave it at its default")
    return convert(value)


def _parse_float(text: str) -> float | None:
    if not _NUMBER.fullmatch(text) or not any(letter.isdigit() for letter in text):
        return None
    return float(text)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"{value!r}"


def _hint(value: Any) -> str:
    if value == "":
        return "; nothing was given"
    return "" if isinstance(value, str | int | float) else f"; got {_kind(value)}"
