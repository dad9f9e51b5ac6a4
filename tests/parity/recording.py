"""Episodes of the original, with everything that it drew."""

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity.family import Arrays, Family


@dataclass(frozen=True)
class Recording:
    """Whole episodes: for each seed, one of each policy.

    `first`: the observations of the resets, `[episodes, ...]`. `hidden`: what ours begins with, leaves `[episodes,
    ...]`. `action` and `inputs`: what its steps are given; `shown`: what they must give, by quantity; all
    `[episodes, steps, ...]`, zeros where an episode is over. `played`: bool `[episodes, steps]`, False there.
    """

    first: np.ndarray
    hidden: Arrays
    action: np.ndarray
    inputs: Arrays
    shown: Arrays
    played: np.ndarray


# Kept, because what a defect changes is shown on episodes that are compared anyway; nobody writes to it.
@functools.cache
def record(family: Family, difficulty: str, seeds: int) -> Recording:
    """Plays the original: one episode for each of the seeds 0, 1, ... and each policy, in this order."""
    original = family.build_original(difficulty)
    episodes = [
        _episode(family, original, policy, seed) for seed, policy in itertools.product(range(seeds), family.policies)
    ]
    firsts, hiddens, steps = zip(*episodes, strict=True)
    action, inputs, shown = ([episode[part] for episode in steps] for part in ("action", "inputs", "shown"))
    lengths = np.array([len(actions) for actions in action])
    return Recording(
        first=np.stack(firsts),
        hidden={name: np.stack([hidden[name] for hidden in hiddens]) for name in hiddens[0]},
        action=_padded(action),
        inputs={name: _padded([episode[name] for episode in inputs]) for name in inputs[0]},
        shown={name: _padded([episode[name] for episode in shown]) for name in shown[0]},
        played=np.arange(lengths.max()) < lengths[:, None],
    )


def _episode(family: Family, original: Any, policy: str, seed: int) -> tuple[np.ndarray, Arrays, dict[str, Any]]:
    observation, hidden = family.begin(original, seed)
    first, rng = np.array(observation), np.random.default_rng(seed)
    choose = family.choose(policy, original, rng)
    given = family.inputs(original) if family.inputs else itertools.repeat({})
    actions, inputs, shown, done = [], [], [], False
    while not done:
        actions.append(choose(observation))
        inputs.append(next(given))
        observation, reward, terminated, truncated, _ = original.step(actions[-1])
        after = {"observation": observation, "reward": reward, "terminated": terminated, "truncated": truncated}
        shown.append(after | (family.state(original) if family.state else {}))
        done = terminated or truncated
    return first, hidden, {"action": np.array(actions), "inputs": _columns(inputs), "shown": _columns(shown)}


def _columns(rows: list[Arrays]) -> Arrays:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def _padded(episodes: list[np.ndarray]) -> np.ndarray:
    """`[episodes, longest, ...]`, zeros at the ends of those that are shorter."""
    padded = np.zeros((len(episodes), max(map(len, episodes)), *episodes[0].shape[1:]), episodes[0].dtype)
    for row, episode in zip(padded, episodes, strict=True):
        row[: len(episode)] = episode
    return padded
