"""Programs compiled ahead of time, with what that cost."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.monitoring

_HIT = "/jax/compilation_cache/cache_hits"
_MISS = "/jax/compilation_cache/cache_misses"
_events = {_HIT: 0, _MISS: 0}


def _count(event: str, **_: Any) -> None:
    if event in _events:
        _events[event] += 1


jax.monitoring.register_event_listener(_count)


@dataclass(frozen=True)
class Lowered:
    """A traced program, not compiled yet: what it computes, as text and as a jaxpr."""

    lowered: Any
    jaxpr: Any
    text_hash: str
    seconds: float  # tracing and lowering

    def compile(self, once: bool = False) -> "Compiled":
        """Compiles it, or takes it from the persistent cache; a program that runs `once` is not worth optimising."""
        begin, before = time.perf_counter(), dict(_events)
        compiled = self.lowered.compile({"xla_backend_optimization_level": 0} if once else None)
        hits, misses = (_events[event] - before[event] for event in (_HIT, _MISS))
        cache = "miss" if misses else "hit" if hits else "off"
        return Compiled(compiled, time.perf_counter() - begin, cache)


@dataclass(frozen=True)
class Compiled:
    """An executable; `cache` says whether the persistent cache had it: hit, miss or off."""

    call: Callable
    seconds: float
    cache: str

    def temporary_bytes(self) -> int | None:
        """Bytes of scratch memory, where the backend tells."""
        analysis = self.call.memory_analysis()
        return None if analysis is None else int(analysis.temp_size_in_bytes)


def lower(function: Callable, *arguments: Any, **options: Any) -> Lowered:
    """Traces `function` for arrays or shapes; options are those of `jax.jit`."""
    begin = time.perf_counter()
    traced = jax.jit(function, **options).trace(*arguments)
    lowered = traced.lower()
    text_hash = hashlib.sha256(lowered.as_text().encode()).hexdigest()
    return Lowered(lowered, traced.jaxpr, text_hash, time.perf_counter() - begin)
