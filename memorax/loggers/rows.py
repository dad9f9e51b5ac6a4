"""Logs in one shape: whatever `lox.spool` returned, with or without seeds, as rows of plain numbers."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

Row = dict[str, bool | int | float]


@dataclasses.dataclass(frozen=True)
class Rows:
    """Every value [seeds, updates]; logs without an axis of seeds are those of seed 0."""

    step: np.ndarray  # int64 [seeds, updates], environment steps
    values: dict[str, np.ndarray]  # all else; an entry of a nested or longer value has a name and column of its own

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        """(seed, row) in the order of time: the seeds of an update follow one another. A row begins with `step`."""
        columns = {name: _plain(value) for name, value in {"step": self.step, **self.values}.items()}
        for update in range(self.step.shape[1]):
            for seed in range(self.step.shape[0]):
                yield seed, {name: column[seed][update] for name, column in columns.items()}


def rows_of(logs: Mapping[str, Any]) -> Rows:
    """Rows of what `lox.spool` returned: leaves [updates, ...] or [seeds, updates, ...], numpy or jax.

    Nested values and further axes are spread over columns: `{"a": {"b": x}}` with x [updates, 2] becomes `a/b/0` and
    `a/b/1`. ValueError where `step` is missing or the rows of a value are not those of `step`.
    """
    if "step" not in logs:
        raise ValueError(
            f"the logs have no 'step', the environment steps of each row; they have {sorted(logs) or 'nothing'}. "
            "Log it in the same row: lox.log({'step': state.step, ...})"
        )
    step = np.asarray(logs["step"])
    if step.ndim not in (1, 2) or step.dtype.kind not in "iu":
        raise ValueError(
            f"logs['step'] is {step.dtype}{list(step.shape)}; integers [updates] or [seeds, updates] are allowed, as "
            "from lox.spool(train) or jax.vmap(lox.spool(train))"
        )
    table = step.shape if step.ndim == 2 else (1, *step.shape)
    values: dict[str, np.ndarray] = {}
    for name, value in logs.items():
        if name != "step":
            for column, leaf in _leaves(name, value):
                _check(column, leaf, step.shape)
                for index in np.ndindex(leaf.shape[step.ndim :]):
                    values["/".join((column, *map(str, index)))] = _numbers(leaf[(..., *index)]).reshape(table)
    return Rows(step.reshape(table).astype(np.int64), values)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(f"{name}/{key}", inner)
    elif isinstance(value, tuple | list):
        for index, inner in enumerate(value):
            yield from _leaves(f"{name}/{index}", inner)
    else:
        yield name, np.asarray(value)


def _check(name: str, leaf: np.ndarray, rows: tuple[int, ...]) -> None:
    if leaf.shape[: len(rows)] != rows:
        raise ValueError(
            f"logs[{name!r}] has shape {list(leaf.shape)}, but 'step' has {list(rows)}: every value needs one entry a "
            "row. Log it in the same lox.log call as 'step', reduced over what happens within an update"
        )
    if _numbers(leaf).dtype.kind not in "biuf":
        raise ValueError(f"logs[{name!r}] is of type {leaf.dtype}; bool, integers and floats are allowed")


def _numbers(leaf: np.ndarray) -> np.ndarray:
    """bfloat16 and the like, which numpy has no numbers for, as float32."""
    return leaf.astype(np.float32) if leaf.dtype.kind == "V" else leaf


def _plain(value: np.ndarray) -> list[list[bool | int | float]]:
    """Python numbers that print in as few digits as tell `value.dtype` apart: 0.1, not 0.10000000149011612."""
    if value.dtype in (np.float16, np.float32):
        return [[float(str(entry)) for entry in row] for row in value]
    return value.tolist()
