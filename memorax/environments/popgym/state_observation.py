"""The oracle: a POPGym task that hides nothing."""

from dataclasses import dataclass

from memorax.environments.popgym.base import PopgymEnvironment
from memorax.environments.types import Environment


@dataclass(frozen=True)
class StateObservation(Environment):
    """Observes the full state of `env` in place of what `env` shows.

    States, rewards, flags, lengths and the use of keys are those of `env`, so episodes under the same keys and actions
    are the same episodes. Both the observation after an end and `info["final_observation"]` are full states: the first
    of the new episode and the last of the old one.

    Raises `ValueError` when built around an environment that is not a `PopgymEnvironment`.
    """

    env: PopgymEnvironment

    def __post_init__(self):
        if not isinstance(self.env, PopgymEnvironment):
            raise ValueError(
                f"StateObservation: env is {self.env!r}, which has no full state; give a PopgymEnvironment, "
                "unwrapped, and put other wrappers around this one"
            )

    @property
    def task_version(self):
        return self.env.task_version

    @property
    def default_params(self):
        return self.env.default_params

    @property
    def can_truncate(self):
        return self.env.can_truncate

    def observation_space(self, params):
        return self.env.state_space(params)

    def action_space(self, params):
        return self.env.action_space(params)

    def max_episode_steps(self, params):
        return self.env.max_episode_steps(params)

    def reset_env(self, key, params):
        _, state = self.env.reset_env(key, params)
        return self.env.full_state(state, params), state

    def step_env(self, key, state, action, params):
        _, state, reward, terminated, truncated, info = self.env.step_env(key, state, action, params)
        return self.env.full_state(state, params), state, reward, terminated, truncated, info
