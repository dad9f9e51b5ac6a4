"""R2D2: recurrent Q-learning from prioritised windows that begin in stored memories.

Source: Kapturowski et al. 2019, "Recurrent Experience Replay in Distributed Reinforcement Learning" (ICLR), section
2.3: burn-in, n-step double targets, rescaled values, priorities that mix the largest and the mean error of a window:

    h(x) = sign(x) (sqrt(|x| + 1) - 1) + 0.001 x;   target = h(sum_k gamma^k r_{t+k} + gamma^n h^-1(Q'(o_{t+n}, a*)))

Each environment explores by its own share of random actions, epsilon^(1 + alpha i / (num_envs - 1)), as in Horgan et
al. 2018, "Distributed Prioritized Experience Replay", arXiv 1803.00933. Importance weights: Schaul et al. 2016, arXiv
1511.05952.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import rlax

from memorax.algorithms.checks import check_fields, check_windows
from memorax.algorithms.off_policy import OffPolicyState, buffer_sizes
from memorax.algorithms.q_learning import QLearning
from memorax.buffers import importance_weights, make_prioritised_episode_buffer, mixed_priority

R2D2State = OffPolicyState


@dataclasses.dataclass(frozen=True)
class R2D2Config:
    """Hyperparameters; an update acts for `num_steps` in each of `num_envs` environments, then makes `gradient_steps`
    steps from replay."""

    num_envs: int = 16  # environments acted in at once
    num_steps: int = 8  # steps of each environment between two updates
    gamma: float = 0.997  # discount
    buffer_size: int = 100_000  # transitions kept, of all environments together
    learning_starts: int = 5_000  # transitions to have before learning
    batch_size: int = 32  # windows of a gradient step
    sequence_length: int = 32  # steps of a window that are learnt from
    burn_in: int = 16  # steps before them that only bring the stored memory up to date
    period: int = 8  # steps from one stored memory, where windows begin, to the next; divides num_steps
    n_step: int = 5  # rewards in a target
    double: bool = True  # whether the network that learns chooses the action that the target network values
    rescale: bool = True  # whether values are those of h(return)
    gradient_steps: int = 1  # in an update
    target_period: int = 400  # gradient steps between two copies to the target network
    priority_exponent: float = 0.9  # of a window's priority; 0: all alike
    priority_max: float = 0.9  # eta, the weight of a window's largest error against its mean error
    importance_exponent: float = 0.6  # how far the bias of drawing by priority is undone; 1: wholly
    epsilon: float = 0.4  # share of random actions of the environment that explores most
    epsilon_spread: float = 7.0  # alpha, how much less the others explore; 0: all alike
    normalize_observations: bool = False  # their Box parts, to zero mean and unit variance over all seen
    normalize_rewards: bool = False  # divided by the standard deviation of the discounted return
    anneal_steps: int | None = None  # environment steps over which gradient steps shrink linearly to nothing

    def __post_init__(self):
        sizes = ("num_envs", "num_steps", "batch_size", "sequence_length", "period", "n_step", "gradient_steps")
        check_fields(
            self,
            at_least_one=(*sizes, "buffer_size", "learning_starts", "target_period", "anneal_steps"),
            not_negative=("burn_in", "epsilon_spread"),
            fractions=("gamma", "priority_exponent", "priority_max", "importance_exponent", "epsilon"),
        )
        check_windows(self, "n_step")


class R2D2(QLearning):
    """`R2D2(config, env, env_params, network, optimizer)`; see `QLearning`. In evaluation, unless it is deterministic,
    actions are as random as those of the environment that explores least."""

    def _make_buffer(self) -> Any:
        sizes = buffer_sizes(self.config, self.config.n_step)
        return make_prioritised_episode_buffer(**sizes, priority_exponent=self.config.priority_exponent)

    def _exploration(self, step: jax.Array) -> jax.Array:
        config = self.config
        place = jnp.arange(config.num_envs) / max(config.num_envs - 1, 1)
        return jnp.asarray(config.epsilon) ** (1.0 + config.epsilon_spread * place)

    def _weights(self, sample: Any) -> jax.Array:
        return importance_weights(sample.probabilities, self.config.importance_exponent)

    def _learnt(self, replay: Any, sample: Any, td_error: jax.Array, counted: jax.Array) -> Any:
        priority = mixed_priority(td_error, counted, self.config.priority_max)
        return self.buffer.set_priorities(replay, sample.indices, priority)

    def _to_return(self, value: jax.Array) -> jax.Array:
        return rlax.signed_parabolic(value) if self.config.rescale else value

    def _from_return(self, value: jax.Array) -> jax.Array:
        return rlax.signed_hyperbolic(value) if self.config.rescale else value
