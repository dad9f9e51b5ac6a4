"""What went wrong, said so that it can be repaired: the thing, its value, what is allowed, the fix.

A reader of a suite collects every `Problem` it can find and raises them together as `UsageProblems`.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EXIT_OK = 0
EXIT_INTERNAL = 1
EXIT_USAGE = 2
EXIT_CELLS_FAILED = 3
EXIT_REGRESSION = 4
EXIT_NOTHING_MEASURED = 5
EXIT_INVALID = 6
EXIT_STOPPED = 7  # nothing can be written
EXIT_INTERRUPTED = 130

_SHOWN = 12  # names listed after "allowed:" before the rest is counted only


@dataclass(frozen=True)
class Problem:
    """One thing the user can repair.

    `file` is a path, or `argument ...` for the command line; `key` is the dotted path of the value, `value` what was
    given there, `allowed` the names or kinds that would do, `fix` what to do about it.
    """

    message: str
    file: str | None = None
    line: int | None = None
    key: str | None = None
    value: object = None
    allowed: Sequence[str] | str | None = None
    fix: str | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line is not None else self.file
        what = self.key
        if self.key is not None and self.value is not None:
            what = f"{self.key} = {_short(self.value)}"
        if where is not None and where.startswith("argument "):
            what = None  # the argument itself names key and value
        head = "  ".join(part for part in (where, what) if part)
        message = self.message if self.allowed is None else f"{self.message}; allowed: {_listed(self.allowed)}"
        lines = [head] if head else []
        lines.append(f"  {message}")
        if self.fix:
            lines.append(f"  {self.fix}")
        return "\n".join(lines)


class UsageProblems(Exception):
    """Every problem found in what the user gave (exit code 2)."""

    exit_code = EXIT_USAGE

    def __init__(self, problems: Iterable[Problem]):
        distinct = {str(problem): problem for problem in problems}
        self.problems = tuple(sorted(distinct.values(), key=_place))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotComparable(Exception):
    """Numbers that must not share a ranking; each problem names the field that differs (exit code 6)."""

    exit_code = EXIT_INVALID

    def __init__(self, problems: Sequence[str]):
        self.problems = tuple(problems)
        shown = self.problems[:_SHOWN]
        rest = len(self.problems) - len(shown)
        lines = ["these records cannot be compared", *(f"  {problem}" for problem in shown)]
        lines += [f"  and {rest} more"] * (rest > 0)
        super().__init__(
            "\n".join([*lines, "  keep them apart, in folders of their own (--results), or run one side again"])
        )


def _place(problem: Problem) -> tuple[bool, str, int]:
    """Files first, each from top to bottom, then arguments in the order they were given."""
    argument = (problem.file or "").startswith("argument ")
    return argument, "" if argument else problem.file or "", problem.line or 0


def nearest(value: str, allowed: Iterable[str]) -> str | None:
    """The allowed name closest to `value`, or None where nothing is close."""
    names = list(allowed)
    same = [name for name in names if name.lower() == value.lower()]
    found = same or difflib.get_close_matches(value, names, n=1, cutoff=0.6)
    if not found:
        lowered = {name.lower(): name for name in names}
        found = [lowered[match] for match in difflib.get_close_matches(value.lower(), lowered, n=1, cutoff=0.6)]
    return found[0] if found else None


def did_you_mean(value: str, allowed: Iterable[str]) -> str | None:
    """`did you mean 'x'?`, or None."""
    name = nearest(value, allowed)
    return None if name is None else f"did you mean '{name}'?"


def _listed(allowed: Sequence[str] | str) -> str:
    if isinstance(allowed, str):
        return allowed
    if not allowed:
        return "(none)"
    shown = ", ".join(str(name) for name in allowed[:_SHOWN])
    rest = len(allowed) - _SHOWN
    return shown if rest <= 0 else f"{shown} and {rest} more"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text.replace("\n", " ")
    return text if len(text) <= 80 else f"{text[:77]}..."
