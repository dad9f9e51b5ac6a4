"""An episode as text for the terminal."""

from collections.abc import Iterable, Sequence

from memorax_bench.alignment import columns
from memorax_bench.drawing.episode import Episode
from memorax_bench.drawing.view import View, signed
from memorax_bench.suite.catalogue import TaskSpec

_GAP = "..."


def head(episode: Episode, spec: TaskSpec | None) -> str:
    """What the task is. `spec` is what the catalogue has on it."""
    rows = [
        ("observation", episode.spaces[0]),
        ("action", episode.spaces[1]),
        ("episode", f"at most {_steps(episode.max_steps)}"),
    ]
    if spec is not None:
        rows.append(("to remember", spec.memory or "nothing"))
        rows.append(("source", spec.source))
        rows += [("take care" if i == 0 else "", quirk) for i, quirk in enumerate(spec.quirks)]
    return "\n".join([named(episode), *(f"  {line}" for line in columns(rows).splitlines())])


def named(episode: Episode) -> str:
    """The task's id with its options, as on the command line."""
    return " ".join([episode.task, *(f"{name}={value}" for name, value in episode.options.items())])


def summary(episode: Episode) -> str:
    """What was played and what it earned."""
    if episode.is_over:
        what = f"{_steps(episode.length)}, then {_end(episode, episode.length - 1)}; return"
    else:
        what = f"the first {_steps(episode.length)}, which return"
    return f"One episode with random actions, seed {episode.seed}: {what} {signed(episode.rewards.sum())}"


def _steps(count: int) -> str:
    return f"{count:,} step{'s' * (count != 1)}"


def table(episode: Episode, view: View, steps: Sequence[int]) -> str:
    """One line a step: what is observed, what is done, what it earns; the last line is what that led to."""
    header = ["step", "observed", "action", "reward", "end", *(["hidden"] if view.hidden is not None else [])]
    return "\n".join(f" {line}".rstrip() for line in columns([header, *_rows(episode, view, steps)]).splitlines())


def _rows(episode: Episode, view: View, steps: Sequence[int]) -> Iterable[list[str]]:
    hidden = view.hidden
    for i, t in enumerate(steps):
        if i and t != steps[i - 1] + 1:
            yield _cells(hidden, _GAP)
        row = [str(t), view.observed[t], view.actions[t], signed(episode.rewards[t]), _end(episode, t)]
        yield row + ([] if hidden is None else [hidden[t]])
    after = steps[-1] + 1
    yield _cells(hidden, str(after), view.observed[after])
    if after < episode.length:
        yield _cells(hidden, _GAP)


def _cells(hidden: Sequence[str] | None, step: str, observed: str = "") -> list[str]:
    return [step, observed, "", "", "", *([] if hidden is None else [""])]


def _end(episode: Episode, t: int) -> str:
    flags = (("terminated", episode.terminated[t]), ("truncated", episode.truncated[t]))
    return " and ".join(name for name, flag in flags if flag)
