"""Measures the laws of one torso. What raises is measured too: a law that cannot be computed does not hold."""

import inspect
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flax
import jax

from memorax.networks import laws
from memorax.networks.types import SequenceModel
from memorax_bench.cell.compiling import lower
from memorax_bench.cell.cost import TorsoCost, torso_cost

INPUTS = 129  # numbers that the torso reads, as in suite quick: 64 of the observation, 64 of the action, the start
_QUIET = 5.0  # seconds before progress is told

_LIBRARIES = tuple(str(Path(module.__file__).parent) for module in (jax, flax))


@dataclass(frozen=True)
class Row:
    """A law under a strategy ("": whichever the torso takes); `measured` is None where `error` says why."""

    law: str
    strategy: str
    measured: float | None
    allowed: float
    error: str | None = None

    @property
    def holds(self) -> bool:
        return self.measured is not None and self.measured <= self.allowed


def measure(torso: SequenceModel, source: type, say: Callable[[str], None]) -> Iterator[Row]:
    """One row a law and strategy. `source`: the class whose file errors are placed in."""
    begin = time.monotonic()

    def told(what: str) -> None:
        seconds = time.monotonic() - begin
        if seconds > _QUIET:
            say(f"{seconds:3.0f} s  {what}")

    models = laws.variants(torso)
    told("carry")
    yield _carry_keeps_form(torso, source)
    for name, model in models.items():
        told(f"{len(laws.LAWS)} laws, {name}")
        yield from _rows(laws.measure, laws.LAWS, model, name if len(models) > 1 else "", source)
    told("long episodes, large inputs, low precision, many seeds")
    yield from _rows(laws.endure, laws.TRIALS, torso, "", source)
    if len(models) > 1:
        told("gradients of each strategy")
        yield _strategies_agree(models, source)
    told("calling it again")
    yield _compiles_once(torso, source)


def cost(torso: SequenceModel) -> TorsoCost | None:
    """Reading `INPUTS` numbers; None where the torso raises: the laws tell what."""
    try:
        return torso_cost(torso, INPUTS)
    except Exception:
        return None


def _carry_keeps_form(torso: SequenceModel, source: type) -> Row:
    try:
        changes = laws.carry_changes(torso, INPUTS)
    except Exception as error:
        return Row("carry_keeps_form", "", None, 0, _told(error, source))
    return Row("carry_keeps_form", "", len(changes), 0, changes[0] if changes else None)


def _strategies_agree(models: Mapping[str, SequenceModel], source: type) -> Row:
    allowed = laws.TOLERANCE_STRATEGIES
    try:
        reference, *others = [
            _run(lambda key, model=model: laws.outputs_and_gradients(model, key, INPUTS)) for model in models.values()
        ]
        return Row("strategies_agree", "all", max(float(laws.difference(o, reference)) for o in others), allowed)
    except Exception as error:
        return Row("strategies_agree", "all", None, allowed, _told(error, source))


def _compiles_once(torso: SequenceModel, source: type) -> Row:
    try:
        return Row("compiles_once", "", laws.traces(torso, jax.random.key(0), INPUTS), 1)
    except Exception as error:
        return Row("compiles_once", "", None, 1, _told(error, source))


def _rows(function: Callable, names: Sequence[str], model: SequenceModel, strategy: str, source: type) -> list[Row]:
    """All laws in one program; where that raises each in its own, so that one does not hide the others."""
    try:
        measured = _run(lambda key: function(model, key, INPUTS, only=names))
        return [Row(law, strategy, float(measured[law]), laws.ALLOWED[law]) for law in names]
    except Exception as error:
        if len(names) > 1:
            return [row for law in names for row in _rows(function, (law,), model, strategy, source)]
        return [Row(names[0], strategy, None, laws.ALLOWED[names[0]], _told(error, source))]


def _run(function: Callable[[jax.Array], Any]) -> Any:
    """Compiled without optimisation, as it runs once, and called; matrix products in full precision."""
    with jax.default_matmul_precision("highest"):
        key = jax.random.key(0)
        return lower(function, key).compile(once=True).call(key)


def _told(error: Exception, source: type) -> str:
    """`TypeError: what (my_torso.py:12)`: first line, and innermost place in the torso's own file, else here."""
    return f"{first_line(error)} ({_place(error, source)})"


def _place(error: Exception, source: type) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == inspect.getfile(source)]
    ours = [frame for frame in frames if not frame.filename.startswith(_LIBRARIES)]
    frame = (own or ours)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def first_line(error: Exception) -> str:
    """`TypeError: what`, with the line that follows where the first ends in a colon."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[: 2 if lines and lines[0].endswith(":") else 1])
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
