"""Results are read from a commit as they are there: nothing is checked out, links and foreign files stay away."""

import subprocess
from pathlib import PurePosixPath

import pytest

from memorax_bench.comparing.history import checkout_root, commit_named, write_results
from memorax_bench.comparing.sides import read_side
from memorax_bench.errors import UsageProblems


@pytest.fixture
def git(tmp_path, monkeypatch):
    """A checkout in which `git(...)` runs."""
    root = tmp_path / "checkout"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")

    def git(*arguments: str) -> str:
        own = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(root))
        return subprocess.run(["git", *own, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q", "-b", "main")
    return git


def written(folder):
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_the_files_of_records_as_the_commit_has_them(git, tmp_path):
    root = checkout_root(tmp_path / "checkout")
    place = root / "some" / "results" / "quick@1" / "a" / "run"
    place.mkdir(parents=True)
    for name, data in (("record.json", b"{}\n"), ("curves.csv.gz", bytes(range(256))), ("run.sh", b"rm -rf /")):
        (place / name).write_bytes(data)
    (place.parent / "record.json").symlink_to("/etc/passwd")
    (root / "record.json").write_text("elsewhere")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    (place / "record.json").write_text("changed since")
    commit = commit_named(root, "main")
    assert commit == git("rev-parse", "HEAD") and commit_named(root, "nothing") is None
    assert commit_named(root, "--all") is None
    write_results(root, commit, PurePosixPath("some/results"), tmp_path / "out")
    files = {"quick@1/a/run/record.json": b"{}\n", "quick@1/a/run/curves.csv.gz": bytes(range(256))}
    assert written(tmp_path / "out") == files
    write_results(root, commit, PurePosixPath("nowhere"), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_side_is_a_folder_or_a_revision(git, side, tmp_path):
    folder = side("checkout/results")
    git("add", "-A")
    git("commit", "-q", "-m", "results")
    git("tag", "v1")
    for file in folder.rglob("record.json"):
        file.unlink()
    with read_side("v1", folder.relative_to(tmp_path / "checkout")) as found:
        assert found.name == f"v1 ({git('rev-parse', 'HEAD')[:8]})"
        assert len(found.scans["quick@1"].records) == 4 and not found.scans["quick@1"].invalid
        kept = found.scans["quick@1"].records[0].path
    assert not kept.exists()
    with read_side(str(folder), folder) as found:
        assert found.name == str(folder) and found.scans == {}


def test_what_is_neither(git, tmp_path, monkeypatch):
    git("commit", "-q", "--allow-empty", "-m", "nothing")
    with (
        pytest.raises(UsageProblems, match="'nowhere' is neither a folder nor a revision\n"),
        read_side("nowhere", tmp_path / "checkout" / "results"),
    ):
        pass
    with pytest.raises(UsageProblems, match="lies outside of the checkout"), read_side("main", tmp_path / "results"):
        pass
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageProblems, match="in no checkout"), read_side("main", tmp_path / "results"):
        pass
