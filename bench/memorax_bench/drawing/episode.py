"""Plays an episode with random actions; what comes out is numpy, so that nothing else here needs jax."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.popgym.state_observation import StateObservation
from memorax.environments.types import Environment
from memorax_bench.measured.inventory import describe


@dataclass(frozen=True)
class Episode:
    """The first T steps of an episode, or all of it.

    `observations`, `states` and `full` have leaves `[T+1, ...]`: entry t is what the t-th action answers to, the last
    what the last action led to. `actions` has leaves `[T, ...]`; `rewards` (float32), `terminated` and `truncated`
    (bool) are `[T]`. `full` is the full state of a POPGym task, by name; None for other tasks. `spaces` are those of
    an observation and of an action, as text; `max_steps` is the longest that an episode can be.
    """

    task: str
    options: Mapping[str, Any]
    seed: int
    env: Environment
    params: Any
    spaces: tuple[str, str]
    max_steps: int
    observations: Any
    states: Any
    full: Mapping[str, np.ndarray] | None
    actions: Any
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray

    @property
    def length(self) -> int:
        """T, the steps played."""
        return len(self.rewards)

    @property
    def is_over(self) -> bool:
        """Whether the episode ended with the last step."""
        return bool(self.terminated[-1] | self.truncated[-1])

    def cut(self, steps: int) -> "Episode":
        """At most the first `steps` steps of it."""
        return replace(
            self,
            observations=_first(self.observations, steps + 1),
            states=_first(self.states, steps + 1),
            full=_first(self.full, steps + 1),
            actions=_first(self.actions, steps),
            rewards=self.rewards[:steps],
            terminated=self.terminated[:steps],
            truncated=self.truncated[:steps],
        )


def play(task: str, options: Mapping[str, Any], env: Environment, params: Any, seed: int, most_steps: int) -> Episode:
    """The first episode under `seed`, up to `most_steps` steps of it, with actions drawn uniformly.

    `task` and `options` are the names that `env` and `params` were made by.
    """
    max_steps = int(env.max_episode_steps(params))
    spaces = env.observation_space(params), env.action_space(params)
    observations, states, full, actions, rewards, terminated, truncated = _rollout(
        env, params, spaces[1], seed, min(max_steps, most_steps)
    )
    ends = np.flatnonzero(terminated | truncated)
    length = int(ends[0]) + 1 if ends.size else len(rewards) - 1
    whole = Episode(
        task=task,
        options=dict(options),
        seed=seed,
        env=env,
        params=params,
        spaces=(describe(spaces[0]), describe(spaces[1])),
        max_steps=max_steps,
        observations=observations,
        states=states,
        full=full,
        actions=actions,
        rewards=rewards,
        terminated=terminated,
        truncated=truncated,
    )
    return whole.cut(length)


def _first(tree: Any, count: int) -> Any:
    return jax.tree.map(lambda x: x[:count], tree)


def _rollout(env: Environment, params: Any, action_space: Any, seed: int, length: int) -> tuple[Any, ...]:
    """What is before each of `length` + 1 steps and what comes of it, as numpy arrays.

    The last step is played for what is before it. Steps past an end are played, too, and mean nothing.
    """
    task = env.env if isinstance(env, StateObservation) else env
    has_full_state = isinstance(task, PopgymEnvironment)

    def step(carry, key):
        observation, state = carry
        action_key, step_key = jax.random.split(key)
        action = action_space.sample(action_key)
        full = task.full_state(state, params) if has_full_state else None
        next_observation, next_state, reward, terminated, truncated, _ = env.step_env(step_key, state, action, params)
        shown = observation, state, full, action, reward, terminated, truncated
        return (next_observation, next_state), jax.tree.map(_plain, shown)

    @jax.jit
    def episode(key):
        reset_key, steps_key = jax.random.split(key)
        return jax.lax.scan(step, env.reset_env(reset_key, params), jax.random.split(steps_key, length + 1))[1]

    return jax.tree.map(np.asarray, episode(jax.random.key(seed)))


def _plain(x: jax.Array) -> jax.Array:
    """As numpy can hold it: a typed key as its words."""
    return jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x
