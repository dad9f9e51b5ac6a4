"""The kind of device a run would use, without importing jax where that can be known otherwise."""

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

_NVIDIA = Path("/proc/driver/nvidia/gpus")  # a folder a device
_ACCELERATORS = ("/proc/driver/nvidia/version", "/dev/kfd", "/dev/accel0", "/dev/vfio/0")


_ASK = "from memorax_bench.cell.device import device_kind; print(device_kind())"


def device_kind() -> str:
    """`cpu` where no accelerator is in sight or jax has no plugin for one; else what jax says after some seconds, in a
    process of its own: jax takes most of a device's memory, which is for the workers. Raises RuntimeError."""
    platforms = os.environ.get("JAX_PLATFORMS", "")
    plugins = any(entry.name for entry in metadata.entry_points(group="jax_plugins"))
    if platforms == "cpu" or not (plugins or platforms) or not any(Path(path).exists() for path in _ACCELERATORS):
        return "cpu"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    asked = subprocess.run([sys.executable, "-c", _ASK], env=environment, capture_output=True, text=True)
    if asked.returncode:
        raise RuntimeError(f"jax cannot say what the device is:\n{asked.stderr[-2000:]}")
    return asked.stdout.splitlines()[-1]


def leave_accelerators_alone() -> None:
    """What jax does in this process from now on, it does on the CPU. To be called before it does anything."""
    import jax

    jax.config.update("jax_platforms", "cpu")


def worker_environments(workers: int | None = None) -> list[dict[str, str]]:
    """For each worker process the variables that show it its device: one worker a device, or `workers` of them, which
    share the devices in turn."""
    devices = _device_environments()
    return [devices[number % len(devices)] for number in range(workers or len(devices))]


def worker_cores(workers: int) -> list[tuple[int, ...]]:
    """For each of so many workers that compute on the processor the cores that are its own, as even shares; none where
    there are fewer cores than workers, or the system keeps no process to any. Workers that each use all cores wait for
    one another's threads."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if not 1 < workers <= len(cores):
        return [()] * workers
    return [tuple(cores[len(cores) * k // workers : len(cores) * (k + 1) // workers]) for k in range(workers)]


def worker_count(workers: int | None = None) -> int:
    """How many processes that are."""
    return len(worker_environments(workers))


def _device_environments() -> list[dict[str, str]]:
    forced = re.search(r"--xla_force_host_platform_device_count=(\d+)", os.environ.get("XLA_FLAGS", ""))
    if forced:  # so many CPU devices of one machine: each worker is one
        flags = os.environ["XLA_FLAGS"].replace(forced[0], "--xla_force_host_platform_device_count=1")
        return [{"XLA_FLAGS": flags}] * int(forced[1])
    if os.environ.get("JAX_PLATFORMS", "") == "cpu":
        return [{}]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = [name for name in visible.split(",") if name.strip()]
    else:
        names = [str(number) for number in range(len(list(_NVIDIA.glob("*"))))]
    return [{"CUDA_VISIBLE_DEVICES": name} for name in names] if len(names) > 1 else [{}]
