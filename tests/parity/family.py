"""How a family of tasks is played for a comparison."""

import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from memorax.environments import make

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Outcome:
    """What makes a policy worth playing: the return of each of its episodes is `within`, and these flags end it."""

    within: tuple[float, float] = (-math.inf, math.inf)
    terminated: bool | None = None
    truncated: bool | None = None

    def fits(self, returns: np.ndarray, terminated: np.ndarray, truncated: np.ndarray) -> bool:
        """Whether all episodes, each argument being `[episodes]`, are like this; returns to four digits."""
        low, high = self.within
        return (
            bool(np.all((returns > low - 1e-4) & (returns < high + 1e-4)))
            and (self.terminated is None or bool(np.all(terminated == self.terminated)))
            and (self.truncated is None or bool(np.all(truncated == self.truncated)))
        )


ANYTHING = Outcome()
ALL, NOTHING = Outcome(within=(1, 1)), Outcome(within=(-1, -1))  # of what there is to be won


def step_env(env: Any, inputs: Arrays, state: Any, action: Any, params: Any) -> Any:
    """A step of ours that draws nothing, so that any key will do."""
    return env.step_env(jax.random.key(0), state, action, params)


# Compared by identity, so that what was recorded can be kept by family.
@dataclass(frozen=True, eq=False)
class Family:
    """How the tasks of one family are played.

    `policies`: name -> what its episodes are like. `choose(policy, original, rng)`, called after the reset, gives the
    rule for actions, `observation -> action`; it may look at all that the original hides.
    `begin(original, seed)` resets the original and gives its first observation and what it hides; `reset(env, hidden,
    params)` resets ours to the same.
    `inputs(original)`, called after the reset, gives what the original's steps draw, or begin from, as one dict a step,
    each taken when the step is about to be done; `step(env, inputs, state, action, params)` is the same step of ours.
    `state(original)` is what the original hides after a step, to be found under the same names in our full state.
    """

    name: str
    policies: Mapping[str, Outcome]
    choose: Callable[[str, Any, np.random.Generator], Callable[[Any], Any]]
    begin: Callable[[Any, int], tuple[Any, Arrays]]
    reset: Callable[[Any, Arrays, Any], tuple[Any, Any]]
    inputs: Callable[[Any], Iterator[Arrays]] | None = None
    step: Callable[[Any, Arrays, Any, Any, Any], Any] = step_env
    state: Callable[[Any], Arrays] | None = None

    def build(self, difficulty: str) -> tuple[Any, Any]:
        """Our environment and its params."""
        return make(f"popgym::{self.name}{difficulty}")

    def build_original(self, difficulty: str) -> Any:
        """The original, on its own."""
        return getattr(importlib.import_module("popgym.envs"), self.name + difficulty)()
