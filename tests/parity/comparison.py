"""Ours after the original, step by step: what was compared, and where they differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from memorax.environments.spaces import Box, Discrete, MultiDiscrete, Space, Tuple
from parity.family import Arrays, Family
from parity.recording import Recording, record

SEEDS = 20
TOLERANCE = 1e-6  # of floats; integers and flags must be equal


@dataclass(frozen=True)
class Comparison:
    """What was compared for one task, and where it differed.

    `policies`: each played `episodes / len(policies)` whole episodes, of `steps` steps all together. `compared`:
    quantity -> the largest difference allowed. `mismatches`: each quantity that differs more than that -> in how many
    steps; `first` (the observation of a reset) counts episodes, `spaces` counts spaces. `unlike`: the policies that did
    not play as they were meant to, so that what they stand for was not compared after all.
    """

    task: str
    policies: tuple[str, ...]
    episodes: int
    steps: int
    compared: Mapping[str, float]
    mismatches: Mapping[str, int]
    unlike: tuple[str, ...]


def compare(family: Family, difficulty: str, seeds: int = SEEDS) -> Comparison:
    """Plays one task of ours after the original, one episode for each seed and policy."""
    env, params = family.build(difficulty)
    recording = record(family, difficulty, seeds)
    shown = play_ours(family, env, params, recording)
    found = mismatches(shown, recording)
    differing = different_spaces(env, params, family.build_original(difficulty))
    return Comparison(
        task=family.name + difficulty,
        policies=tuple(family.policies),
        episodes=len(recording.first),
        steps=int(recording.played.sum()),
        compared={"spaces": 0} | {name: tolerance(values) for name, values in shown.items()},
        mismatches=found | ({"spaces": differing} if differing else {}),
        unlike=unlike(family, recording),
    )


def play_ours(family: Family, env: Any, params: Any, recording: Recording) -> Arrays:
    """What ours shows in the same episodes: `first` is `[episodes, ...]`, other quantities `[episodes, steps, ...]`.

    Ours steps on where an episode is over; what it shows there means nothing.
    """
    as_array = lambda x: jnp.stack(x, axis=-1) if isinstance(x, tuple) else x  # noqa: E731
    hidden_names = recording.shown.keys() - {"observation", "reward", "terminated", "truncated"}

    def episode(hidden, actions, inputs):
        first, state = family.reset(env, hidden, params)

        def step(state, given):
            action, inputs = given
            observation, state, reward, terminated, truncated, _ = family.step(env, inputs, state, action, params)
            shown = {"observation": as_array(observation), "reward": reward}
            full = env.full_state(state, params)
            flags = {"terminated": terminated, "truncated": truncated}
            return state, shown | flags | {name: full[name] for name in sorted(hidden_names)}

        return {"first": as_array(first), **jax.lax.scan(step, state, (actions, inputs))[1]}

    actions = recording.action.astype(env.action_space(params).dtype)
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(episode))(recording.hidden, actions, recording.inputs))


def tolerance(values: np.ndarray) -> float:
    """The largest difference allowed, by the type of what ours shows."""
    return TOLERANCE if np.issubdtype(values.dtype, np.floating) else 0.0


def mismatches(ours: Arrays, recording: Recording) -> dict[str, int]:
    """How many steps (episodes, for `first`) differ in each quantity that differs anywhere."""
    counts = {"first": np.sum(_differ(ours["first"], recording.first, 1))}
    for name, values in recording.shown.items():
        counts[name] = np.sum(_differ(ours[name], values, 2) & recording.played)
    return {name: int(count) for name, count in counts.items() if count}


def _differ(ours: np.ndarray, original: np.ndarray, num_axes: int) -> np.ndarray:
    """Over all but the first `num_axes` axes: whether anything differs; what is no number differs from everything."""
    assert ours.shape == original.shape, (ours.shape, original.shape)
    agree = np.abs(ours.astype(np.float64) - original) <= tolerance(ours)
    return ~agree.reshape(*agree.shape[:num_axes], -1).all(-1)


def unlike(family: Family, recording: Recording) -> tuple[str, ...]:
    """The policies with an episode that is not as their `Outcome` says."""
    shown, policies = recording.shown, family.policies
    returns = (shown["reward"] * recording.played).sum(1)
    ends = [returns, *((shown[flag] & recording.played).any(1) for flag in ("terminated", "truncated"))]
    by_policy = [x.reshape(-1, len(policies)).T for x in ends]
    return tuple(
        name
        for name, outcome, *episodes in zip(policies, policies.values(), *by_policy, strict=True)
        if not outcome.fits(*episodes)
    )


def different_spaces(env: Any, params: Any, original: Any) -> int:
    """How many of the two spaces, of observations and of actions, are not those of the original."""
    ours = (env.observation_space(params), env.action_space(params))
    theirs = (original.observation_space, original.action_space)
    return sum(a != as_ours(b) for a, b in zip(ours, theirs, strict=True))


def as_ours(space: gymnasium.Space) -> Space:
    """A space of the original in our terms."""
    match space:
        case gymnasium.spaces.Discrete(start=0):
            return Discrete(int(space.n))
        case gymnasium.spaces.MultiDiscrete():
            return MultiDiscrete(tuple(space.nvec.tolist()))
        case gymnasium.spaces.Box():
            return Box(tuple(space.low.ravel()), tuple(space.high.ravel()), space.shape, space.dtype)
        case gymnasium.spaces.Tuple():
            return Tuple(tuple(map(as_ours, space.spaces)))
    raise ValueError(f"the original has the space {space!r}, for which we have no word")
