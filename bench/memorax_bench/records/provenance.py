"""Where a result comes from: the commit, what differs from it, the machine in words that name nobody."""

import functools
import hashlib
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from memorax_bench.code_hash import find_module, search_path

ROOT = Path(__file__).resolve().parents[3]
_CODE = ("memorax", "bench", "suites", "pyproject.toml", "constraints.txt")  # what decides results, not reports of them


@dataclass(frozen=True)
class Checkout:
    """The commit of the code (None: not a git checkout, such as an installed wheel) and the hash of local changes."""

    commit: str | None
    dirty_sha256: str | None


@functools.cache
def checkout() -> Checkout:
    """Of the folder that this file lies in. A commit alone says little where files were edited: HELM's lesson."""
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top.decode().strip()).resolve() != ROOT:
        return Checkout(None, None)
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return Checkout(None, None)
    changes = _git("diff", "HEAD", "--", *_CODE) or b""
    for name in sorted((_git("ls-files", "--others", "--exclude-standard", "--", *_CODE) or b"").decode().splitlines()):
        changes += name.encode() + b"\0" + (ROOT / name).read_bytes()
    return Checkout(commit.decode().strip(), hashlib.sha256(changes).hexdigest() if changes else None)


def user_module_hash(class_path: str) -> str | None:
    """sha256 of the file of a user's own class (`module:Class`); None for a name of the registry."""
    module, separator, _ = class_path.partition(":")
    found = find_module(module, search_path()) if separator else None
    return hashlib.sha256(found[0].read_bytes()).hexdigest() if found else None


def machine_label() -> str:
    """System, architecture and cores: no host name, no user."""
    return f"{platform.system().lower()}-{platform.machine()}-{os.cpu_count()}cpu"


def load() -> tuple[float, ...]:
    """The load averages, where the system has them: a timing made under load says so."""
    return tuple(round(value, 2) for value in os.getloadavg()) if hasattr(os, "getloadavg") else ()


def _git(*arguments: str) -> bytes | None:
    command: Sequence[str] = ("git", "-C", str(ROOT), *arguments)
    try:
        return subprocess.run(command, capture_output=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return None
