"""Commits of the repository as folders: where the gate finds the code that it measures."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from memorax_bench.errors import Problem, UsageProblems

SERVER = Path("bench") / "speed" / "serve.py"  # what a checkout has and an installed package has not


def checkout_of(folder: Path) -> Path:
    """The root of the checkout that `folder` lies in. Raises UsageProblems where it is none of this project."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    root = None if top is None else Path(top)
    if root is None or not (root / SERVER).is_file():
        fix = "git clone the repository and call it there; an installed package has neither history nor benchmarks"
        raise UsageProblems([Problem(f"{folder} lies in no checkout of memorax-bench ({SERVER} is missing)", fix=fix)])
    return root


def commit_of(root: Path, revision: str) -> str:
    """The full hash of a revision. Raises UsageProblems."""
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        fix = "for example: memorax-bench perf gate main; a shallow clone lacks history: git fetch --unshallow"
        allowed = "a commit, a branch, a tag of this repository"
        raise UsageProblems([Problem(f"'{revision}' is no revision here", allowed=allowed, fix=fix)])
    return commit


def has_changes(root: Path) -> bool:
    """Whether files that git knows differ from HEAD."""
    return bool(_git(root, "status", "--porcelain", "--untracked-files=no"))


@contextlib.contextmanager
def worktrees(root: Path, commits: Mapping[str, str]) -> Iterator[dict[str, Path]]:
    """Name -> a folder with the files of that commit; the folders are gone afterwards, whatever happened meanwhile."""
    parent = Path(tempfile.mkdtemp(prefix="memorax-perf-")).resolve()
    folders = {name: parent / name for name in commits}
    try:
        for name, commit in commits.items():
            made = _run(
                root, "-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", str(folders[name]), commit
            )
            if made.returncode:
                raise RuntimeError(f"git made no worktree of {name} ({commit[:8]}): {made.stderr.strip()}")
        yield folders
    finally:
        for folder in folders.values():
            _run(root, "worktree", "unlock", str(folder))  # locked where git was interrupted making it
        shutil.rmtree(parent, ignore_errors=True)
        _run(root, "worktree", "prune")


def _git(folder: Path, *arguments: str) -> str | None:
    done = _run(folder, *arguments)
    return None if done.returncode else done.stdout.strip()


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, start_new_session=True)  # Ctrl-C is for us alone
