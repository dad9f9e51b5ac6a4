"""Commits as folders, which leave nothing behind."""

import pytest

from memorax_bench.errors import UsageProblems
from memorax_bench.perf.worktrees import checkout_of, commit_of, has_changes, worktrees


@pytest.fixture
def commits(repository):
    repository.serves("a")
    return {"base": repository.commit({"a": 1.0}), "head": repository.commit({"a": 2.0})}


def test_each_commit_has_its_files_and_they_are_gone_afterwards(repository, commits):
    with worktrees(repository.path, commits) as folders:
        found = {name: (folder / "memorax" / "__init__.py").read_text() for name, folder in folders.items()}
        assert "1.0" in found["base"] and "2.0" in found["head"]
        assert repository.worktrees() == 2
    assert repository.worktrees() == 0 and not any(folder.parent.exists() for folder in folders.values())


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_they_are_gone_after_an_interruption(repository, commits, error):
    with pytest.raises(error), worktrees(repository.path, commits) as folders:
        raise error
    assert repository.worktrees() == 0 and not folders["base"].parent.exists()


def test_one_that_was_being_made_is_removed_too(repository, commits):
    """git locks a worktree while it makes it."""
    with worktrees(repository.path, commits) as folders:
        repository.git("worktree", "lock", str(folders["base"]))
    assert repository.worktrees() == 0


def test_a_commit_may_be_there_twice(repository, commits):
    with worktrees(repository.path, {"base": commits["head"], "head": commits["head"]}) as folders:
        assert len({folder.resolve() for folder in folders.values()}) == 2


def test_revisions(repository, commits):
    assert commit_of(repository.path, "main~1") == commits["base"]
    for wrong in ("nonesuch", "--all", commits["head"][:-1] + "x"):
        with pytest.raises(UsageProblems, match="is no revision here"):
            commit_of(repository.path, wrong)


def test_a_checkout_is_known_by_its_benchmarks(repository, commits, tmp_path_factory):
    assert checkout_of(repository.path / "bench") == repository.path.resolve()
    with pytest.raises(UsageProblems, match="lies in no checkout of memorax-bench"):
        checkout_of(tmp_path_factory.mktemp("elsewhere"))


def test_changes_are_those_of_files_that_git_knows(repository, commits):
    repository.write("notes.txt", "mine")
    assert not has_changes(repository.path)
    repository.write("memorax/__init__.py", "")
    assert has_changes(repository.path)
