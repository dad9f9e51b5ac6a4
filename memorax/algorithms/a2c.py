"""A2C: one gradient step from each rollout; the plain baseline of policy gradients with a critic.

Source: Mnih et al. 2016, "Asynchronous Methods for Deep Reinforcement Learning", arXiv 1602.01783, section 4 and
algorithm S3, its workers in step; with lambda-returns, of which lambda = 1 are the paper's.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from memorax.algorithms import losses, values
from memorax.algorithms.checks import check_burn_in, check_fields
from memorax.algorithms.on_policy import OnPolicyState, Transition
from memorax.algorithms.optimizing import gradient_step, remaining
from memorax.algorithms.policy_gradient import PolicyGradient
from memorax.algorithms.statistics import Statistics
from memorax.networks.types import Carry

A2CState = OnPolicyState


@dataclasses.dataclass(frozen=True)
class A2CConfig:
    """Hyperparameters; an update acts for `num_steps` in each of `num_envs` environments and then learns from it."""

    num_envs: int = 16  # environments acted in at once
    num_steps: int = 32  # steps of each environment between two updates; gradients reach back as far
    gamma: float = 0.99  # discount
    gae_lambda: float = 1.0  # decay of the advantage estimate; 1: returns of the rest of the rollout
    normalize_advantage: bool = False  # to zero mean and unit variance over a rollout
    entropy_coefficient: float = 0.01  # weight of the entropy bonus in the loss
    value_coefficient: float = 0.5  # weight of the value loss
    normalize_observations: bool = False  # their Box parts, to zero mean and unit variance over all seen
    normalize_rewards: bool = False  # divided by the standard deviation of the discounted return
    burn_in: int = 0  # first steps of a rollout that only bring its memory up to date with the parameters
    anneal_steps: int | None = None  # environment steps over which gradient steps shrink linearly to nothing

    def __post_init__(self):
        check_fields(
            self,
            at_least_one=("num_envs", "num_steps", "anneal_steps"),
            fractions=("gamma", "gae_lambda"),
            not_negative=("entropy_coefficient", "value_coefficient"),
        )
        check_burn_in(self)


class A2C(PolicyGradient):
    """Advantage actor-critic. Networks and optimizers: see `PolicyGradient`."""

    def _learn(self, key, state: A2CState, statistics: Statistics, data: tuple) -> tuple[Any, Any, dict]:
        del key  # one step, from everything
        gradient, metrics = jax.grad(self._loss, has_aux=True)(state.params, statistics, *data)
        size = remaining(state.step, self.config.anneal_steps)
        learner = gradient_step(self.optimizer, gradient, state.optimizer_state, state.params, size)
        replay_error = metrics.pop("replay_error")
        return *learner, {"replay__error": replay_error, **{f"a2c__{name}": value for name, value in metrics.items()}}

    def _loss(
        self, params: Any, statistics: Statistics, batch: Transition, advantage: jax.Array, carry: Carry
    ) -> tuple[jax.Array, dict]:
        """Of a whole rollout [B, T], replayed from the memory in which it began."""
        config = self.config
        batch, advantage, carry = self._burn_in(params, statistics, batch, advantage, carry)
        distribution, value, auxiliary_loss = self._replay(params, statistics, batch, carry)
        old = batch.decision
        log_prob = distribution.log_prob(batch.action)
        weight = losses.normalize(advantage) if config.normalize_advantage else advantage
        policy_loss = -(weight * log_prob).mean()
        value_loss = losses.value_loss(value, old.value + advantage)
        entropy = distribution.entropy().mean()
        loss = policy_loss + config.value_coefficient * value_loss - config.entropy_coefficient * entropy
        metrics = {
            "policy_loss": policy_loss,
            "value_loss": value_loss,
            "entropy": entropy,
            "auxiliary_loss": jnp.asarray(auxiliary_loss),
            "replay_error": jnp.maximum(
                jnp.abs(jnp.exp(log_prob - old.log_prob) - 1.0).max(), jnp.abs(values.mean(value) - old.value).max()
            ),
        }
        return loss + auxiliary_loss, metrics
