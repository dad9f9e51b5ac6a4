"""The verb `doctor`: is this installation one whose numbers can be trusted?"""

import os
import sys
from importlib import metadata
from pathlib import Path

OURS = "memorax-bench"


def foreign_packages() -> list[str]:
    """Packages of other projects that would be imported in place of ours; empty is well.

    PyPI's `memorax` is another library of that name: installed beside ours it overwrites our files or hides them.
    """
    import memorax

    owners = {name for name in metadata.packages_distributions().get("memorax", ()) if name != OURS}
    if not owners and (Path(memorax.__file__).parent / "registry.py").is_file():
        return []
    names = ", ".join(sorted(owners)) or "an unknown package"
    where = f"the import 'memorax' belongs to {names} as well, at {memorax.__file__}"
    return [f"{where}: pip uninstall {names}, then reinstall {OURS}"]


def foreign_lox() -> str | None:
    """A note where PyPI's `lox` (threads and processes) is installed: `import lox` is not our module."""
    try:
        version = metadata.version("lox")
    except metadata.PackageNotFoundError:
        return None
    return f"lox {version} is installed: that is another project; ours is `from memorax import lox`"


def examine() -> tuple[list[str], bool]:
    """The lines to show, and whether all is well."""
    foreign = foreign_packages()
    if foreign:
        return [f"BAD   {line}" for line in foreign], False
    import jax
    import jax.numpy as jnp

    from memorax_bench.cell import device
    from memorax_bench.records import provenance

    device.use_compilation_cache()
    lines = [f"ok    python {sys.version.split()[0]}, {OURS} {_version(OURS)}, {provenance.machine_label()}"]
    lines += [f"ok    {name} {version}" for name, version in device.versions().items() if name not in ("python", OURS)]
    lines.append(
        f"ok    jax {jax.__version__}, {len(jax.devices())} x {device.device_kind()} ({jax.default_backend()})"
    )
    folder = Path(jax.config.jax_compilation_cache_dir)
    writable = os.access(next(parent for parent in (folder, *folder.parents) if parent.exists()), os.W_OK)
    lines.append(
        f"{'ok   ' if writable else 'BAD  '} compilation cache {folder}{'' if writable else ' cannot be written'}"
    )
    total = float(jax.jit(lambda x: (x @ x).sum())(jnp.ones((64, 64))))
    works = total == 64.0**3
    lines.append(f"{'ok   ' if works else 'BAD  '} a product of matrices on this device")
    checkout = provenance.checkout()
    if checkout.commit:
        state = "with uncommitted changes: such runs are not ranked" if checkout.dirty_sha256 else "clean"
        lines.append(f"ok    code at commit {checkout.commit[:8]}, {state}")
    lox = foreign_lox()
    return [*lines, *([f"note  {lox}"] if lox else [])], writable and works


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"
