"""The counters of one program, on this device: from shapes alone where that is possible."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.monitoring
from jax.extend import core

from memorax_bench.cell.cost import byte_count, count_flops
from memorax_bench.perf.expected import Counts

Make = Callable[[], tuple[Callable, tuple]]  # -> a function and its arguments
CALLS = 3


def count(make: Make, steps: int, *, compiled: bool = False, called: bool = False) -> Counts:
    """The counters of a program that does `steps` environment steps a call.

    `compiled`: its scratch memory too, for which it is compiled. `called`: its compilations too, for which it is
    called: of a key and a state, returning a state.
    """
    function, arguments = _shapes(make)
    traced = jax.jit(function).trace(*arguments)
    memory = traced.lower().compile().memory_analysis() if compiled else None
    return Counts(
        _ratio(count_flops(traced.jaxpr), steps),
        round(count_numbers(traced.jaxpr) / steps, 1),  # what it is compared by is coarser
        byte_count(arguments),
        None if memory is None else int(memory.temp_size_in_bytes),
        count_compilations(make) if called else None,
    )


def count_numbers(jaxpr: Any) -> int:
    """Numbers that the operations of a jaxpr write, loops multiplied by their length.

    As `count_flops`: of a `cond` the branch with most, a `while` once. Games and replay have no other work.
    """
    return sum(_written(equation) for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns)


def count_compilations(make: Make) -> int:
    """Of three calls, each with the state that the one before returned, as a user trains.

    Above 1, a state comes back with other types than it went in with.
    """
    function, (key, state) = make()
    keys, events = list(jax.random.split(key, CALLS)), []
    listen = lambda event, _, **__: events.append(event)  # noqa: E731
    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for key in keys:
            state = function(key, state)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return sum(event.endswith("/backend_compile_duration") for event in events)


def _shapes(make: Make) -> tuple[Callable, tuple]:
    """What `make` returns, with shapes for arguments: networks are not initialised, nothing is compiled for them."""
    functions = []

    def arguments() -> tuple:
        function, values = make()
        functions.append(function)
        return values

    shapes = jax.eval_shape(arguments)
    return functions[0], shapes


def _written(equation: Any) -> int:
    inner = [count_numbers(sub) for sub in core.jaxprs_in_params(equation.params)]
    if not inner:
        return sum(math.prod(getattr(out.aval, "shape", ())) for out in equation.outvars)
    if equation.primitive.name == "cond":
        return max(inner)
    return sum(inner) * (equation.params["length"] if equation.primitive.name == "scan" else 1)


def _ratio(total: int, steps: int) -> float:
    """As a whole number where it is one, so that the file has no `.0`."""
    return total // steps if total % steps == 0 else total / steps
