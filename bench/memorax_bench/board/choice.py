"""Which suites a board is of: those named, or all that have records and still are what they were.

Trials of learning rates are not shown unasked: their scores stand with the entries they were chosen for.
"""

from collections.abc import Sequence
from pathlib import Path

from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.suite.load import ResolvedSuite, load_suite, shipped_suites
from memorax_bench.suite.tracks import SUITE as TRIALS

Chosen = tuple[ResolvedSuite, tuple[str, ...]]  # a suite and the arguments that chose it
_AXES = ("torsos=", "algorithms=")


def choose(arguments: Sequence[str], results: Path) -> tuple[list[Chosen], list[str]]:
    """The suites of a command line, and a sentence for each folder of results that is left out.

    Each `suite=` begins a suite, and what follows belongs to it. Raises UsageProblems.
    """
    if not arguments:
        return _with_records(results)
    groups: list[list[str]] = []
    for argument in arguments:
        if argument.startswith("suite="):
            groups.append([argument])
        elif groups:
            groups[-1].append(argument)
        else:
            fix = f"for example: memorax-bench board build suite=quick {argument}"
            raise UsageProblems([Problem("of which suite? It follows its suite", f"argument {argument}", fix=fix)])
    chosen = [(load_suite(first.removeprefix("suite="), rest), (first, *rest)) for first, *rest in groups]
    labels = [resolved.label for resolved, _ in chosen]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise UsageProblems([Problem(f"{twice} is asked for twice", fix="name every suite once")])
    return chosen, []


def restricts(arguments: Sequence[str]) -> bool:
    """Whether the arguments say which entries are wanted, so that no others are shown."""
    return any(argument.startswith(_AXES) for argument in arguments)


def _with_records(results: Path) -> tuple[list[Chosen], list[str]]:
    labels = (
        sorted(path.name for path in results.iterdir() if path.is_dir() and "@" in path.name)
        if results.is_dir()
        else []
    )
    shipped, chosen, left_out = shipped_suites(), [], []
    for label in labels:
        name = label.partition("@")[0]
        if name == TRIALS:
            continue
        resolved = load_suite(name) if name in shipped else None
        if resolved is not None and resolved.label == label:
            chosen.append((resolved, (f"suite={name}",)))
        else:
            what = f"the shipped suite is {resolved.label}" if resolved else "it is no shipped suite"
            left_out.append(f"left out: {results / label}: {what}; name it by its file: suite=FILE.yaml")
    chosen.sort(key=lambda one: (one[0].version == 0, -len(one[0].suite.tasks), one[0].label))
    return chosen, left_out
