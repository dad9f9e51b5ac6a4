"""What is counted in place of being timed: equal on every machine of one kind, so that any change is the program's."""

from collections.abc import Callable
from typing import Any

import jax.monitoring

try:
    from memorax_bench.cell.cost import byte_count, count_flops
except ModuleNotFoundError:  # asv measures old commits with this file, and there the counters lay elsewhere
    from memorax_bench.cost import byte_count, count_flops

__all__ = ["byte_count", "compilations", "count_flops"]


def compilations(call: Callable[[], Any]) -> int:
    """How many programs XLA is asked for while `call` runs; one from the persistent cache counts as well."""
    events = []

    def listen(event: str, seconds: float, **about: Any) -> None:
        events.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        call()
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return sum(event.endswith("/backend_compile_duration") for event in events)
