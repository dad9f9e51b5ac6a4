"""The device that runs are made on, and what it was asked to do."""

import contextlib
import os
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
from jax.experimental.compilation_cache import compilation_cache

CACHE_BYTES = 4 * 2**30
PACKAGES = ("memorax-bench", "flax", "optax", "distrax", "rlax", "numpy", "gymnax", "navix", "brax")


def use_compilation_cache() -> None:
    """Compiled programs outlive the process, in `JAX_COMPILATION_CACHE_DIR` or the user's cache folder.

    Those used longest ago are removed where they take more than `CACHE_BYTES`; jax does that by itself where
    `JAX_COMPILATION_CACHE_MAX_SIZE` is set.
    """
    if jax.config.jax_compilation_cache_dir is None:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(base / "memorax-bench" / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    if jax.config.jax_compilation_cache_max_size == -1:
        prune(Path(jax.config.jax_compilation_cache_dir), CACHE_BYTES)


@contextlib.contextmanager
def no_compilation_cache() -> Iterator[None]:
    """Within it every program is compiled, whatever the cache has, and none is kept."""
    before = jax.config.jax_enable_compilation_cache
    try:
        jax.config.update("jax_enable_compilation_cache", False)
        compilation_cache.reset_cache()  # jax asks the setting once a process
        yield
    finally:
        jax.config.update("jax_enable_compilation_cache", before)
        compilation_cache.reset_cache()


def prune(folder: Path, limit: int) -> None:
    """Removes the programs of jax's cache that were used longest ago, until those left are at most `limit` bytes large.

    Safe beside processes that use the folder: a file that is gone is compiled again.
    """
    used = []
    for path in folder.glob("*-cache"):  # what else is there is not ours
        with contextlib.suppress(FileNotFoundError):
            state = path.stat()
            used.append((max(state.st_atime, state.st_mtime), state.st_size, path))
    total = sum(size for _, size, _ in used)
    for _, size, path in sorted(used):
        if total <= limit:
            break
        path.unlink(missing_ok=True)
        total -= size


def numerics() -> dict[str, Any]:
    """What decides the last bits of a result."""
    return {
        "device_kind": device_kind(),
        "jax": jax.__version__,
        "jaxlib": metadata.version("jaxlib"),
        "x64": bool(jax.config.jax_enable_x64),
        "matmul": str(jax.config.jax_default_matmul_precision or "default"),
        "prng": str(jax.config.jax_default_prng_impl),
    }


def device_kind() -> str:
    """What JAX calls the default device: `cpu`, `NVIDIA H100 ...`."""
    return jax.devices()[0].device_kind


def versions() -> dict[str, str]:
    """Of Python and of the installed packages that take part."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed
