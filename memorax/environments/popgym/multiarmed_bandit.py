"""POPGym MultiarmedBandit: find out which arms pay, and pull those."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.popgym import cards, draws
from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.spaces import Box, Dict, Discrete
from memorax.environments.types import largest

DIFFICULTIES = {
    "Easy": {"num_bandits": 10, "episode_length": 200},
    "Medium": {"num_bandits": 20, "episode_length": 400},
    "Hard": {"num_bandits": 30, "episode_length": 600},
}


@struct.dataclass
class MultiarmedBanditParams:
    """`episode_length`: the pulls in an episode."""

    episode_length: int = 200


@struct.dataclass
class MultiarmedBanditState:
    """Exactly one of `seed` and `arms` is present, and which one is static.

    `seed`: uint32 `[2]`, of which the arms are a function, so that a reset need not draw them all and a step computes
    one. `arms`: float32 `[num_bandits]`, the probability with which each arm pays. `time`: int32 scalar, the pulls
    so far.
    """

    seed: jax.Array | None
    arms: jax.Array | None
    time: jax.Array


@dataclass(frozen=True)
class MultiarmedBandit(PopgymEnvironment):
    """Each step pulls one of `num_bandits` arms, which pays with a probability that is the arm's for the episode.

    The probabilities are uniform on [0, 1), drawn anew in every episode. With T = episode_length, a pull that pays
    shows 1 and earns 1/T, one that does not shows 0 and earns -1/T. The reset shows 0, as a loss does, and an
    observation does not tell which arm was pulled.

    Observation: Discrete(2). Action: Discrete(num_bandits). Episode: truncated on step T; never terminated.
    Return: in [-1, 1]; uniform random play averages 0, always pulling the best arm 0.82 / 0.90 / 0.94 (Easy / Medium /
    Hard).

    Full state: `arms`, the probability of each arm; `progress`, the share of the episode that is over. The best
    action is the arm with the largest probability, and what it will earn follows from `progress`; so this suffices.

    Source: Morad et al. 2023, "POPGym: Benchmarking Partially Observable Reinforcement Learning", arXiv 2303.01859;
    popgym 1.0.7, `popgym/envs/multiarmed_bandit.py`.
    """

    num_bandits: int = 10
    task_version: ClassVar[int] = 1
    can_truncate: ClassVar[bool] = True

    def __post_init__(self):
        cards.check_integer("MultiarmedBandit", "num_bandits", self.num_bandits, 1)

    @staticmethod
    def create(
        *, num_bandits: int = 10, episode_length: int = 200
    ) -> tuple["MultiarmedBandit", MultiarmedBanditParams]:
        """The environment and its params; `ValueError` unless num_bandits >= 1 and episode_length >= 1."""
        cards.check_integer("MultiarmedBandit", "episode_length", episode_length, 1)
        return MultiarmedBandit(num_bandits), MultiarmedBanditParams(episode_length=episode_length)

    @property
    def default_params(self) -> MultiarmedBanditParams:
        return MultiarmedBanditParams()

    def observation_space(self, params):
        return Discrete(2)

    def action_space(self, params):
        return Discrete(self.num_bandits)

    def state_space(self, params):
        return Dict({"arms": Box(0.0, 1.0, (self.num_bandits,)), "progress": Box(0.0, 1.0)})

    def max_episode_steps(self, params):
        return largest("episode_length", params.episode_length)

    def reset_env(self, key, params):
        return jnp.int32(0), MultiarmedBanditState(draws.seed_of(key), None, jnp.int32(0))

    def reset_with_arms(self, arms, params):
        """As `reset_env`, but the arms pay with the probabilities `arms`, floats `[num_bandits]`; go on with
        `step_env` or `step_with_draw`. For parity tests.
        """
        arms = jnp.asarray(arms, jnp.float32)
        if arms.shape != (self.num_bandits,):
            raise ValueError(f"MultiarmedBandit: arms have shape {arms.shape}; they need ({self.num_bandits},)")
        return jnp.int32(0), MultiarmedBanditState(None, arms, jnp.int32(0))

    def step_env(self, key, state, action, params):
        return self.step_with_draw(draws.uniform(draws.words(key, 1)[0]), state, action, params)

    def step_with_draw(self, draw, state, action, params):
        """As `step_env`, but the arm pays if `draw`, uniform on [0, 1), is below its probability."""
        pays = draw < self._arm(state, action)
        reward = (jnp.where(pays, 1.0, -1.0) / params.episode_length).astype(jnp.float32)
        time = state.time + 1
        truncated = time >= params.episode_length
        return pays.astype(jnp.int32), state.replace(time=time), reward, jnp.bool_(False), truncated, {}

    def full_state(self, state, params):
        arms = jax.vmap(lambda arm: self._arm(state, arm))(jnp.arange(self.num_bandits))
        return {"arms": arms, "progress": (state.time / params.episode_length).astype(jnp.float32)}

    def _arm(self, state, arm):
        """The probability with which that arm pays, float32 scalar."""
        if state.arms is not None:
            return state.arms[arm]
        return draws.uniform(draws.word(state.seed, arm))
