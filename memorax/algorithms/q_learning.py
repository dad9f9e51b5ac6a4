"""What DQN and R2D2 share: acting with a Q-network, n-step targets from a target network. They differ in how they
explore, and in which windows they learn from."""

import abc
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from memorax.algorithms import values
from memorax.algorithms.acting import Timestep, single_step
from memorax.algorithms.action_values import ActionValues, check_action_values, epsilon_greedy
from memorax.algorithms.base import Algorithm
from memorax.algorithms.off_policy import OffPolicy, OffPolicyState, Step, distance
from memorax.algorithms.returns import n_step_targets
from memorax.algorithms.statistics import Statistics, normalize_reward
from memorax.environments.types import Environment
from memorax.networks.types import Carry, Inputs


class QLearning(OffPolicy):
    """Abstract. `DQN(config, env, env_params, network, optimizer)`, the network with a head that values discrete
    actions: `DiscreteQNetwork`, `DuelingQNetwork`, `C51`, `HLGauss`, `Quantile`."""

    action_kinds: ClassVar = ("discrete",)
    roles: ClassVar = ("action_values",)
    group: ClassVar = "q"

    def __init__(
        self, config: Any, env: Environment, env_params: Any, network: Any, optimizer: optax.GradientTransformation
    ):
        Algorithm.__init__(self, config, env, env_params)
        self.networks, self.optimizer = ActionValues(network), optimizer
        check_action_values(self.networks, self.observation_space, self.action_space)
        self.buffer = self._make_buffer()

    @abc.abstractmethod
    def _make_buffer(self) -> Any:
        """Of windows as the Config asks for."""

    @abc.abstractmethod
    def _exploration(self, step: jax.Array) -> jax.Array:
        """The share of random actions after `step` environment steps, [] or [num_envs]."""

    @abc.abstractmethod
    def _weights(self, sample: Any) -> jax.Array:
        """How much each window counts, [B]."""

    @abc.abstractmethod
    def _learnt(self, replay: Any, sample: Any, td_error: jax.Array, counted: jax.Array) -> Any:
        """The buffer's state after learning from a sample; td_error, counted: [B, sequence_length]."""

    def _to_return(self, value: jax.Array) -> jax.Array:
        """From the scale in which the network values to that of returns."""
        return value

    def _from_return(self, value: jax.Array) -> jax.Array:
        """The inverse of `_to_return`."""
        return value

    def _initial_params(self, key: jax.Array, inputs: Inputs) -> tuple[Any, Any]:
        params = self.networks.init(key, inputs, self.config.num_envs)
        return params, params

    def _draw(self, key, state, timestep, carry, deterministic) -> tuple[Carry, Any]:
        carry, mean = self._step(state.params, state.statistics, timestep, carry)
        share = 0.0 if deterministic else jnp.min(self._exploration(state.step))
        return carry, epsilon_greedy(key, mean, share)

    def _decide(self, key, state) -> tuple[Carry, jax.Array, jax.Array]:
        carry, mean = self._step(state.params, state.statistics, state.timestep, state.carry)
        return carry, epsilon_greedy(key, mean, self._exploration(state.step)), mean

    def _step(self, params: Any, statistics: Statistics, timestep: Timestep, carry: Carry) -> tuple[Carry, jax.Array]:
        """One timestep, leaves [B, ...] -> (carry, expected values [B, A])."""
        carry, q, _ = self.networks.apply(params, single_step(self._inputs(statistics, timestep)), carry)
        return carry, values.mean(q)[:, 0]

    def _replay_error(self, state, steps, decisions) -> jax.Array:
        timestep, carry = jax.tree.map(lambda leaf: leaf[:1], (steps.timestep, state.carry))
        _, q, _ = self.networks.apply(state.params, self._inputs(state.statistics, timestep), carry)
        return distance(values.mean(q)[0], decisions[:, 0])

    def _settings(self, state) -> dict[str, jax.Array]:
        return {"epsilon": jnp.mean(self._exploration(state.step))}

    def _learn(self, state, key) -> tuple[OffPolicyState, dict]:
        sample = self.buffer.sample(state.replay, key)
        gradient, (metrics, td_error, counted) = jax.grad(self._loss, has_aux=True)(
            state.params, state.target_params, state.statistics, sample.experience, sample.carry, self._weights(sample)
        )
        state = self._descend(state, gradient)
        period = self.config.target_period
        state = state.replace(
            target_params=optax.periodic_update(state.params, state.target_params, state.updates, period),
            replay=self._learnt(state.replay, sample, td_error, counted),
        )
        return state, metrics

    def _loss(
        self, params: Any, target_params: Any, statistics: Statistics, steps: Step, carry: Carry, weights: jax.Array
    ) -> tuple[jax.Array, tuple[dict, jax.Array, jax.Array]]:
        """Of windows [B, L], begun in the memory stored with them."""
        config = self.config
        read = None if config.double else config.burn_in + config.sequence_length  # what lies ahead is the target's
        q, auxiliary_loss = self._unroll(params, statistics, jax.tree.map(lambda leaf: leaf[:, :read], steps), carry)
        target_q, _ = self._unroll(target_params, statistics, steps, carry)
        steps = jax.tree.map(lambda leaf: leaf[:, config.burn_in :], steps)
        best = jnp.argmax(values.mean(q if config.double else target_q), -1)
        points, probabilities = values.outcomes(values.select(target_q, best))
        reward = normalize_reward(statistics, steps.reward)
        target, weight = n_step_targets(
            self._to_return(points), probabilities, reward, steps.terminated, steps.cut, config.gamma, config.n_step
        )
        target = jax.lax.stop_gradient(self._from_return(target))
        learnt = slice(None, config.sequence_length)
        chosen = values.select(jax.tree.map(lambda leaf: leaf[:, learnt], q), steps.action[:, learnt])
        counted = ~steps.cut[:, learnt]
        each = jnp.where(counted, values.loss(chosen, target, weight), 0.0)
        loss = (weights[:, None] * each).sum() / jnp.maximum(counted.sum(), 1)
        value = values.mean(chosen)
        td_error = jax.lax.stop_gradient((target * weight).sum(-1) - value)
        metrics = {"loss": loss, "value": value.mean(), "auxiliary_loss": jnp.asarray(auxiliary_loss)}
        return loss + auxiliary_loss, (metrics, td_error, counted)

    def _unroll(
        self, params: Any, statistics: Statistics, steps: Step, carry: Carry
    ) -> tuple[values.Values, jax.Array]:
        """Of the steps after the burn-in -> (values [B, L, A], auxiliary loss)."""
        apply = functools.partial(self.networks.apply, params)
        return self._after_burn_in(apply, self._inputs(statistics, steps.timestep), carry)
