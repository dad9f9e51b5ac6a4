"""What an adapter tells of its tasks before one is made.

A namespace (`memorax.registry.ENVIRONMENTS`) is a module with two functions:

- `make(id, **options) -> (environment, params)`;
- `tasks() -> dict[str, Task]`, id -> what follows, in the order in which people should read them.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Option:
    """A keyword argument of `make`: its type and default, and what it does where its name does not say it."""

    type: Any  # as annotated: int, str, int | None
    default: Any
    doc: str = ""


@dataclass(frozen=True)
class Task:
    """One id of a namespace."""

    module: str  # whose code decides what the task is, so that a change of it changes the identity of results
    package: str  # the distribution whose release decides it as well
    source: str  # paper or project
    version: int = 1  # raised when the task's rules change here, so that results before and after do not meet
    memory: str = ""  # what an agent has to remember; empty where the observation suffices
    quirks: tuple[str, ...] = ()  # what would surprise someone who knows the task from elsewhere
    options: dict[str, Option] = field(default_factory=dict)
