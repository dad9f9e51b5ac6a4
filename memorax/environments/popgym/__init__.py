"""POPGym (Morad et al. 2023) rewritten in JAX, step for step equal to popgym 1.0.7; one file per family."""

import inspect
from typing import Any

from memorax import registry
from memorax.environments.popgym import (
    autoencode,
    concentration,
    count_recall,
    higher_lower,
    multiarmed_bandit,
    repeat_first,
    repeat_previous,
)
from memorax.environments.popgym.state_observation import StateObservation
from memorax.environments.types import Environment

# id -> ("module:Class" in this package, the options that the id fixes). A family's bare name fixes none.
TASKS = {
    "Autoencode": ("autoencode:Autoencode", {}),
    "AutoencodeEasy": ("autoencode:Autoencode", autoencode.DIFFICULTIES["Easy"]),
    "AutoencodeMedium": ("autoencode:Autoencode", autoencode.DIFFICULTIES["Medium"]),
    "AutoencodeHard": ("autoencode:Autoencode", autoencode.DIFFICULTIES["Hard"]),
    "Concentration": ("concentration:Concentration", {}),
    "ConcentrationEasy": ("concentration:Concentration", concentration.DIFFICULTIES["Easy"]),
    "ConcentrationMedium": ("concentration:Concentration", concentration.DIFFICULTIES["Medium"]),
    "ConcentrationHard": ("concentration:Concentration", concentration.DIFFICULTIES["Hard"]),
    "CountRecall": ("count_recall:CountRecall", {}),
    "CountRecallEasy": ("count_recall:CountRecall", count_recall.DIFFICULTIES["Easy"]),
    "CountRecallMedium": ("count_recall:CountRecall", count_recall.DIFFICULTIES["Medium"]),
    "CountRecallHard": ("count_recall:CountRecall", count_recall.DIFFICULTIES["Hard"]),
    "HigherLower": ("higher_lower:HigherLower", {}),
    "HigherLowerEasy": ("higher_lower:HigherLower", higher_lower.DIFFICULTIES["Easy"]),
    "HigherLowerMedium": ("higher_lower:HigherLower", higher_lower.DIFFICULTIES["Medium"]),
    "HigherLowerHard": ("higher_lower:HigherLower", higher_lower.DIFFICULTIES["Hard"]),
    "MultiarmedBandit": ("multiarmed_bandit:MultiarmedBandit", {}),
    "MultiarmedBanditEasy": ("multiarmed_bandit:MultiarmedBandit", multiarmed_bandit.DIFFICULTIES["Easy"]),
    "MultiarmedBanditMedium": ("multiarmed_bandit:MultiarmedBandit", multiarmed_bandit.DIFFICULTIES["Medium"]),
    "MultiarmedBanditHard": ("multiarmed_bandit:MultiarmedBandit", multiarmed_bandit.DIFFICULTIES["Hard"]),
    "RepeatFirst": ("repeat_first:RepeatFirst", {}),
    "RepeatFirstEasy": ("repeat_first:RepeatFirst", repeat_first.DIFFICULTIES["Easy"]),
    "RepeatFirstMedium": ("repeat_first:RepeatFirst", repeat_first.DIFFICULTIES["Medium"]),
    "RepeatFirstHard": ("repeat_first:RepeatFirst", repeat_first.DIFFICULTIES["Hard"]),
    "RepeatPrevious": ("repeat_previous:RepeatPrevious", {}),
    "RepeatPreviousEasy": ("repeat_previous:RepeatPrevious", repeat_previous.DIFFICULTIES["Easy"]),
    "RepeatPreviousMedium": ("repeat_previous:RepeatPrevious", repeat_previous.DIFFICULTIES["Medium"]),
    "RepeatPreviousHard": ("repeat_previous:RepeatPrevious", repeat_previous.DIFFICULTIES["Hard"]),
}


OBSERVATIONS = ("partial", "state")


def make(task: str, *, observation: str = "partial", **options: Any) -> tuple[Environment, Any]:
    """The task of that id and its params. Options are those of its family's `create`, less what the id fixes.

    observation: "partial", as the task is meant, or "state", the full state: a memoryless agent that sees it bounds
    from above what a memory can be worth.
    Raises `ValueError` for an id that is not in `TASKS`, an option that is unknown or fixed, or a value not allowed.
    """
    if task not in TASKS:
        raise registry.unknown("popgym task", task, TASKS)
    if observation not in OBSERVATIONS:
        raise registry.unknown(f"observation of popgym::{task}", observation, OBSERVATIONS)
    path, fixed = TASKS[task]
    create = registry.resolve(f"{__name__}.{path}").create
    for name in options:
        if name in fixed:
            family = path.partition(":")[2]
            raise ValueError(
                f"popgym::{task} fixes {name}={fixed[name]}; to choose it, make 'popgym::{family}' instead"
            )
        if name not in inspect.signature(create).parameters:
            allowed = {*inspect.signature(create).parameters, "observation"} - {*fixed}
            raise registry.unknown(f"option of popgym::{task}", name, allowed)
    env, params = create(**fixed, **options)
    return (StateObservation(env) if observation == "state" else env), params
