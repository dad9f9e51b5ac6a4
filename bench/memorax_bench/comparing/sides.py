"""The two sides of a comparison: where their records are, and what there is."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from memorax_bench.comparing.history import checkout_root, commit_named, write_results
from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.records.store import Scan, Store


@dataclass(frozen=True)
class Side:
    """Records by the label of their suite. `name` is what was asked for, with the commit where it is a revision."""

    name: str
    scans: Mapping[str, Scan]


@contextlib.contextmanager
def read_side(asked: str, results: Path) -> Iterator[Side]:
    """A results folder; else the results that a commit, branch or tag of this checkout has below `results`.

    Raises UsageProblems for what is neither.
    """
    folder = Path(asked)
    if folder.is_dir():
        yield Side(asked, _scans(folder))
        return
    here = Path.cwd()
    root = checkout_root(here)
    commit = None if root is None else commit_named(root, asked)
    if root is None or commit is None:
        where = "" if root else ", and this folder is in no checkout"
        fix = "a folder of results, or a commit, branch or tag; a shallow clone lacks history: git fetch --unshallow"
        raise UsageProblems([Problem(f"'{asked}' is neither a folder nor a revision{where}", fix=fix)])
    inside = (here / results).resolve()
    if not inside.is_relative_to(root):
        message = f"{results} lies outside of the checkout, whose commits cannot have it"
        raise UsageProblems([Problem(message, "argument --results", fix="name a folder that is committed")])
    with tempfile.TemporaryDirectory(prefix="memorax-compare-") as temporary:
        write_results(root, commit, PurePosixPath(inside.relative_to(root).as_posix()), Path(temporary))
        name = asked if commit.startswith(asked) else f"{asked} ({commit[:8]})"
        yield Side(name, _scans(Path(temporary)))


def _scans(folder: Path) -> dict[str, Scan]:
    labels = sorted(path.name for path in folder.glob("*@*") if path.is_dir())
    found = {label: Store(folder).scan(label) for label in labels}
    return {label: scan for label, scan in found.items() if scan.records or scan.invalid}
