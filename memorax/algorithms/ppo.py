"""PPO for agents with memory: sequences stay whole, truncation is not termination, replay equals rollout.

Source: Schulman et al. 2017, arXiv 1707.06347; implementation details as in Huang et al. 2022, "The 37
implementation details of PPO" (ICLR blog track), recurrent part.
"""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from memorax.algorithms import losses, values
from memorax.algorithms.checks import check_burn_in, check_fields, check_minibatches
from memorax.algorithms.minibatches import over_environments, take
from memorax.algorithms.on_policy import OnPolicyState, Transition
from memorax.algorithms.optimizing import gradient_step, remaining
from memorax.algorithms.policy_gradient import PolicyGradient
from memorax.algorithms.statistics import Statistics
from memorax.networks.types import Carry, ValueDistribution

PPOState = OnPolicyState


@dataclasses.dataclass(frozen=True)
class PPOConfig:
    """Hyperparameters; an update acts for `num_steps` in each of `num_envs` environments and then learns from it."""

    num_envs: int = 8  # environments acted in at once
    num_steps: int = 128  # steps of each environment between two updates
    gamma: float = 0.99  # discount
    gae_lambda: float = 0.95  # decay of the advantage estimate
    num_minibatches: int = 4  # parts an epoch is divided in, by environments
    update_epochs: int = 4  # passes over the data of an update
    normalize_advantage: bool = True  # to zero mean and unit variance in each minibatch
    clip_coefficient: float = 0.2  # how far the policy's ratio, and a clipped value, may move in an update
    clip_value_loss: bool = True  # whether the value's move is clipped as well
    entropy_coefficient: float = 0.01  # weight of the entropy bonus in the loss
    value_coefficient: float = 0.5  # weight of the value loss
    normalize_observations: bool = False  # their Box parts, to zero mean and unit variance over all seen
    normalize_rewards: bool = False  # divided by the standard deviation of the discounted return
    target_kl: float | None = None  # approximate KL at which the rest of an update's gradient steps is left out
    burn_in: int = 0  # first steps of a rollout that only bring its memory up to date with the parameters
    anneal_steps: int | None = None  # environment steps over which gradient steps shrink linearly to nothing

    def __post_init__(self):
        check_fields(
            self,
            at_least_one=("num_envs", "num_steps", "num_minibatches", "update_epochs", "anneal_steps"),
            fractions=("gamma", "gae_lambda"),
            positive=("clip_coefficient", "target_kl"),
            not_negative=("entropy_coefficient", "value_coefficient"),
        )
        check_burn_in(self)
        check_minibatches(self)


class PPO(PolicyGradient):
    """Proximal policy optimisation: several epochs of minibatches of whole sequences from each rollout, in which the
    policy's ratio is clipped. Networks and optimizers: see `PolicyGradient`."""

    divides: ClassVar = {"num_minibatches": "num_envs"}  # minibatches are made of whole environments

    def _check_critic(self, value: values.Values) -> None:
        if self.config.clip_value_loss and isinstance(value, ValueDistribution):
            raise ValueError(
                f"clip_value_loss = True bounds how far a value moves, and the critic returns {type(value).__name__}, "
                "distributions; use PPOConfig(clip_value_loss=False), or heads.VNetwork()"
            )

    def _learn(self, key, state: PPOState, statistics: Statistics, data: tuple) -> tuple[Any, Any, dict]:
        config = self.config
        size = remaining(state.step, config.anneal_steps)

        def minibatch(learner: tuple, environments: jax.Array) -> tuple[tuple, dict]:
            params, optimizer_state, stopped = learner
            gradient, metrics = jax.grad(self._loss, has_aux=True)(params, statistics, *take(data, environments))
            changed = gradient_step(self.optimizer, gradient, optimizer_state, params, size)
            if config.target_kl is not None:
                stopped |= metrics["approx_kl"] > config.target_kl
                changed = jax.tree.map(lambda new, old: jnp.where(stopped, old, new), changed, learner[:2])
            return (*changed, stopped), metrics

        environments = over_environments(key, config.num_envs, config.num_minibatches, config.update_epochs)
        learner = (state.params, state.optimizer_state, jnp.bool_(False))
        (params, optimizer_state, _), metrics = jax.lax.scan(minibatch, learner, environments)
        replay_error = metrics.pop("max_ratio_error")[0]  # parameters are unchanged in the first minibatch
        logged = {f"ppo__{name}": value.mean() for name, value in metrics.items()}
        return params, optimizer_state, {"replay__error": replay_error, **logged}

    def _loss(
        self, params: Any, statistics: Statistics, batch: Transition, advantage: jax.Array, carry: Carry
    ) -> tuple[jax.Array, dict]:
        """Of a minibatch [b, T] of whole sequences, replayed from the memory in which their rollout began."""
        config = self.config
        batch, advantage, carry = self._burn_in(params, statistics, batch, advantage, carry)
        distribution, value, auxiliary_loss = self._replay(params, statistics, batch, carry)
        old = batch.decision
        log_ratio = distribution.log_prob(batch.action) - old.log_prob
        ratio = jnp.exp(log_ratio)
        target = old.value + advantage
        weight = losses.normalize(advantage) if config.normalize_advantage else advantage
        policy_loss = losses.clipped_policy_loss(ratio, weight, config.clip_coefficient)
        if config.clip_value_loss:
            value_loss = losses.clipped_value_loss(value, old.value, target, config.clip_coefficient)
        else:
            value_loss = losses.value_loss(value, target)
        entropy = distribution.entropy().mean()
        loss = policy_loss + config.value_coefficient * value_loss - config.entropy_coefficient * entropy
        metrics = {
            "policy_loss": policy_loss,
            "value_loss": value_loss,
            "entropy": entropy,
            "auxiliary_loss": jnp.asarray(auxiliary_loss),
            "approx_kl": (ratio - 1.0 - log_ratio).mean(),
            "clip_fraction": (jnp.abs(ratio - 1.0) > config.clip_coefficient).mean(),
            "max_ratio_error": jnp.maximum(jnp.abs(ratio - 1.0).max(), jnp.abs(values.mean(value) - old.value).max()),
        }
        return loss + auxiliary_loss, metrics
