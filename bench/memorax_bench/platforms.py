"""The kind of device a run would use, without importing jax where that can be known otherwise."""

import os
from importlib import metadata
from pathlib import Path

_ACCELERATORS = ("/proc/driver/nvidia/version", "/dev/kfd", "/dev/accel0", "/dev/vfio/0")


def device_kind() -> str:
    """`cpu` where no accelerator is in sight or jax has no plugin for one; else what jax says, after a second."""
    platforms = os.environ.get("JAX_PLATFORMS", "")
    plugins = any(entry.name for entry in metadata.entry_points(group="jax_plugins"))
    if platforms == "cpu" or not (plugins or platforms) or not any(Path(path).exists() for path in _ACCELERATORS):
        return "cpu"
    from memorax_bench.device import device_kind as kind_by_jax

    return kind_by_jax()
