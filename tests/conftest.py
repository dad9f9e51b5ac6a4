"""Shared by all tests: how programs are compiled, and one persistent compilation cache, so that a second run compiles
next to nothing."""

import gc
import os
from pathlib import Path

import pytest

from fixtures.quick import UNOPTIMISED, quickly

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "xla"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
os.environ.update(quickly(os.environ))
gc.set_threshold(100_000, 50, 50)  # tracing makes many objects, of which few are garbage


@pytest.fixture
def optimised(monkeypatch):
    """For what computes for longer than it compiles: learning. In this process and those that it starts."""
    import jax

    for name in UNOPTIMISED:
        monkeypatch.setenv(name, "0")
    before = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)
