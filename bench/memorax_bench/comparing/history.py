"""Results as a commit has them: read from git's objects into a folder. Nothing is checked out, nothing executed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from memorax_bench.records.durable import plain_name
from memorax_bench.submission.reading import LIMITS

_PLAIN = ("100644", "100755")  # modes of files; links and submodules have others


def checkout_root(folder: Path) -> Path | None:
    """The root of the checkout that a folder lies in, None where it lies in none."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    return None if top is None else Path(top.decode().strip()).resolve()


def commit_named(root: Path, revision: str) -> str | None:
    """The full hash of a commit, branch or tag; None where there is none of that name."""
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return None if found is None else found.decode().strip()


def write_results(root: Path, commit: str, results: PurePosixPath, folder: Path) -> None:
    """Writes the records, curves and adoptions that a commit has below `results`, as they lie there, into `folder`.

    Links, files that are too large to be one of these and all others are left out.
    """
    wanted = list(_listed(root, commit, results))
    contents = _contents(root, [blob for _, blob in wanted])
    for (parts, _), data in zip(wanted, contents, strict=True):
        file = folder.joinpath(*map(plain_name, parts))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def _listed(root: Path, commit: str, results: PurePosixPath) -> Iterator[tuple[tuple[str, ...], str]]:
    """The path below `results` and the object of each file of a record."""
    listing = _git(root, "ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", str(results)) or b""
    for line in filter(None, listing.decode(errors="surrogateescape").split("\0")):
        about, _, path = line.partition("\t")
        mode, kind, blob, size = about.split()
        parts = PurePosixPath(path).relative_to(results).parts
        if kind == "blob" and mode in _PLAIN and int(size) <= LIMITS.get(parts[-1], -1):
            yield parts, blob


def _contents(root: Path, blobs: list[str]) -> Iterator[bytes]:
    """The bytes of each object, in order: `<object> blob <size>`, a line's end, the bytes, a line's end."""
    text = _git(root, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in blobs).encode()) if blobs else b""
    place = 0
    for blob in blobs:
        head_end = (text or b"").index(b"\n", place)
        name, kind, size = text[place:head_end].decode().split()
        assert (name, kind) == (blob, "blob"), f"git has no object {blob}"
        place = head_end + 1 + int(size) + 1
        yield text[head_end + 1 : place - 1]


def _git(folder: Path, *arguments: str, given: bytes | None = None) -> bytes | None:
    """What git says, None where it says no, or is not there."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], input=given, capture_output=True)
    except OSError:
        return None
    return None if done.returncode else done.stdout
