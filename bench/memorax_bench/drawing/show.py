"""The verb `show`: makes the task, plays an episode, prints and draws it."""

import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from memorax import registry
from memorax_bench.drawing import view_path
from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.coerce import CoerceError, coerce

_PLAYED = 1000  # steps of an episode that are played where no number is asked for
_LINES, _SHORT = 12, 24  # lines of the table; episodes up to that many steps are shown whole
_FRAMES = 8  # of the strip
_FOLLOWING, _MOVING = 12, 64  # frames of the GIF: of pictures that follow one another, and of those that move
_TRACED = 200  # steps of traces


def show_task(task: str, options: Sequence[str], seed: int, steps: int | None, folder: Path) -> str:
    """Writes `<folder>/<task>.png` and `.gif`; returns what to print.

    `options` are `name=value`; `steps` None means as many as suit the task. Raises UsageProblems for what the library
    refuses.
    """
    # One episode is too little for an accelerator, and would take its memory from those who train on it.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    typed, env, params = _make(task, options)

    from memorax_bench.drawing import strip, text
    from memorax_bench.drawing.episode import play
    from memorax_bench.drawing.view import moments, spread

    make_view = registry.resolve(view_path(task, typed.get("observation")))
    episode = play(task, typed, env, params, seed, steps or _PLAYED)
    view = make_view(episode)
    everything = steps is not None or episode.length <= _SHORT
    lines = range(episode.length) if everything else moments(episode.rewards, _LINES)
    drawn, frames = _still(episode, view, steps)
    if view.follows:
        moving = moments(episode.rewards, steps or _FOLLOWING)
    else:
        moving = spread(drawn.length, steps or (_MOVING // 2 if view.whole else _MOVING))

    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w.=-]+", "-", text.named(episode))
    png, gif = folder / f"{stem}.png", folder / f"{stem}.gif"
    strip.save_strip(drawn, make_view(drawn), frames, png)
    strip.save_animation(drawn, make_view(drawn), moving, gif)
    head = text.head(episode, load_catalogue().tasks.get(task))
    table = "\n".join([text.summary(episode), text.table(episode, view, lines), *(f" {note}" for note in view.notes)])
    return f"{head}\n\n{table}\n\n{png}  {gif}"


def picture(task: str, options: Mapping[str, Any], seed: int = 0) -> bytes:
    """An episode of a task as a strip, the same as that of `show_task`: a PNG. `options` are typed already.

    Raises ValueError for what the library refuses, ModuleNotFoundError where the task's library is not installed.
    """
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    from memorax.environments import make
    from memorax_bench.drawing import strip
    from memorax_bench.drawing.episode import play

    make_view = registry.resolve(view_path(task, options.get("observation")))
    episode = play(task, options, *make(task, **options), seed, _PLAYED)
    drawn, frames = _still(episode, make_view(episode), None)
    file = io.BytesIO()
    strip.save_strip(drawn, make_view(drawn), frames, file)
    return file.getvalue()


def _still(episode: Any, view: Any, steps: int | None) -> tuple[Any, tuple[int, ...]]:
    """How much of an episode is drawn, and which of its steps are the frames of a strip."""
    from memorax_bench.drawing.view import moments, spread

    if view.follows:
        return episode, moments(episode.rewards, _FRAMES)
    drawn = episode.cut(steps or (_TRACED if view.whole else _MOVING))
    return drawn, (drawn.length - 1,) if view.whole else spread(drawn.length, _FRAMES)


def _make(task: str, options: Sequence[str]) -> tuple[dict[str, Any], Any, Any]:
    """The options, typed, and the environment with its params."""
    from memorax.environments import make

    fields = load_catalogue().tasks[task].parameters if task in load_catalogue().tasks else {}
    typed, unknown, problems = {}, [], []
    for option in options:
        name, separator, value = option.partition("=")
        where = f"argument {option}"
        if not separator or not name:
            problems.append(Problem("not an option", where, allowed="name=value, such as num_decks=2"))
        elif name in typed:
            problems.append(Problem("given twice", where))
        elif name not in fields:
            unknown.append(name)
            typed[name] = value
        else:
            try:
                typed[name] = coerce(value, fields[name].type)
            except CoerceError as error:
                problems.append(Problem(str(error), where))
    if problems:
        raise UsageProblems(problems)
    try:
        # The library knows best what it refuses, and why: an option may be fixed by the id.
        made = make(task, **typed)
        if unknown:
            raise registry.unknown(f"option of {task}", unknown[0], fields)
    except (ValueError, ModuleNotFoundError) as error:
        raise UsageProblems([Problem(str(error), key=task)]) from None
    return typed, *made
