"""The device that runs are made on, and what it was asked to do."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

PACKAGES = ("memorax-bench", "flax", "optax", "distrax", "rlax", "numpy", "gymnax", "navix", "brax")


def use_compilation_cache() -> None:
    """Compiled programs outlive the process, in `JAX_COMPILATION_CACHE_DIR` or the user's cache folder."""
    if jax.config.jax_compilation_cache_dir is None:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(base / "memorax-bench" / "xla"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


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
