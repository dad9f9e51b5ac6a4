"""POPGym (Morad et al. 2023) rewritten in JAX, step for step equal to popgym 1.0.7; one file per family."""

import inspect
from typing import Any

from memorax import registry
from memorax.environments.popgym import higher_lower, repeat_first, repeat_previous
from memorax.environments.types import Environment

# id -> ("module:Class" in this package, the options that the id fixes). A family's bare name fixes none.
TASKS = {
    "HigherLower": ("higher_lower:HigherLower", {}),
    "HigherLowerEasy": ("higher_lower:HigherLower", higher_lower.DIFFICULTIES["Easy"]),
    "HigherLowerMedium": ("higher_lower:HigherLower", higher_lower.DIFFICULTIES["Medium"]),
    "HigherLowerHard": ("higher_lower:HigherLower", higher_lower.DIFFICULTIES["Hard"]),
    "RepeatFirst": ("repeat_first:RepeatFirst", {}),
    "RepeatFirstEasy": ("repeat_first:RepeatFirst", repeat_first.DIFFICULTIES["Easy"]),
    "RepeatFirstMedium": ("repeat_first:RepeatFirst", repeat_first.DIFFICULTIES["Medium"]),
    "RepeatFirstHard": ("repeat_first:RepeatFirst", repeat_first.DIFFICULTIES["Hard"]),
    "RepeatPrevious": ("repeat_previous:RepeatPrevious", {}),
    "RepeatPreviousEasy": ("repeat_previous:RepeatPrevious", repeat_previous.DIFFICULTIES["Easy"]),
    "RepeatPreviousMedium": ("repeat_previous:RepeatPrevious", repeat_previous.DIFFICULTIES["Medium"]),
    "RepeatPreviousHard": ("repeat_previous:RepeatPrevious", repeat_previous.DIFFICULTIES["Hard"]),
}


def make(task: str, **options: Any) -> tuple[Environment, Any]:
    """The task of that id and its params. Options are those of its family's `create`, less what the id fixes.

    Raises `ValueError` for an id that is not in `TASKS`, an option that is unknown or fixed, or a value not allowed.
    """
    if task not in TASKS:
        raise registry.unknown("popgym task", task, TASKS)
    path, fixed = TASKS[task]
    create = registry.resolve(f"{__name__}.{path}").create
    for name in options:
        if name in fixed:
            family = path.partition(":")[2]
            raise ValueError(
                f"popgym::{task} fixes {name}={fixed[name]}; to choose it, make 'popgym::{family}' instead"
            )
        if name not in inspect.signature(create).parameters:
            raise registry.unknown(
                f"option of popgym::{task}", name, set(inspect.signature(create).parameters) - {*fixed}
            )
    return create(**fixed, **options)
