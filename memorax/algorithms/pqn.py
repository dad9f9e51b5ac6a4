"""PQN: Q-learning with lambda-returns from parallel environments, without replay and without a target network.

Source: Gallici et al. 2024, "Simplifying Deep Temporal Difference Learning", arXiv 2407.04811, algorithm 1:

    G_t = r_t + gamma (1 - done_t) [lambda G_{t+1} + (1 - lambda) max_a Q(o_{t+1}, a)]

with the values of the network that acted; then several epochs of minibatches of whole sequences move Q(o_t, a_t) there.
What stands in for a target network is normalisation inside the network: use torsos and encoders that have it.
"""

import dataclasses
from typing import Any, ClassVar

import flax.struct
import jax
import jax.numpy as jnp
import optax

from memorax.algorithms import values
from memorax.algorithms.acting import Timestep, log_update, single_step
from memorax.algorithms.action_values import ActionValues, check_action_values, epsilon, epsilon_greedy
from memorax.algorithms.base import Algorithm
from memorax.algorithms.checks import check_burn_in, check_fields, check_minibatches
from memorax.algorithms.minibatches import over_environments, take
from memorax.algorithms.on_policy import OnPolicy, OnPolicyState, Transition, batch_major
from memorax.algorithms.optimizing import gradient_step, remaining
from memorax.algorithms.returns import lambda_returns
from memorax.algorithms.statistics import Statistics
from memorax.environments.types import Environment
from memorax.networks.types import Carry


@dataclasses.dataclass(frozen=True)
class PQNConfig:
    """Hyperparameters; an update acts for `num_steps` in each of `num_envs` environments and then learns from it."""

    num_envs: int = 16  # environments acted in at once
    num_steps: int = 128  # steps of each environment between two updates
    gamma: float = 0.99  # discount
    td_lambda: float = 0.65  # decay of the lambda-return; 0: one step, 1: the rest of the rollout
    num_minibatches: int = 4  # parts an epoch is divided in, by environments
    update_epochs: int = 2  # passes over the data of an update
    epsilon_start: float = 1.0  # share of random actions at the beginning
    epsilon_end: float = 0.05  # and in the end
    epsilon_steps: int = 100_000  # environment steps from the one to the other
    normalize_observations: bool = False  # their Box parts, to zero mean and unit variance over all seen
    normalize_rewards: bool = False  # divided by the standard deviation of the discounted return
    burn_in: int = 0  # first steps of a rollout that only bring its memory up to date with the parameters
    anneal_steps: int | None = None  # environment steps over which gradient steps shrink linearly to nothing

    def __post_init__(self):
        check_fields(
            self,
            at_least_one=(
                "num_envs",
                "num_steps",
                "num_minibatches",
                "update_epochs",
                "epsilon_steps",
                "anneal_steps",
            ),
            fractions=("gamma", "td_lambda", "epsilon_start", "epsilon_end"),
        )
        check_minibatches(self)
        check_burn_in(self)


PQNState = OnPolicyState


@flax.struct.dataclass
class Decision:
    """Of one step, when it was acted."""

    value: jax.Array  # of the action
    best: jax.Array  # of the best action


class PQN(OnPolicy):
    """`PQN(config, env, env_params, network, optimizer)`, the network with a head that values discrete actions:
    `DiscreteQNetwork`, `DuelingQNetwork`, `C51`, `HLGauss`, `Quantile`.

    In training and, unless it is deterministic, in evaluation, actions are epsilon-greedy.
    """

    action_kinds: ClassVar = ("discrete",)
    roles: ClassVar = ("action_values",)
    divides: ClassVar = {"num_minibatches": "num_envs"}

    def __init__(
        self,
        config: PQNConfig,
        env: Environment,
        env_params: Any,
        network: Any,
        optimizer: optax.GradientTransformation,
    ):
        Algorithm.__init__(self, config, env, env_params)
        self.networks, self.optimizer = ActionValues(network), optimizer
        check_action_values(self.networks, self.observation_space, self.action_space)

    def _draw(self, key, state, timestep, carry, deterministic) -> tuple[Carry, Any]:
        carry, mean = self._step(state.params, state.statistics, timestep, carry)
        return carry, epsilon_greedy(key, mean, 0.0 if deterministic else self._epsilon(state))

    def _epsilon(self, state: PQNState) -> jax.Array:
        config = self.config
        return epsilon(state.step, config.epsilon_start, config.epsilon_end, config.epsilon_steps)

    def _step(self, params: Any, statistics: Statistics, timestep: Timestep, carry: Carry) -> tuple[Carry, jax.Array]:
        """One timestep, leaves [B, ...] -> (carry, expected values [B, A])."""
        carry, q, _ = self.networks.apply(params, single_step(self._inputs(statistics, timestep)), carry)
        return carry, values.mean(q)[:, 0]

    def _decide(self, key, state, statistics) -> tuple[Carry, jax.Array, Decision]:
        carry, mean = self._step(state.params, statistics, state.timestep, state.carry)
        action = epsilon_greedy(key, mean, self._epsilon(state))
        return carry, action, Decision(jnp.take_along_axis(mean, action[:, None], -1)[:, 0], mean.max(-1))

    def _value(self, params, statistics, timestep, carry) -> jax.Array:
        return self._step(params, statistics, timestep, carry)[1].max(-1)

    def _update(self, state: PQNState, key: jax.Array) -> tuple[PQNState, None]:
        config = self.config
        rollout_key, shuffle_key = jax.random.split(key)
        carry, statistics, share = state.carry, state.statistics, self._epsilon(state)
        state, transitions, sums = self._rollout(rollout_key, state)
        batch = batch_major(transitions)
        last = self._value(state.params, statistics, state.timestep, state.carry)
        next_best = jnp.concatenate([batch.decision.best[:, 1:], last[:, None]], 1)
        target = lambda_returns(batch.reward, batch.done, next_best, config.gamma, config.td_lambda)
        data, size = (batch, target, carry), remaining(state.step, config.anneal_steps)

        def minibatch(learner: tuple, environments: jax.Array) -> tuple[tuple, dict]:
            params, optimizer_state = learner
            gradient, metrics = jax.grad(self._loss, has_aux=True)(params, statistics, *take(data, environments))
            return gradient_step(self.optimizer, gradient, optimizer_state, params, size), metrics

        environments = over_environments(shuffle_key, config.num_envs, config.num_minibatches, config.update_epochs)
        learner, metrics = jax.lax.scan(minibatch, (state.params, state.optimizer_state), environments)
        replay_error = metrics.pop("max_value_error")[0]  # parameters are unchanged in the first minibatch
        logged = {f"pqn__{name}": value.mean() for name, value in metrics.items()}
        log_update(state.step, sums, replay__error=replay_error, pqn__epsilon=share, **logged)
        return state.replace(params=learner[0], optimizer_state=learner[1]), None

    def _loss(
        self, params: Any, statistics: Statistics, batch: Transition, target: jax.Array, carry: Carry
    ) -> tuple[jax.Array, dict]:
        """Of a minibatch [b, T] of whole sequences, replayed from the memory in which their rollout began."""
        batch, target, carry = self._burn_in(params, statistics, batch, target, carry)
        _, q, auxiliary_loss = self.networks.apply(params, self._inputs(statistics, batch.timestep), carry)
        chosen = values.select(q, batch.action)
        loss = values.loss(chosen, target[..., None], jnp.ones_like(target)[..., None]).mean()
        mean = values.mean(chosen)
        metrics = {
            "loss": loss,
            "value": mean.mean(),
            "auxiliary_loss": jnp.asarray(auxiliary_loss),
            "max_value_error": jnp.abs(mean - batch.decision.value).max(),
        }
        return loss + auxiliary_loss, metrics
