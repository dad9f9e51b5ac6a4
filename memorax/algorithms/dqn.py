"""DQN for agents with memory: replayed windows, a target network, double Q-learning, n-step targets.

Source: Mnih et al. 2015, "Human-level control through deep reinforcement learning" (Nature 518); with recurrence
Hausknecht and Stone 2015, arXiv 1507.06527; double: van Hasselt et al. 2016, arXiv 1509.06461. Dueling and
distributional variants are heads.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from memorax.algorithms.action_values import epsilon
from memorax.algorithms.checks import check_fields, check_windows
from memorax.algorithms.off_policy import OffPolicyState, buffer_sizes
from memorax.algorithms.q_learning import QLearning
from memorax.buffers import make_episode_buffer

DQNState = OffPolicyState


@dataclasses.dataclass(frozen=True)
class DQNConfig:
    """Hyperparameters; an update acts for `num_steps` in each of `num_envs` environments, then makes `gradient_steps`
    steps from replay."""

    num_envs: int = 16  # environments acted in at once
    num_steps: int = 8  # steps of each environment between two updates
    gamma: float = 0.99  # discount
    buffer_size: int = 100_000  # transitions kept, of all environments together
    learning_starts: int = 5_000  # transitions to have before learning
    batch_size: int = 32  # windows of a gradient step
    sequence_length: int = 32  # steps of a window that are learnt from
    burn_in: int = 0  # steps before them that only bring the stored memory up to date
    period: int = 8  # steps from one stored memory, where windows begin, to the next; divides num_steps
    n_step: int = 1  # rewards in a target
    double: bool = True  # whether the network that learns chooses the action that the target network values
    gradient_steps: int = 1  # in an update
    target_period: int = 200  # gradient steps between two copies to the target network
    epsilon_start: float = 1.0  # share of random actions at the beginning
    epsilon_end: float = 0.05  # and in the end
    epsilon_steps: int = 50_000  # environment steps from the one to the other
    normalize_observations: bool = False  # their Box parts, to zero mean and unit variance over all seen
    normalize_rewards: bool = False  # divided by the standard deviation of the discounted return
    anneal_steps: int | None = None  # environment steps over which gradient steps shrink linearly to nothing

    def __post_init__(self):
        sizes = ("num_envs", "num_steps", "batch_size", "sequence_length", "period", "n_step", "gradient_steps")
        lengths = ("buffer_size", "learning_starts", "target_period", "epsilon_steps", "anneal_steps")
        check_fields(
            self,
            at_least_one=(*sizes, *lengths),
            not_negative=("burn_in",),
            fractions=("gamma", "epsilon_start", "epsilon_end"),
        )
        check_windows(self, "n_step")


class DQN(QLearning):
    """`DQN(config, env, env_params, network, optimizer)`; see `QLearning`. In training and, unless it is deterministic,
    in evaluation, actions are epsilon-greedy."""

    def _make_buffer(self) -> Any:
        return make_episode_buffer(**buffer_sizes(self.config, self.config.n_step))

    def _exploration(self, step: jax.Array) -> jax.Array:
        config = self.config
        return epsilon(step, config.epsilon_start, config.epsilon_end, config.epsilon_steps)

    def _weights(self, sample: Any) -> jax.Array:
        return jnp.ones(self.config.batch_size)

    def _learnt(self, replay: Any, sample: Any, td_error: jax.Array, counted: jax.Array) -> Any:
        return replay
