"""Several episodes of one task as one episode: what is learned in the first can be used in the next."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import struct

from memorax.environments.spaces import Dict, Discrete
from memorax.environments.wrappers.base import WrappedState, Wrapper, check_count


@struct.dataclass
class Trial:
    """`key` that every trial is reset with; `number` of trials that have ended, int32."""

    key: jax.Array
    number: jax.Array


@dataclass(frozen=True)
class RL2Trials(Wrapper):
    """`num_trials` episodes of the environment inside, each reset with the same key, make one episode.

    The same key means the same task (arms of a bandit, goal of a maze) and the same first state. Between trials memory
    is kept: only the end of the last trial ends the episode, by `terminated` or `truncated` as it ended.
    Observations become {"observation", "trial_start"}, the latter 1 in each trial's first. At a trial's end the
    observation is the next trial's first; at the last one's, its final.

    Source: Duan et al. 2016, "RL^2: Fast Reinforcement Learning via Slow Reinforcement Learning", arXiv 1611.02779,
    section 2.2. Feed the previous action and reward (`FeatureExtractor`), as the paper does.
    """

    num_trials: int

    def __post_init__(self):
        check_count(self, "num_trials", self.num_trials)

    def map_observation_space(self, space, params):
        return Dict({"observation": space, "trial_start": Discrete(2)})

    def map_max_episode_steps(self, steps):
        return steps * self.num_trials

    def _seen(self, observation, start):
        return {"observation": observation, "trial_start": jnp.asarray(start, jnp.int32)}

    def reset_env(self, key, params):
        observation, env_state = self.env.reset_env(key, params)
        return self._seen(observation, 1), WrappedState(env_state, Trial(key, jnp.int32(0)))

    def step_env(self, key, state, action, params):
        observation, env_state, reward, terminated, truncated, info = self.env.step_env(
            key, state.env_state, action, params
        )
        trial = state.own
        number = trial.number + (terminated | truncated)
        last = number == self.num_trials
        again = (terminated | truncated) & ~last
        first = self.env.reset_env(trial.key, params)
        observation, env_state = jax.tree.map(lambda a, b: jax.lax.select(again, a, b), first, (observation, env_state))
        state = WrappedState(env_state, Trial(trial.key, number))
        return self._seen(observation, again), state, reward, terminated & last, truncated & last, info
