"""What a program consists of: its operations with how often they run, what they cost and where they were written.

The counting rules are those of `cost.count_flops`: loops are multiplied by their length, of a `cond` the dearest branch
counts, a `while` counts once. Elements are counted as well, of everything that is no product: a linear recurrence does
most of its work there.
"""

import math
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jax.extend import core

import memorax
from memorax_bench.cell.cost import count_flops, product_flops

PRODUCTS = ("dot_general", "conv_general_dilated")
UPDATES = {"dynamic_update_slice": 1, "scatter": 2}  # what is written is an operand; the result is all there is
_OURS = str(Path(memorax.__file__).parent)
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
Place = tuple[str, int]  # file and line


@dataclass(frozen=True)
class Operation:
    """One primitive with one shape, written in one place."""

    primitive: str
    shape: str  # `3 x [4,64] [64,192]` of a product, else what it returns
    place: str  # `memorax/networks/sequence_models/gru.py:60`, the innermost line that is no library's
    backward: bool  # part of a gradient's way back
    times: int  # how often it runs
    flops: int  # of all times, products and convolutions alone
    elements: int  # of all times, processed by anything else
    sizes: tuple[int, int, int, int] | None = None  # of a product of b matrices [m, k] and [k, n]: (b, m, k, n)


@dataclass(frozen=True)
class Kind:
    """All operations of one primitive that are no products."""

    primitive: str
    elements: int
    times: int
    place: str  # the one that has most of the elements


def operations(jaxpr: Any) -> list[Operation]:
    """Of a jaxpr, equal ones as one; those of most floating-point operations first, then of most elements."""
    found: dict[tuple, Operation] = {}
    for one in _walk(jaxpr, 1, None, False):
        key = (one.primitive, one.shape, one.place, one.backward)
        same = found.get(key)
        found[key] = one if same is None else _together(same, one)
    return sorted(found.values(), key=lambda one: (one.flops, one.elements), reverse=True)


def kinds(found: Iterable[Operation]) -> list[Kind]:
    """By primitive, those of most elements first."""
    groups: dict[str, list[Operation]] = {}
    for one in found:
        if one.elements:
            groups.setdefault(one.primitive, []).append(one)
    made = [
        Kind(name, sum(one.elements for one in group), sum(one.times for one in group), _main_place(group))
        for name, group in groups.items()
    ]
    return sorted(made, key=lambda kind: kind.elements, reverse=True)


def _main_place(group: Iterable[Operation]) -> str:
    places: dict[str, int] = {}
    for one in group:
        places[one.place] = places.get(one.place, 0) + one.elements
    return max(places, key=lambda place: places[place])


def _together(one: Operation, other: Operation) -> Operation:
    return replace(
        one,
        times=one.times + other.times,
        flops=one.flops + other.flops,
        elements=one.elements + other.elements,
    )


def _walk(jaxpr: Any, times: int, around: Place | None, backward: bool) -> Iterator[Operation]:
    """`around`: the place of the loop or call that the jaxpr belongs to."""
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        name, info = equation.primitive.name, equation.source_info
        place = _place(info.traceback, around)
        back = backward or "transpose(" in str(info.name_stack)
        inner = [] if name.startswith(("scatter", "reduce")) else list(core.jaxprs_in_params(equation.params))
        if not inner:
            yield _operation(equation, times, place, back)
            continue
        if name == "cond":
            inner = [max(inner, key=lambda branch: (count_flops(branch), _element_count(branch)))]
        repeats = times * (equation.params["length"] if name == "scan" else 1)
        for sub in inner:
            yield from _walk(sub, repeats, place, back)


def _element_count(jaxpr: Any) -> int:
    return sum(one.elements for one in _walk(jaxpr, 1, None, False))


def _operation(equation: Any, times: int, place: Place | None, backward: bool) -> Operation:
    name = equation.primitive.name
    sizes = _product_sizes(equation) if name == "dot_general" else None
    shape = product_text(sizes) if sizes else ", ".join(_text(variable.aval.shape) for variable in equation.outvars)
    return Operation(
        primitive=name,
        shape=shape,
        place=_place_text(place),
        backward=backward,
        times=times,
        flops=times * product_flops(equation),
        elements=0 if name in PRODUCTS else times * _elements(equation),
        sizes=sizes,
    )


def _elements(equation: Any) -> int:
    """That it reads, of a reduction; that it writes, of an update in place; else that it returns."""
    name = equation.primitive.name
    if name.startswith(("reduce_", "arg")):
        return math.prod(equation.invars[0].aval.shape)
    written = next((operand for start, operand in UPDATES.items() if name.startswith(start)), None)
    changed = equation.outvars if written is None else [equation.invars[written]]
    return sum(math.prod(variable.aval.shape) for variable in changed)


def _product_sizes(equation: Any) -> tuple[int, int, int, int]:
    (contracted, other), (batch, other_batch) = equation.params["dimension_numbers"]
    left, right = (variable.aval.shape for variable in equation.invars)
    size = lambda shape, axes: math.prod(shape[axis] for axis in axes)  # noqa: E731
    rest = lambda shape, *used: size(shape, [axis for axis in range(len(shape)) if axis not in used])  # noqa: E731
    return size(left, batch), rest(left, *contracted, *batch), size(left, contracted), rest(right, *other, *other_batch)


def product_text(sizes: tuple[int, int, int, int]) -> str:
    """`3 x [4,64] [64,192]`."""
    batch, m, k, n = sizes
    return f"{f'{batch} x ' if batch > 1 else ''}{_text((m, k))} {_text((k, n))}"


def _text(shape: Iterable[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _place(traceback: Any, around: Place | None) -> Place | None:
    """The innermost line that is no library's; within a library's own loop or call, where that is (`around`)."""
    frames = () if traceback is None else traceback.frames
    own = ((frame.file_name, frame.line_num) for frame in frames if is_own(frame.file_name))
    return next(own, around)


def is_own(file: str) -> bool:
    """Whether a file belongs to memorax or to the user: to no other library."""
    return file.startswith(_OURS) or not (file.startswith(_LIBRARIES) or file.startswith("<"))


def place_name(file: str) -> str:
    """`memorax/networks/sequence_models/gru.py`; of a user's file its name."""
    return str(Path(file).relative_to(Path(_OURS).parent)) if file.startswith(_OURS) else Path(file).name


def _place_text(place: Place | None) -> str:
    return "" if place is None else f"{place_name(place[0])}:{place[1]}"
