"""An episode of every task as a picture. One that an earlier build drew is kept: they take seconds each to draw."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from memorax_bench.board import links
from memorax_bench.board.rankings import Ranking
from memorax_bench.suite.schema import Task

PATIENCE = 300.0  # seconds; what is not drawn by then, another build draws
NOT_ASKED = "it was not asked for"
OUT_OF_TIME = "there was no time left to draw it; the next build goes on"


def episodes(
    rankings: Iterable[Ranking],
    folder: Path,
    known: Iterable[str],
    draw: bool = True,
    say: Callable[[str], None] = print,
    patience: float = PATIENCE,
) -> dict[str, bytes | str]:
    """path below the site's root -> a PNG, or why there is none.

    `known` are the files of the site that is in `folder` already; its pictures are taken as they are, as their names
    say what they show. Without `draw` no other is drawn.
    """
    kept, found, end = set(known), {}, time.monotonic() + patience
    tasks = {path: task for ranking in rankings for path, task in _tasks(ranking).items()}
    for path, task in sorted(tasks.items()):
        if path in kept and (folder / path).is_file():
            found[path] = (folder / path).read_bytes()
        elif not draw:
            found[path] = NOT_ASKED
        elif time.monotonic() > end:
            found[path] = OUT_OF_TIME
        else:
            say(f"drawing an episode of {task.id}")
            found[path] = _draw(task)
    return found


def _tasks(ranking: Ranking) -> dict[str, Task]:
    tasks = ranking.table.suite.tasks
    shown = [tasks[label] for column in ranking.table.columns for label in column.tasks]
    return {links.episode(task.id, task.kwargs, task.task_version): task for task in shown}


def _draw(task: Task) -> bytes | str:
    from memorax_bench.drawing.show import picture

    try:
        return picture(task.id, task.kwargs)
    except ModuleNotFoundError as error:
        return f"its library is not installed here ({error.name})"
    except ValueError as error:
        return f"the task cannot be made here: {error}"
