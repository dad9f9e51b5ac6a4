"""POPGym (Morad et al. 2023) rewritten in JAX, step for step equal to popgym 1.0.7; one file per family."""

import inspect
from typing import Any

from memorax import registry
from memorax.environments.popgym.state_observation import StateObservation
from memorax.environments.tasks import Option, Task
from memorax.environments.types import Environment

# The families: "file:Class" -> what has to be remembered. Each file states its difficulties as data, and what it can be
# made with.
FAMILIES = {
    "autoencode:Autoencode": "every card shown, to be recited backwards",
    "battleship:Battleship": "where it has fired, and with what result",
    "concentration:Concentration": "which cards it has seen, and where",
    "count_recall:CountRecall": "how often each card has been shown",
    "higher_lower:HigherLower": "",
    "mine_sweeper:MineSweeper": "which cells it has opened, and what they said",
    "multiarmed_bandit:MultiarmedBandit": "how often each arm has won",
    "noisy_position_only_cart_pole:NoisyPositionOnlyCartPole": "the past, to filter noise and infer velocities",
    "noisy_position_only_pendulum:NoisyPositionOnlyPendulum": "the past, to filter noise and infer the speed",
    "position_only_cart_pole:PositionOnlyCartPole": "the last observation, to infer velocities",
    "position_only_pendulum:PositionOnlyPendulum": "the last observation, to infer the speed",
    "repeat_first:RepeatFirst": "the first card",
    "repeat_previous:RepeatPrevious": "the last k cards, in order",
    "velocity_only_cart_pole:VelocityOnlyCartPole": "the positions, as the sum of all velocities",
}
# What would surprise someone who reads only the paper; ours does as popgym 1.0.7 does.
QUIRKS = {
    "Autoencode": ("the last card is shown with the mode that says `recite`",),
    "Battleship": ("returns reach below -1: a repeated guess is one more miss",),
    "CountRecall": ("the card now shown counts; up to popgym 1.0.6 the largest count could not be answered",),
    "HigherLower": ("counting cards adds at most .03 to what a memoryless agent earns",),
    "MineSweeper": ("a count includes the opened cell itself; the reset shows a 0 as if no mine were near",),
    "MultiarmedBandit": ("the reset shows a 0 as if an arm had lost",),
    "NoisyPositionOnlyCartPole": ("all three difficulties last 200 steps",),
    "NoisyPositionOnlyPendulum": ("all three difficulties last 200 steps",),
    "PositionOnlyPendulum": ("harder means shorter: 200, 150, 100 steps",),
    "RepeatFirst": ("an agent that is fed its previous action needs no other memory: it repeats itself",),
    "RepeatPrevious": ("k counts the card now shown: k = 4 asks for the card three steps before it",),
    "VelocityOnlyCartPole": ("the reset shows positions, every later step velocities",),
}
SOURCE = "Morad et al. 2023, arXiv 2303.01859; popgym 1.0.7"
DIFFICULTIES = ("Easy", "Medium", "Hard")


def _fixed_options() -> dict[str, tuple[str, dict[str, Any]]]:
    """id -> ("module:Class" in this package, the options that the id fixes). A family's bare name fixes none."""
    tasks = {}
    for path in FAMILIES:
        module, family = path.split(":")
        options = registry.resolve(f"{__name__}.{module}:DIFFICULTIES")
        tasks[family] = (path, {})
        tasks |= {family + difficulty: (path, options[difficulty]) for difficulty in DIFFICULTIES}
    return tasks


TASKS = _fixed_options()
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


def tasks() -> dict[str, Task]:
    """Every id, as `memorax.environments.tasks` describes."""
    described = {}
    for name, (path, fixed) in TASKS.items():
        module, _, family = path.partition(":")
        environment = registry.resolve(f"{__name__}.{path}")
        options = {
            parameter.name: Option(parameter.annotation, parameter.default)
            for parameter in inspect.signature(environment.create).parameters.values()
            if parameter.name not in fixed
        }
        options["observation"] = Option(str, "partial", "or state: nothing is hidden")
        described[name] = Task(
            module=f"{__name__}.{module}",
            package="memorax-bench",
            source=SOURCE,
            version=environment.task_version,
            memory=FAMILIES[path],
            quirks=QUIRKS.get(family, ()),
            options=options,
        )
    return described
