"""Running statistics that bring observations and rewards to unit scale.

They are part of an algorithm's State, shared by all its environments, and change once an update, after learning: an
update acts and learns with the same ones, so that replay equals rollout. (Where there is nothing to replay, in
`streaming`, they change at every step.) Evaluation only reads them.

Source: Engstrom et al. 2020, "Implementation Matters in Deep Policy Gradients", arXiv 2005.12729, section 3, items 2
and 3; the moments are merged as in Chan, Golub and LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for
Computing Sample Variances".
"""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from memorax.algorithms.acting import Timestep
from memorax.environments.spaces import Box, Dict, Space, Tuple

CLIP = 10.0  # standard deviations beyond which a normalised observation or reward is cut
EPSILON = 1e-8  # added to a variance


@flax.struct.dataclass
class Moments:
    """Of all values seen so far, entry by entry."""

    count: jax.Array  # float32 scalar
    mean: jax.Array
    squares: jax.Array  # sum of squared deviations from the mean

    @property
    def scale(self) -> jax.Array:
        """The standard deviation; 1 before two values were seen."""
        return jnp.sqrt(jnp.where(self.count > 1, self.squares / jnp.maximum(self.count, 1.0), 1.0) + EPSILON)


@flax.struct.dataclass
class RewardStatistics:
    """Rewards are divided by the standard deviation of the discounted return, not centred: their sign has a meaning."""

    running: jax.Array  # [B], discounted sum of the episode's rewards so far
    moments: Moments  # of `running`


@flax.struct.dataclass
class Statistics:
    """None where nothing is normalised."""

    observation: Any = None  # `Moments` at each Box of the observation space, None elsewhere
    reward: RewardStatistics | None = None


def no_moments(shape: tuple[int, ...]) -> Moments:
    return Moments(jnp.float32(0), jnp.zeros(shape), jnp.zeros(shape))


def merged(moments: Moments, x: jax.Array) -> Moments:
    """With more values, `x` [..., *shape]."""
    leading = tuple(range(x.ndim - moments.mean.ndim))
    x = x.astype(jnp.float32)
    new, mean = float(x.size // max(moments.mean.size, 1)), x.mean(leading)
    count, delta = moments.count + new, mean - moments.mean
    squares = moments.squares + ((x - mean) ** 2).sum(leading) + delta**2 * (moments.count * new / count)
    return Moments(count, moments.mean + delta * (new / count), squares)


def initial_statistics(
    observation_space: Space, batch: int, normalize_observations: bool, normalize_rewards: bool
) -> Statistics:
    """Before anything was seen; they leave observations and rewards as they are, up to `CLIP`."""
    return Statistics(
        observation=_observation_moments(observation_space) if normalize_observations else None,
        reward=RewardStatistics(jnp.zeros(batch), no_moments(())) if normalize_rewards else None,
    )


def _observation_moments(space: Space) -> Any:
    match space:
        case Box():
            return no_moments(space.shape)
        case Tuple():
            return tuple(map(_observation_moments, space.spaces))
        case Dict():
            return {name: _observation_moments(child) for name, child in space.spaces}
    return None  # a category has no scale


def _map(function: Any, moments: Any, observation: Any) -> Any:
    return jax.tree.map(function, moments, observation, is_leaf=lambda node: node is None or isinstance(node, Moments))


def normalize_observation(statistics: Statistics, observation: Any) -> Any:
    """Box parts, leaves [..., *shape], to zero mean and unit variance; the others unchanged."""

    def standardized(moments: Moments | None, x: Any) -> Any:
        if moments is None:
            return x
        return jnp.clip((x.astype(jnp.float32) - moments.mean) / moments.scale, -CLIP, CLIP)

    return _map(standardized, statistics.observation, observation)


def normalize_reward(statistics: Statistics, reward: jax.Array) -> jax.Array:
    if statistics.reward is None:
        return reward
    return jnp.clip(reward / statistics.reward.moments.scale, -CLIP, CLIP)


def updated(statistics: Statistics, timesteps: Timestep, last: Timestep, gamma: float) -> Statistics:
    """After a rollout: `timesteps` [T, B, ...] that were acted on, and the `last` one [B, ...], not yet acted on."""

    def grown(moments: Moments | None, x: Any) -> Moments | None:
        return None if moments is None else merged(moments, x)

    observation = _map(grown, statistics.observation, timesteps.observation)
    reward = statistics.reward
    if reward is not None:
        rewards = jnp.concatenate([timesteps.previous_reward[1:], last.previous_reward[None]])  # of the actions taken

        def step(running: jax.Array, x: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            start, reward = x
            running = jnp.where(start, 0.0, gamma * running) + reward
            return running, running

        running, history = jax.lax.scan(step, reward.running, (timesteps.start, rewards))
        reward = RewardStatistics(running, merged(reward.moments, history))
    return Statistics(observation, reward)
