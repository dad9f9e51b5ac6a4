"""Words for arrays of which nothing is known but their shapes."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from memorax_bench.drawing.view import decimals

_SHOWN = 8  # entries written out before only their range is


def entries(tree: Any, name: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of nested dicts and tuples, each with its path; "" where there is only one."""
    if isinstance(tree, dict):
        for key, child in tree.items():
            yield from entries(child, f"{name}.{key}" if name else str(key))
    elif isinstance(tree, tuple | list):
        for i, child in enumerate(tree):
            yield from entries(child, f"{name}.{i}" if name else str(i))
    else:
        yield name, np.asarray(tree)


def each(tree: Any) -> list[str]:
    """Every step of a structure with leaves `[steps, ...]` in words."""
    parts = list(entries(tree))
    steps = len(parts[0][1]) if parts else 0
    return [", ".join(f"{name} {_value(array[t])}".strip() for name, array in parts) for t in range(steps)]


def _value(array: np.ndarray) -> str:
    """Numbers one after the other; of many, how many they are and what they lie between."""
    if array.size <= _SHOWN:
        return " ".join(_number(value) for value in array.ravel())
    shape = "x".join(map(str, array.shape))
    if set(np.unique(array).tolist()) <= {0, 1}:
        return f"{shape}, {int(np.count_nonzero(array))} set"
    return f"{shape}, {_number(array.min())} to {_number(array.max())}"


def _number(value: np.generic) -> str:
    return str(int(value)) if value == np.round(value) else decimals(value)
