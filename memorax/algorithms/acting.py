"""Acting: what an agent knows before it acts, how that becomes a network's input, and how episodes are counted.

Shared by every algorithm, in collecting, learning and evaluation alike, so that no two of them can disagree.
"""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np

from memorax import lox
from memorax.environments.encode import encode
from memorax.environments.spaces import Box, Space
from memorax.environments.types import Environment
from memorax.networks.types import Inputs


@flax.struct.dataclass
class Timestep:
    """What is known when an action is due; leaves [B, ...] or [B, T, ...], stored as their spaces say.

    Where `start` is True there is no previous action or reward: whatever is stored there is not seen.
    """

    observation: Any
    start: jax.Array  # bool
    previous_action: Any
    previous_reward: jax.Array  # float32


@flax.struct.dataclass
class Outcome:
    """What came of an action, leaves [B, ...]."""

    action: Any  # as it was done
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    info: dict

    @property
    def done(self) -> jax.Array:
        return self.terminated | self.truncated

    @property
    def cut(self) -> jax.Array:
        """Where a limit ended an episode that would have gone on."""
        return self.truncated & ~self.terminated


@flax.struct.dataclass
class EpisodeSums:
    """Episodes that ended, in sums that add up over steps, environments and updates."""

    count: jax.Array
    return_sum: jax.Array
    length_sum: jax.Array

    def log(self) -> dict[str, jax.Array]:
        return {
            "episode/count": self.count,
            "episode/return_sum": self.return_sum,
            "episode/length_sum": self.length_sum,
        }


def first_timestep(observation: Any, action_space: Space) -> Timestep:
    """At the reset of B environments."""
    batch = jax.tree.leaves(observation)[0].shape[0]
    return Timestep(
        observation=observation,
        start=jnp.ones(batch, bool),
        previous_action=action_space.zeros((batch,)),
        previous_reward=jnp.zeros(batch),
    )


def network_inputs(timestep: Timestep, observation_space: Space, action_space: Space) -> Inputs:
    """Encoded inputs; the previous action and reward are zeros at an episode's start."""
    going_on = ~timestep.start
    previous_action = encode(action_space, timestep.previous_action)
    return Inputs(
        observation=encode(observation_space, timestep.observation),
        start=timestep.start,
        previous_action=previous_action
        * going_on.reshape(*going_on.shape, *[1] * (previous_action.ndim - going_on.ndim)),
        previous_reward=timestep.previous_reward * going_on,
    )


def to_space(space: Space, action: Any) -> Any:
    """What is done when a policy draws `action`, leaves [..., *shape]: an action as `space` has it.

    Where a Box has finite bounds, [-1, 1] is mapped onto them and what lies outside is clipped; a policy's actions are
    of unit scale in every task. Everything else is done as drawn.
    """
    if not isinstance(space, Box):
        return action
    low, high = space.bounds()
    action = action.reshape(*action.shape[:-1], *space.shape)
    if not np.isfinite([low, high]).all():
        return action.astype(space.dtype)
    return (low + (jnp.clip(action, -1.0, 1.0) + 1.0) / 2.0 * (high - low)).astype(space.dtype)


def single_step(inputs: Inputs) -> Inputs:
    """Inputs with leaves [B, ...] as a sequence of one step, [B, 1, ...]."""
    return jax.tree.map(lambda leaf: leaf[:, None], inputs)


def step_environments(key: jax.Array, env: Environment, env_params: Any, env_state: Any, action: Any) -> Any:
    """One step of each of B environments, leaves [B, ...] -> what `Environment.step` returns, of all."""
    keys = jax.random.split(key, jax.tree.leaves(action)[0].shape[0])
    return jax.vmap(env.step, in_axes=(0, 0, 0, None))(keys, env_state, action, env_params)


def episode_sums(info: dict, done: jax.Array) -> EpisodeSums:
    """Of one step of B environments; zeros unless `RecordEpisodeStatistics` wraps the environment."""
    zero = jnp.zeros(())
    if "episode" not in info:
        return EpisodeSums(zero, zero, zero)
    ended = done.astype(jnp.float32)
    episode = info["episode"]
    return EpisodeSums(ended.sum(), (ended * episode["return"]).sum(), (ended * episode["length"]).sum())


def log_update(step: jax.Array, sums: EpisodeSums, **values: jax.Array) -> None:
    """The one row that an update logs. `values` are named group__name."""
    row = {name.replace("__", "/"): value for name, value in values.items()}
    lox.log({"step": step, **sums.log(), **row})
