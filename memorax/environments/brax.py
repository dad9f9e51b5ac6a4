"""brax 0.14 (https://github.com/google/brax) under our contract. brax is imported when one is made.

An id names a body, and may fix what is shown of it: `halfcheetah-positions`, `halfcheetah-velocities`. A body is taken
bare: its episodes are cut here, and each begins in a state of its own, where brax's auto-reset would go back to the
first state of all.
"""

import contextlib
import functools
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from memorax import registry
from memorax.environments.spaces import Box
from memorax.environments.tasks import Option, Task
from memorax.environments.types import Environment, largest

# The bodies whose observation is all generalised positions but the root's place, then all generalised velocities.
DIVISIBLE = ("ant", "halfcheetah", "hopper", "inverted_pendulum", "walker2d")
INDIVISIBLE = {  # the others, and why
    "humanoid": "it also shows the inertia and the velocity of every mass, and the forces of the actuators",
    "humanoidstandup": "it also shows the inertia and the velocity of every mass, and the forces of the actuators",
    "inverted_double_pendulum": "it shows sines and cosines in place of the angles",
    "pusher": "it shows the places of the object and of the goal behind the velocities, and not how the object moves",
    "reacher": "it shows sines and cosines in place of the angles, and how the fingertip moves in place of the joints",
}
BROKEN = {"swimmer": "brax 0.14 moves its water with an argument of jax.numpy.clip that jax 0.11 no longer has"}
MEMORY = {  # what an agent has to remember, by what is shown
    "all": "",
    "positions": "the last observation, to infer velocities",
    "velocities": "the positions, as the sum of all velocities",
}
_HEIGHT = "shows the height of the torso in place of the root's second coordinate, and velocities clipped to +-10"
QUIRKS = {
    "hopper": (_HEIGHT,),
    "inverted_double_pendulum": ("velocities are shown clipped to +-10",),
    "walker2d": (_HEIGHT,),
}
BACKENDS = ("generalized", "spring", "positional", "mjx")


def _fixed_options() -> dict[str, tuple[str, dict[str, str]]]:
    """id -> (body, the options that the id fixes). A body's bare name fixes none."""
    tasks = {}
    for body in sorted((*DIVISIBLE, *INDIVISIBLE)):
        tasks[body] = (body, {})
        if body in DIVISIBLE:
            tasks |= {f"{body}-{observe}": (body, {"observe": observe}) for observe in ("positions", "velocities")}
    return tasks


TASKS = _fixed_options()


@struct.dataclass
class BraxParams:
    """`episode_length`: steps after which an episode is cut; may be traced."""

    episode_length: int | jax.Array = 1000


@struct.dataclass
class BraxState:
    """`pipeline_state`: brax's physics, of which `x` holds the place and the rotation of every link. `time`: int32."""

    pipeline_state: Any
    time: jax.Array


@dataclass(frozen=True, eq=False)
class BraxEnvironment(Environment):
    """Adapts one brax body; actions are `[-1, 1]` per actuator, and are not clipped. Both flags may be True at once.

    `shown`: the entries of brax's observation that are shown, from `shown.start` to before `shown.stop`.
    """

    environment: Any
    shown: slice
    default_params: ClassVar[BraxParams] = BraxParams()
    can_truncate: ClassVar[bool] = True

    def observation_space(self, params):
        return Box(-np.inf, np.inf, (self.shown.stop - self.shown.start,))

    def action_space(self, params):
        return Box(-1.0, 1.0, (self.environment.action_size,))

    def max_episode_steps(self, params):
        return largest("episode_length", params.episode_length)

    def reset_env(self, key, params):
        observation, physics = _reset(self.environment, key)
        return observation[self.shown], BraxState(physics, jnp.int32(0))

    def step_env(self, key, state, action, params):
        observation, physics, reward, terminated = _step(self.environment, state.pipeline_state, action)
        time = state.time + 1
        truncated = time >= params.episode_length
        return observation[self.shown], BraxState(physics, time), reward, terminated, truncated, {}


# Physics is long to trace: jit keeps the trace for all who step this body, and for all that is shown of it.
@functools.partial(jax.jit, static_argnums=0)
def _reset(environment, key):
    first = environment.reset(key)
    # Some leaves start with a weak type, which would compile every caller twice.
    physics = jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.result_type(x)), first.pipeline_state)
    return jnp.asarray(first.obs, jnp.float32), physics


@functools.partial(jax.jit, static_argnums=0)
def _step(environment, physics, action):
    from brax.envs import State

    # Of all that brax keeps, a step reads the physics alone; some bodies never set `done`.
    state = environment.step(State(physics, obs=None, reward=jnp.float32(0), done=jnp.float32(0)), action)
    stepped = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), state.pipeline_state, physics)
    return jnp.asarray(state.obs, jnp.float32), stepped, jnp.float32(state.reward), jnp.bool_(state.done)


def make(
    environment_id: str, *, episode_length: int = 1000, backend: str = "generalized", **options: Any
) -> tuple[BraxEnvironment, BraxParams]:
    """The brax body of that id and its params.

    episode_length: steps after which an episode is cut.
    backend: which of brax's engines moves the body; each is another task.
    observe: "all", "positions" or "velocities", where the id does not fix it.
    Raises `ValueError` for an unknown id or option, a value that is not allowed, a body that cannot be shown in part,
    and one that brax itself cannot step.
    """
    body, observe = _body_and_observe(environment_id, options)
    if backend not in BACKENDS:
        raise registry.unknown(f"backend of brax::{environment_id}", backend, BACKENDS)
    if isinstance(episode_length, bool) or not isinstance(episode_length, int) or episode_length < 1:
        raise ValueError(f"brax::{environment_id}: episode_length is {episode_length!r}; it must be an integer >= 1")
    environment, size = _load(body, backend)
    num_velocities = environment.sys.qd_size()
    shown = {
        "all": slice(0, size),
        "positions": slice(0, size - num_velocities),
        "velocities": slice(size - num_velocities, size),
    }[observe]
    return BraxEnvironment(environment, shown), BraxParams(episode_length=episode_length)


def _body_and_observe(environment_id: str, options: dict[str, Any]) -> tuple[str, str]:
    """What an id and the option `observe` ask for; `ValueError` where that cannot be had."""
    body, _, variant = environment_id.partition("-")
    if body in BROKEN:
        raise ValueError(f"brax::{environment_id} cannot be made: {BROKEN[body]}; choose one of {', '.join(TASKS)}")
    for observe in (variant, options.get("observe")):
        if body in INDIVISIBLE and observe in ("positions", "velocities"):
            raise ValueError(
                f"brax::{body} cannot be made with observe={observe!r}: {INDIVISIBLE[body]}; "
                f"make it with observe='all', or one of {', '.join(DIVISIBLE)}"
            )
    if environment_id not in TASKS:
        raise registry.unknown("brax environment", environment_id, TASKS)
    fixed = TASKS[environment_id][1]
    for name in options:
        if name in fixed:
            raise ValueError(
                f"brax::{environment_id} fixes {name}={fixed[name]!r}; to choose it, make 'brax::{body}' instead"
            )
        if name != "observe":
            allowed = {"episode_length", "backend", "observe"} - {*fixed}
            raise registry.unknown(f"option of brax::{environment_id}", name, allowed)
    observe = {"observe": "all", **fixed, **options}["observe"]
    if observe not in MEMORY:
        raise registry.unknown(f"observe of brax::{environment_id}", observe, MEMORY)
    return body, observe


def tasks() -> dict[str, Task]:
    """Every id, as `memorax.environments.tasks` describes."""
    described = {}
    for name, (body, fixed) in TASKS.items():
        options = {
            "episode_length": Option(int, 1000, "steps after which an episode is cut"),
            "backend": Option(str, "generalized", f"the engine, of {', '.join(BACKENDS)}"),
        }
        if body in DIVISIBLE and not fixed:
            options["observe"] = Option(str, "all", "or positions, or velocities: the rest is hidden")
        described[name] = Task(
            module=__name__,
            package="brax",
            source="Freeman et al. 2021, arXiv 2106.13281; brax",
            memory=MEMORY[fixed.get("observe", "all")],
            quirks=QUIRKS.get(body, ()),
            options=options,
        )
    return described


@functools.cache
def _load(name: str, backend: str) -> tuple[Any, int]:
    """brax's environment, which nothing changes, and the size of its observation, read off without computing it."""
    with _without_notices():
        import brax.envs
        import mujoco

        previous = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(_warn_of_mujoco)
        try:
            environment = brax.envs.get_environment(name, backend=backend)
            observation, _ = jax.eval_shape(functools.partial(_reset, environment), jax.random.key(0))
        finally:
            mujoco.set_mju_user_warning(previous)
    return environment, observation.shape[0]


def _warn_of_mujoco(message: str) -> None:
    """Left to itself, mujoco also writes a file into the current folder."""
    if "'settotalmass' is deprecated" not in message:  # in brax's half_cheetah.xml
        warnings.warn(f"mujoco: {message}", stacklevel=2)


@contextlib.contextmanager
def _without_notices() -> Iterator[None]:
    """Holds back that warp, which nothing here uses, is not installed, and that brax's engines are no longer developed.

    Whatever else is printed or warned of in the meantime passes.
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Brax System", UserWarning)
            yield
    finally:
        for line in printed.getvalue().splitlines():
            if not (line.startswith("Failed to import") and line.endswith("No module named 'warp'")):
                print(line)
