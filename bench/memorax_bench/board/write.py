"""The site on disk. `manifest.txt` lists its files with their sha256, so that they can be checked (`sha256sum -c`), and
so that the next build knows which files are its own: those alone are replaced or removed.
"""

import contextlib
import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from memorax_bench.errors import Problem, UsageProblems

MANIFEST = "manifest.txt"


def write_site(folder: Path, files: Mapping[str, bytes]) -> None:
    """Writes the files below `folder`, and removes those of the site that was there before and are no more.

    Raises UsageProblems where the folder holds something else than a site.
    """
    known = known_files(folder)
    for path in sorted(known - files.keys()):
        (folder / path).unlink(missing_ok=True)
        _remove_empty(folder, (folder / path).parent)
    for path, data in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    lines = (f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(files.items()))
    (folder / MANIFEST).write_text("".join(lines), encoding="utf-8")


def known_files(folder: Path) -> set[str]:
    """The files of the site that is in a folder; none where there is no folder, or an empty one.

    Raises UsageProblems where the folder holds something else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return set()
    try:
        lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    except OSError:
        fix = f"choose a folder that is empty or new (--out), or one with the {MANIFEST} of an earlier build"
        raise UsageProblems([Problem("holds something else than a site", str(folder), fix=fix)]) from None
    paths = {line.partition("  ")[2] for line in lines}
    return {path for path in paths if path and not _leaves(path)}


def _leaves(path: str) -> bool:
    pure = PurePosixPath(path)
    return pure.is_absolute() or ".." in pure.parts


def _remove_empty(root: Path, folder: Path) -> None:
    with contextlib.suppress(OSError):  # not empty
        while folder != root:
            folder.rmdir()
            folder = folder.parent
