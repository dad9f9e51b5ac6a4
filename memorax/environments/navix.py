"""navix 4 (https://github.com/epignatelli/navix), MiniGrid in JAX, under our contract; imported when one is made.

By default the agent sees the 7x7 cells in front of it; navix's own default, the whole grid, hides nothing that matters.
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

OBSERVATIONS = {  # option -> navix's function, and the bounds of tag, colour and state of a cell
    "first_person": ("symbolic_first_person", (1, 0, 0), (9, 5, 2)),
    "full": ("symbolic", (1, 0, 0), (10, 5, 3)),
    "pixels": ("rgb_first_person", 0, 255),
}
NAMED = ("door", "key", "ball", "box")  # what a mission can name
NUM_COLOURS = 6
_CARRIES = "whether it carries the key, and what it has seen where"
_LAYOUT = "walls and openings that have left its view"
MEMORY = {  # the start of an id -> what has to be remembered, seen in first person; the others show all that matters
    "BlockedUnlockPickup": _CARRIES,
    "DoorKey": _CARRIES,
    "FourRooms": _LAYOUT,
    "KeyCorridor": _CARRIES,
    "LavaCrossing": _LAYOUT,
    "LockedRoom": _CARRIES,
    "Memory": "the object in the room behind it, until the corridor forks",
    "MultiRoom": _LAYOUT,
    "ObstructedMaze": _CARRIES,
    "PutNear": "whether it carries the object",
    "RedBlueDoors-8x8": "whether the red door is open",
    "SimpleCrossing": _LAYOUT,
    "Unlock": _CARRIES,
}
_LOSES = "what is picked up replaces what was carried, which is lost: the key, for instance"
_SHORT = "from some places the object and an answer are in view at once"
QUIRKS = {  # the start of an id -> what holds for it; everything that fits counts
    "BlockedUnlockPickup": (_LOSES,),
    "Dynamic-Obstacles": ("to bump into an obstacle, or to pick one up, ends the episode, unrewarded",),
    "Fetch-8x8": ("in 11 of 100 episodes a wrong object looks like the one that the mission names",),
    "GoToDoor": (
        "the episode ends as soon as the agent stands before the door and faces it, whatever its action",
        "in 42 of 100 episodes another door has the colour that the mission names",
    ),
    "GoToObject": ("in 6 of 100 episodes both objects look alike", "the action toggle ends the episode, unrewarded"),
    "KeyCorridor": (
        "the goal is a cell to step on",
        "with two rows or three, most of what looks like a locked door is a wall",
    ),
    "Memory": (
        "the agent starts anywhere in the corridor, facing the fork; unless it starts at the very end, it has to go "
        "back for the object",
    ),
    "MemoryS7": (_SHORT,),
    "MemoryS9": (_SHORT,),
    "MemoryS13Random": (f"in episodes with a short corridor, {_SHORT}",),
    "MemoryS17Random": (f"in episodes with a short corridor, {_SHORT}",),
    "MultiRoom": ("every step costs 0.01",),
    "ObstructedMaze": (_LOSES,),
    "Playground": ("nothing is ever rewarded",),
    "PutNear-6x6": ("in 6 of 100 episodes both objects look alike",),
    "PutNear-8x8": ("in 11 of 100 episodes a wrong object looks like the one to carry",),
    "RedBlueDoors-6x6": ("both doors are in one wall: from before the blue one, the red one is in view",),
    "RedBlueDoors-8x8": ("both doors are in one wall: in 4 of 5 episodes the red one is in view from the blue one",),
}
EVERYWHERE = (
    "a success earns 1, however late (MiniGrid: 1 - 0.9 t / max_steps)",
    "the view goes through walls, except in pixels; no observation shows what the agent carries",
)
TELLS = ("Fetch", "GoToDoor", "GoToObject", "PutNear")  # whose mission the agent is told: it differs by episode
SOURCE = "Pignatelli et al. 2024, arXiv 2407.19396; navix 4"


@struct.dataclass
class NavixParams:
    """`max_steps`: when an episode is cut. `penalty_coeff`: a last reward at step t loses this times t / max_steps."""

    max_steps: int
    penalty_coeff: float = 0.0


@struct.dataclass
class NavixState:
    """What of navix's state lasts from step to step; `told` is the mission as shown, int32 `[n]`, None if none is."""

    t: jax.Array
    grid: jax.Array
    entities: dict[str, Any]
    mission: tuple[Any, ...]
    told: jax.Array | None


@dataclass(frozen=True, eq=False)
class NavixEnvironment(Environment):
    """Adapts one navix environment. `terminated` and `truncated` are never both True: navix drops the cut.

    Where a mission names objects, the observation is a Dict of `view` and `mission`, two entries for each object:
    its colour and its kind (an index into `NAMED`).
    """

    environment: Any
    observation: str
    num_told: int
    can_truncate: ClassVar[bool] = True

    @property
    def default_params(self):
        return NavixParams(self.environment.max_steps, self.environment.penalty_coeff)

    def observation_space(self, params):
        _, low, high = OBSERVATIONS[self.observation]
        view = spaces.Box(np.array(low), np.array(high), self.environment.observation_space.shape, jnp.uint8)
        if not self.num_told:
            return view
        mission = spaces.MultiDiscrete((NUM_COLOURS, len(NAMED)) * self.num_told)
        return spaces.Dict({"mission": mission, "view": view})

    def action_space(self, params):
        return spaces.Discrete(len(self.environment.action_set))

    def max_episode_steps(self, params):
        return largest("max_steps", params.max_steps)

    def reset_env(self, key, params):
        timestep = self.environment.reset(key)
        state = _kept(timestep, _told(timestep.state) if self.num_told else None)
        # Some fields start as Python numbers: a weak type here would compile every caller twice.
        state = jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.result_type(x)), state)
        return self._observed(timestep, state), state

    def step_env(self, key, state, action, params):
        environment = self.environment.replace(max_steps=params.max_steps, penalty_coeff=params.penalty_coeff)
        timestep = environment.step(_timestep(key, state), jnp.asarray(action, jnp.int32))
        stepped = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), _kept(timestep, state.told), state)
        reward, observation = jnp.float32(timestep.reward), self._observed(timestep, stepped)
        terminated, truncated = timestep.is_termination(), timestep.is_truncation()
        # An auto-reset uses the observation twice, and XLA would compute it twice rather than keep it.
        return jax.lax.optimization_barrier((observation, stepped, reward, terminated, truncated, {}))

    def _observed(self, timestep, state):
        if not self.num_told:
            return timestep.observation
        return {"mission": state.told, "view": timestep.observation}


def _kept(timestep: Any, told: jax.Array | None) -> NavixState:
    """What the next step needs of a navix timestep.

    Not the events and the key, which are new at each step, nor the rendering cache: its 5 to 120 KB follow from the
    grid, and each auto-reset would go through them.
    """
    state = timestep.state
    return NavixState(timestep.t, state.grid, state.entities, state.mission, told)


def _timestep(key: jax.Array, state: NavixState) -> Any:
    """The navix timestep that `state` was taken from, with `key` behind whatever its next step draws."""
    from navix.environments import Timestep
    from navix.rendering.cache import RenderingCache
    from navix.states import State

    cache = RenderingCache.init(state.grid)  # dead code unless pixels are observed
    navix_state = State(key=key, grid=state.grid, cache=cache, entities=state.entities, mission=state.mission)
    zero = jnp.int32(0)
    # A step reads neither observation, action nor reward of the timestep before.
    return Timestep(state.t, zero, zero, jnp.float32(0), zero, navix_state, {"return": jnp.float32(0)})


def _told(state: Any) -> jax.Array:
    """Colour and kind of each object that the mission of a first state is about, int32 `[2 * objects]`."""
    words = []
    for target in state.mission:
        there = [
            jnp.any(jnp.all(state.entities[kind].position == target.position, axis=-1))
            if kind in state.entities
            else jnp.bool_(False)
            for kind in NAMED
        ]
        words += [target.colour, jnp.argmax(jnp.stack(there))]
    return jnp.stack([jnp.asarray(word, jnp.int32) for word in words])


def make(
    environment_id: str,
    *,
    observation: str = "first_person",
    max_steps: int | None = None,
    penalty_coeff: float = 0.0,
    **unknown: Any,
) -> tuple[NavixEnvironment, NavixParams]:
    """The navix environment of that id, such as `MemoryS13` for navix's `Navix-MemoryS13-v0`, and its params.

    observation: "first_person", the cells ahead, uint8 `[7, 7, 3]` (what it is, its colour, its state); "full", the
    same of the whole grid; or "pixels", an image of the cells ahead, uint8 `[56, 56, 3]`.
    max_steps, penalty_coeff: see `NavixParams`.
    Raises `ValueError` for an unknown id or option, or a value that is not allowed.
    """
    import navix

    known = _ids()
    if environment_id not in known:
        raise registry.unknown("navix environment", environment_id, known)
    name = f"navix::{environment_id}"
    for option in unknown:
        raise registry.unknown(f"option of {name}", option, ("observation", "max_steps", "penalty_coeff"))
    if observation not in OBSERVATIONS:
        raise registry.unknown(f"observation of {name}", observation, OBSERVATIONS)
    if max_steps is not None and (isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 1):
        raise ValueError(f"{name}: max_steps is {max_steps!r}; it must be an integer >= 1")
    if isinstance(penalty_coeff, bool) or not isinstance(penalty_coeff, int | float) or not penalty_coeff >= 0:
        raise ValueError(f"{name}: penalty_coeff is {penalty_coeff!r}; it must be a number >= 0")

    environment = navix.make(
        known[environment_id],
        observation_fn=getattr(navix.observations, OBSERVATIONS[observation][0]),
        disable_autoreset=True,
        penalty_coeff=float(penalty_coeff),
        **({} if max_steps is None else {"max_steps": max_steps}),
    )
    tells = environment_id.startswith(TELLS)
    num_told = (2 if environment_id.startswith("PutNear") else 1) if tells else 0
    env = NavixEnvironment(environment, observation, num_told)
    return env, env.default_params


def tasks() -> dict[str, Task]:
    """Every id, as `memorax.environments.tasks` describes."""
    described = {}
    for name in _ids():
        _, params = make(name)
        described[name] = Task(
            module=__name__,
            package="navix",
            source=SOURCE,
            memory=next((memory for start, memory in MEMORY.items() if name.startswith(start)), ""),
            quirks=(*(quirk for start in QUIRKS if name.startswith(start) for quirk in QUIRKS[start]), *EVERYWHERE),
            options={
                "observation": Option(str, "first_person", "or full: the whole grid; or pixels: an image of the view"),
                "max_steps": Option(int, params.max_steps, "steps after which an episode is cut"),
                "penalty_coeff": Option(float, 0.0, "times t / max_steps, taken from the last reward unless cut"),
            },
        )
    return described


def _ids() -> dict[str, str]:
    """Our id -> navix's."""
    import navix

    return {name.removeprefix("Navix-").removesuffix("-v0"): name for name in navix.registry()}
