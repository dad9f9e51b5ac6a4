"""What DQN and R2D2 share: acting with a Q-network, a buffer of windows, n-step targets from a target network.

A window is `burn_in + sequence_length + n_step` steps: the first bring the stored memory up to date, the next are
learnt from, the last are only looked ahead to. Both networks begin in the memory that was stored, so that both have
seen whatever came before, and read the same steps.
"""

import abc
from typing import Any, ClassVar

import flax.struct
import jax
import jax.numpy as jnp
import optax

from memorax.algorithms import values
from memorax.algorithms.acting import EpisodeSums, Timestep, episode_sums, log_update, single_step
from memorax.algorithms.action_values import ActionValues, check_action_values, epsilon_greedy
from memorax.algorithms.base import Algorithm
from memorax.algorithms.optimizing import gradient_step, remaining
from memorax.algorithms.returns import n_step_targets
from memorax.algorithms.statistics import Statistics, initial_statistics, normalize_reward, updated
from memorax.environments.types import Environment
from memorax.networks.types import Carry


@flax.struct.dataclass
class QLearningState:
    """Everything that training goes on from."""

    step: jax.Array  # int32, environment steps done
    updates: jax.Array  # int32, gradient steps done
    params: Any
    target_params: Any
    optimizer_state: Any
    env_state: Any  # leaves [num_envs, ...]
    timestep: Timestep  # what is known before the next action
    carry: Carry  # memory before that timestep is read
    statistics: Statistics  # of observations and rewards, where they are normalised
    replay: Any  # the buffer's


@flax.struct.dataclass
class Step:
    """What is kept of a step, leaves [B, L, ...] in a window."""

    timestep: Timestep
    action: jax.Array
    reward: jax.Array  # raw
    terminated: jax.Array
    cut: jax.Array  # truncated and not terminated: what followed is not known


class QLearning(Algorithm):
    """Abstract. `DQN(config, env, env_params, network, optimizer)`, the network with a head that values discrete
    actions: `DiscreteQNetwork`, `DuelingQNetwork`, `C51`, `HLGauss`, `Quantile`."""

    action_kinds: ClassVar = ("discrete",)
    roles: ClassVar = ("action_values",)
    buffer: Any  # made by the class

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

    def _initial_state(self, key: jax.Array, env_state: Any, timestep: Timestep) -> QLearningState:
        config, batch = self.config, self.config.num_envs
        statistics = initial_statistics(
            self.observation_space, batch, config.normalize_observations, config.normalize_rewards
        )
        params = self.networks.init(key, single_step(self._inputs(statistics, timestep)), batch)
        carry = self.networks.initialize_carry(batch)
        flag = jnp.zeros(batch, bool)
        step = Step(timestep, self.action_space.zeros((batch,)), jnp.zeros(batch), flag, flag)
        return QLearningState(
            step=jnp.int32(0),
            updates=jnp.int32(0),
            params=params,
            target_params=params,
            optimizer_state=self.optimizer.init(params),
            env_state=env_state,
            timestep=timestep,
            carry=carry,
            statistics=statistics,
            replay=self.buffer.init(*jax.tree.map(lambda leaf: leaf[0], (step, carry))),
        )

    def _act_only(self, state: QLearningState, key: jax.Array) -> QLearningState:
        return self._collect(key, state)[0]

    def _draw(self, key, state, timestep, carry, deterministic) -> tuple[Carry, Any]:
        carry, mean = self._step(state.params, state.statistics, timestep, carry)
        share = 0.0 if deterministic else jnp.min(self._exploration(state.step))
        return carry, epsilon_greedy(key, mean, share)

    def _step(self, params: Any, statistics: Statistics, timestep: Timestep, carry: Carry) -> tuple[Carry, jax.Array]:
        """One timestep, leaves [B, ...] -> (carry, expected values [B, A])."""
        carry, q, _ = self.networks.apply(params, single_step(self._inputs(statistics, timestep)), carry)
        return carry, values.mean(q)[:, 0]

    def _collect(self, key: jax.Array, state: QLearningState) -> tuple[QLearningState, EpisodeSums, jax.Array]:
        """Act for `num_steps` in every environment and store it -> (state, episodes that ended, error of replay)."""
        config, statistics, share = self.config, state.statistics, self._exploration(state.step)

        def act(state: QLearningState, key: jax.Array) -> tuple[QLearningState, tuple[Step, jax.Array, EpisodeSums]]:
            action_key, env_key = jax.random.split(key)
            carry, mean = self._step(state.params, statistics, state.timestep, state.carry)
            drawn = epsilon_greedy(action_key, mean, share)
            after, outcome = self._interact(env_key, state, carry, drawn)
            step = Step(state.timestep, drawn, outcome.reward, outcome.terminated, outcome.cut)
            return after, (step, mean, episode_sums(outcome.info, outcome.done))

        def block(state: QLearningState, keys: jax.Array) -> tuple[QLearningState, tuple]:
            after, acted = jax.lax.scan(act, state, keys)
            return after, (state.carry, *acted)

        before, replay = state, state.replay
        keys = jax.random.split(key, (config.num_steps // config.period, config.period))
        state, (carries, steps, means, sums) = jax.lax.scan(block, state.replace(replay=()), keys)
        steps, means = jax.tree.map(lambda leaf: leaf.reshape(config.num_steps, *leaf.shape[2:]), (steps, means))
        stored = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), (steps, carries))
        state = state.replace(
            step=state.step + config.num_envs * config.num_steps,
            statistics=updated(statistics, steps.timestep, state.timestep, config.gamma),
            replay=self.buffer.add(replay, *stored),
        )
        return state, jax.tree.map(jnp.sum, sums), self._replay_error(before, stored[0], means)

    def _replay_error(self, state: QLearningState, steps: Step, means: jax.Array) -> jax.Array:
        """How far the values of one environment's steps, computed as a sequence, are from those it acted by."""
        timestep, carry = jax.tree.map(lambda leaf: leaf[:1], (steps.timestep, state.carry))
        _, q, _ = self.networks.apply(state.params, self._inputs(state.statistics, timestep), carry)
        return jnp.abs(values.mean(q)[0] - means[:, 0]).max()

    def _update(self, state: QLearningState, key: jax.Array) -> tuple[QLearningState, None]:
        act_key, learn_key = jax.random.split(key)
        state, sums, replay_error = self._collect(act_key, state)
        keys = jax.random.split(learn_key, self.config.gradient_steps)

        def learn(state: QLearningState) -> tuple[QLearningState, dict]:
            state, metrics = jax.lax.scan(self._learn, state, keys)
            return state, jax.tree.map(jnp.mean, metrics)

        shapes = jax.eval_shape(learn, state)[1]
        wait = lambda state: (state, jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes))  # noqa: E731
        state, metrics = jax.lax.cond(self.buffer.can_sample(state.replay), learn, wait, state)
        logged = {f"q__{name}": value for name, value in metrics.items()}
        share = jnp.mean(self._exploration(state.step))
        log_update(state.step, sums, replay__error=replay_error, q__updates=state.updates, q__epsilon=share, **logged)
        return state, None

    def _learn(self, state: QLearningState, key: jax.Array) -> tuple[QLearningState, dict]:
        """One gradient step."""
        sample = self.buffer.sample(state.replay, key)
        gradient, (metrics, td_error, counted) = jax.grad(self._loss, has_aux=True)(
            state.params, state.target_params, state.statistics, sample.experience, sample.carry, self._weights(sample)
        )
        size = remaining(state.step, self.config.anneal_steps)
        params, optimizer_state = gradient_step(self.optimizer, gradient, state.optimizer_state, state.params, size)
        updates = state.updates + 1
        state = state.replace(
            params=params,
            optimizer_state=optimizer_state,
            updates=updates,
            target_params=optax.periodic_update(params, state.target_params, updates, self.config.target_period),
            replay=self._learnt(state.replay, sample, td_error, counted),
        )
        return state, metrics

    def _loss(
        self, params: Any, target_params: Any, statistics: Statistics, steps: Step, carry: Carry, weights: jax.Array
    ) -> tuple[jax.Array, tuple[dict, jax.Array, jax.Array]]:
        """Of windows [B, L], begun in the memory stored with them."""
        config = self.config
        q, auxiliary_loss = self._unroll(params, statistics, steps, carry)
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
        """Values of the steps after the burn-in, which is read without gradient -> (values [B, L, A], auxiliary)."""
        inputs, burn_in = self._inputs(statistics, steps.timestep), self.config.burn_in
        if burn_in:
            early = jax.tree.map(lambda leaf: leaf[:, :burn_in], inputs)
            carry = jax.lax.stop_gradient(self.networks.apply(params, early, carry)[0])
            inputs = jax.tree.map(lambda leaf: leaf[:, burn_in:], inputs)
        return self.networks.apply(params, inputs, carry)[1:]
