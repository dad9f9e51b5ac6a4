"""XLand-MiniGrid 0.9 (https://github.com/corl-team/xland-minigrid) under our contract; imported when one is made.

Its ids `MiniGrid-*`: MiniGrid's tasks over a grid of tiles and colours. What its ids `XLand-MiniGrid-*` ask for is
said by a ruleset out of a benchmark that has to be downloaded; without one nothing is ever rewarded.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from memorax import registry
from memorax.environments import spaces
from memorax.environments.tasks import Option, Task
from memorax.environments.types import Environment, largest

_CARRIES = "whether it carries the key, and what it has seen where"
MEMORY = {  # the start of an id, behind "MiniGrid-" -> what has to be remembered; the others show all that matters
    "BlockedUnlockPickUp": _CARRIES,
    "DoorKey": _CARRIES,
    "FourRooms": "walls and openings that have left its view",
    "LockedRoom": _CARRIES,
    "Memory": "the object in the room behind it, until the corridor forks",
    "Unlock": _CARRIES,
}
QUIRKS = {
    "BlockedUnlockPickUp": (
        "in 1 of 16 episodes the object that blocks the door has replaced the key, which leaves no way to the goal",
        "in 1 of 30 episodes that object looks like the one to pick up, and counts as it",
    ),
    "Memory": (
        "the agent starts anywhere in the corridor, facing the fork; unless it starts at the very end, it has to go "
        "back for the object",
    ),
}
EVERYWHERE = (
    "a success at step t earns 1 - 0.9 t / max_steps, as in MiniGrid",
    "the view goes through walls, and does not show what the agent carries",
)
SOURCE = "Nikulin et al. 2023, arXiv 2312.12044; xminigrid 0.9"


@struct.dataclass
class XMinigridParams:
    """`max_steps`: steps after which an episode is cut, and by which a success loses value; may be traced."""

    max_steps: int


@dataclass(frozen=True, eq=False)
class XMinigridEnvironment(Environment):
    """Adapts one xminigrid environment; `settings` is what it calls its params. Both flags are never True at once.

    Observation: the cells ahead of the agent, which is at the middle of the last row, facing up; tile and colour of
    each, uint8 `[view, view, 2]`. Action: forward, right, left, pick up, put down, toggle. The state is xminigrid's
    own, without its key.
    """

    environment: Any
    settings: Any
    can_truncate: ClassVar[bool] = True

    @property
    def default_params(self):
        return XMinigridParams(self.settings.max_steps)

    def observation_space(self, params):
        from xminigrid.core.constants import NUM_COLORS, NUM_TILES

        shape = self.environment.observation_shape(self.settings)
        return spaces.Box(0, np.array([NUM_TILES - 1, NUM_COLORS - 1]), shape, jnp.uint8)

    def action_space(self, params):
        return spaces.Discrete(self.environment.num_actions(self.settings))

    def max_episode_steps(self, params):
        return largest("max_steps", params.max_steps)

    def reset_env(self, key, params):
        first = self.environment.reset(self.settings, key)
        state = first.state.replace(key=None)
        # Some fields start as Python numbers: a weak type here would compile every caller twice.
        state = jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.result_type(x)), state)
        return first.observation, state

    def step_env(self, key, state, action, params):
        from xminigrid.types import StepType, TimeStep

        settings = self.settings.replace(max_steps=params.max_steps)
        # Of the timestep before, a step reads the state alone, and draws nothing.
        before = TimeStep(state, StepType.MID, jnp.float32(0), jnp.float32(1), None)
        after = self.environment.step(settings, before, jnp.asarray(action, jnp.int32))
        stepped = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), after.state, state)
        terminated = jnp.asarray(after.discount == 0, jnp.bool_)
        truncated = jnp.asarray(after.last(), jnp.bool_) & ~terminated
        return after.observation, stepped, jnp.float32(after.reward), terminated, truncated, {}


def make(
    environment_id: str, *, max_steps: int | None = None, view_size: int | None = None, **unknown: Any
) -> tuple[XMinigridEnvironment, XMinigridParams]:
    """The xminigrid environment of that id and its params.

    max_steps: steps after which an episode is cut. view_size: cells along one side of the view, odd, at least 3.
    Raises `ValueError` for an unknown id or option, one that nothing is rewarded in, or a value that is not allowed.
    """
    import xminigrid

    known = xminigrid.registered_environments()
    if environment_id not in known:
        raise registry.unknown("xminigrid environment", environment_id, filter(_rewarded, known))
    if not _rewarded(environment_id):
        raise ValueError(
            f"xminigrid::{environment_id} has no goal: nothing in it is ever rewarded; make one of "
            f"{', '.join(filter(_rewarded, known))}"
        )
    for name in unknown:
        raise registry.unknown(f"option of xminigrid::{environment_id}", name, ("max_steps", "view_size"))
    given = {"max_steps": max_steps, "view_size": view_size}
    environment, settings = xminigrid.make(
        environment_id, **{name: value for name, value in given.items() if value is not None}
    )
    for name, least in (("max_steps", 1), ("view_size", 3)):
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"xminigrid::{environment_id}: {name} is {value!r}; it must be an integer >= {least}")
    if settings.view_size % 2 == 0:
        raise ValueError(
            f"xminigrid::{environment_id}: view_size is {settings.view_size}; it must be odd, as the agent is in the "
            f"middle; take {settings.view_size - 1} or {settings.view_size + 1}"
        )
    return XMinigridEnvironment(environment, settings), XMinigridParams(settings.max_steps)


def tasks() -> dict[str, Task]:
    """Every id that rewards something, as `memorax.environments.tasks` describes."""
    import xminigrid

    described = {}
    for name in filter(_rewarded, xminigrid.registered_environments()):
        settings = xminigrid.make(name)[1]
        family = name.removeprefix("MiniGrid-")
        described[name] = Task(
            module=__name__,
            package="xminigrid",
            source=SOURCE,
            memory=next((memory for start, memory in MEMORY.items() if family.startswith(start)), ""),
            quirks=(*(quirk for start in QUIRKS if family.startswith(start) for quirk in QUIRKS[start]), *EVERYWHERE),
            options={
                "max_steps": Option(int, settings.max_steps, "steps after which an episode is cut"),
                "view_size": Option(int, settings.view_size, "cells along one side of the view, odd"),
            },
        )
    return described


def _rewarded(environment_id: str) -> bool:
    return environment_id.startswith("MiniGrid-") and environment_id != "MiniGrid-Playground"
