"""The contract of every environment: gymnax's functional API with a few promises added.

Environments are unbatched and pure; callers `vmap` them. What varies between runs of one program lives in `params`, a
frozen `flax.struct.dataclass` whose numeric fields may be traced; what fixes shapes lives in the environment.
"""

import abc
from typing import Any, final

import jax
import numpy as np

from memorax.environments.spaces import Space

Observation = Any
State = Any
Params = Any
Transition = tuple[Observation, State, jax.Array, jax.Array, jax.Array, dict[str, Any]]


class Environment(abc.ABC):
    """A partially observable decision process.

    An adapter or a task implements the abstract members; `reset` and `step` are written here, once, and are what an
    algorithm calls. A leaf of the state keeps its shape and its dtype from reset to the end.
    """

    @property
    @abc.abstractmethod
    def default_params(self) -> Params:
        """Parameters with which this environment is playable."""

    @property
    @abc.abstractmethod
    def can_truncate(self) -> bool:
        """Static: False promises that `truncated` is never True, so that bootstrapping at cuts can be left out."""

    @abc.abstractmethod
    def observation_space(self, params: Params) -> Space:
        """The space of one observation. `params` must be concrete where bounds depend on them."""

    @abc.abstractmethod
    def action_space(self, params: Params) -> Space:
        """The space of one action. `params` must be concrete where bounds depend on them."""

    @abc.abstractmethod
    def max_episode_steps(self, params: Params) -> int:
        """Upper bound of the steps in an episode; for stacked `params`, the largest. `params` must be concrete."""

    @abc.abstractmethod
    def reset_env(self, key: jax.Array, params: Params) -> tuple[Observation, State]:
        """The first observation of an episode and the state behind it."""

    @abc.abstractmethod
    def step_env(self, key: jax.Array, state: State, action: Any, params: Params) -> Transition:
        """One step without auto-reset; see `step` for what is returned. Stepping past the end is undefined."""

    @final
    def reset(self, key: jax.Array, params: Params) -> tuple[Observation, State]:
        """Starts an episode: `(observation, state)`."""
        return self.reset_env(key, params)

    @final
    def step(self, key: jax.Array, state: State, action: Any, params: Params) -> Transition:
        """One step; where it ends the episode, the next episode has already begun in what is returned.

        Returns `(observation, state, reward, terminated, truncated, info)`:

        - `observation`, `state`: to act on next. If `terminated | truncated` they belong to the new episode.
        - `reward`: float32 scalar, earned by `action`; it belongs to the old episode.
        - `terminated`: bool scalar, the task ended; nothing is earned after it.
        - `truncated`: bool scalar, the episode was cut, by a time limit for instance, and would have gone on. Both
          flags may be True; then `terminated` counts: the return is not bootstrapped.
        - `info`: a dict of arrays with the same structure at every step. `info["final_observation"]` is the observation
          that `action` led to, before any reset: the old episode's last one at its end, else equal to `observation`.
        """
        # Two folds, not a split: a key that an environment does not use is then never computed.
        step_key, reset_key = jax.random.fold_in(key, 0), jax.random.fold_in(key, 1)
        stepped_observation, stepped_state, reward, terminated, truncated, info = self.step_env(
            step_key, state, action, params
        )
        observation, state = _where(
            terminated | truncated, self.reset_env(reset_key, params), (stepped_observation, stepped_state)
        )
        return observation, state, reward, terminated, truncated, {**info, "final_observation": stepped_observation}


def _where(done: jax.Array, fresh: Any, stepped: Any) -> Any:
    if jax.tree.structure(fresh) != jax.tree.structure(stepped):
        raise ValueError(
            f"auto-reset: reset_env returns the structure {jax.tree.structure(fresh)}, but step_env returns "
            f"{jax.tree.structure(stepped)}; make them equal, or use step_env (a state with an injected order has no "
            "successor episode)"
        )
    return jax.tree.map(lambda a, b: jax.lax.select(done, a, b), fresh, stepped)


def largest(name: str, value: Any) -> int:
    """The largest entry of a parameter that bounds an episode; `ValueError` if it is being traced."""
    if isinstance(value, jax.core.Tracer):
        raise ValueError(
            f"max_episode_steps needs a concrete {name}, but it is traced; call it outside of jit and vmap "
            "(stacked params give the largest bound)"
        )
    return int(np.max(value))
