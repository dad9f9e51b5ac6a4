"""POPGym (Morad et al. 2023) rewritten in JAX, step for step equal to popgym 1.0.7; one file per family."""

import inspect
from typing import Any

from memorax import registry
from memorax.environments.popgym.state_observation import StateObservation
from memorax.environments.types import Environment

# The families: class stem = file. Each file states its difficulties as data, and what it can be made with.
FAMILIES = (
    "autoencode:Autoencode",
    "battleship:Battleship",
    "concentration:Concentration",
    "count_recall:CountRecall",
    "higher_lower:HigherLower",
    "mine_sweeper:MineSweeper",
    "multiarmed_bandit:MultiarmedBandit",
    "noisy_position_only_cart_pole:NoisyPositionOnlyCartPole",
    "noisy_position_only_pendulum:NoisyPositionOnlyPendulum",
    "position_only_cart_pole:PositionOnlyCartPole",
    "position_only_pendulum:PositionOnlyPendulum",
    "repeat_first:RepeatFirst",
    "repeat_previous:RepeatPrevious",
    "velocity_only_cart_pole:VelocityOnlyCartPole",
)
DIFFICULTIES = ("Easy", "Medium", "Hard")


def _tasks() -> dict[str, tuple[str, dict[str, Any]]]:
    """id -> ("module:Class" in this package, the options that the id fixes). A family's bare name fixes none."""
    tasks = {}
    for path in FAMILIES:
        module, family = path.split(":")
        options = registry.resolve(f"{__name__}.{module}:DIFFICULTIES")
        tasks[family] = (path, {})
        tasks |= {family + difficulty: (path, options[difficulty]) for difficulty in DIFFICULTIES}
    return tasks


TASKS = _tasks()
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
