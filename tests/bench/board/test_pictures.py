"""Pictures of episodes: drawn once, kept, and no reason to have no site."""

from types import SimpleNamespace

import pytest

from memorax_bench.board import links, pictures
from memorax_bench.board.pictures import NOT_ASKED, OUT_OF_TIME, episodes
from memorax_bench.drawing import show
from memorax_bench.suite.load import load_suite


@pytest.fixture
def drawn(monkeypatch) -> list[str]:
    """The tasks that were drawn, without drawing any."""
    tasks: list[str] = []

    def picture(task, options):
        tasks.append(task)
        return f"picture of {task}".encode()

    monkeypatch.setattr(show, "picture", picture)
    return tasks


def path_of(ranking, label: str) -> str:
    task = ranking.table.suite.tasks[label]
    return links.episode(task.id, task.kwargs, task.task_version)


def test_every_task_is_drawn_once_for_all_suites(ranking, drawn, tmp_path):
    found = episodes([ranking, ranking], tmp_path, (), say=lambda line: None)
    assert len(found) == 4 and sorted(drawn) == sorted(set(drawn)) and len(drawn) == 4
    assert found[path_of(ranking, "repeat-previous")] == b"picture of popgym::RepeatPreviousEasy"


def test_a_picture_of_the_last_build_is_kept(ranking, drawn, tmp_path):
    path = path_of(ranking, "repeat-previous")
    (tmp_path / path).parent.mkdir()
    (tmp_path / path).write_bytes(b"kept")
    assert episodes([ranking], tmp_path, [path], say=lambda line: None)[path] == b"kept"
    assert "popgym::RepeatPreviousEasy" not in drawn and len(drawn) == 3
    assert episodes([ranking], tmp_path, [], say=lambda line: None)[path] != b"kept"  # no file of the site


def test_a_task_that_became_another_has_another_picture():
    first = links.episode("popgym::RepeatPrevious", {"k": 3}, 1)
    assert first == links.episode("popgym::RepeatPrevious", {"k": 3}, 1)
    assert len({first, *(links.episode("popgym::RepeatPrevious", {"k": k}, v) for k, v in ((4, 1), (3, 2)))}) == 3


def test_none_is_drawn_where_none_was_asked_for_or_time_is_up(ranking, drawn, tmp_path):
    assert set(episodes([ranking], tmp_path, (), draw=False).values()) == {NOT_ASKED}
    assert set(episodes([ranking], tmp_path, (), patience=-1.0, say=lambda line: None).values()) == {OUT_OF_TIME}
    assert drawn == []


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ModuleNotFoundError("no", name="navix"), "its library is not installed here (navix)"),
        (ValueError("k is 0"), "the task cannot be made here: k is 0"),
    ],
)
def test_what_cannot_be_drawn_says_why(monkeypatch, error, why):
    def picture(task, options):
        raise error

    monkeypatch.setattr(show, "picture", picture)
    assert pictures._draw(SimpleNamespace(id="x", kwargs={})) == why


def test_a_task_is_drawn_with_the_options_that_a_suite_writes():
    task = load_suite("tuning").suite.tasks["memory-chain-20"]
    assert pictures._draw(task).startswith(b"\x89PNG")
