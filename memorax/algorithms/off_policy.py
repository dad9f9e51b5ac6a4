"""What the algorithms share that learn from replay: state, acting into a buffer of windows, and waiting for it to fill.

A window is `burn_in` steps that only bring the stored memory up to date, `sequence_length` that are learnt from, and
some that are only looked ahead to. Every network begins in the memory that it had when the window was acted, target
networks in that of the networks they follow, so that all have seen whatever came before, and read the same steps.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar

import flax.struct
import jax
import jax.numpy as jnp

from memorax.algorithms.acting import EpisodeSums, Timestep, episode_sums, log_update, single_step
from memorax.algorithms.base import Algorithm
from memorax.algorithms.optimizing import gradient_step, remaining
from memorax.algorithms.statistics import Statistics, initial_statistics, updated
from memorax.networks.types import Carry, Inputs


@flax.struct.dataclass
class OffPolicyState:
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
    action: jax.Array  # as it was drawn
    reward: jax.Array  # raw
    terminated: jax.Array
    cut: jax.Array  # truncated and not terminated: what followed is not known


class OffPolicy(Algorithm):
    """Abstract. The Config has num_envs, num_steps, period, gamma, burn_in, gradient_steps, anneal_steps,
    normalize_observations and normalize_rewards; `networks`, `optimizer` and `buffer` are set by the class."""

    group: ClassVar[str]  # under which it logs
    networks: Any
    optimizer: Any
    buffer: Any

    @abc.abstractmethod
    def _initial_params(self, key: jax.Array, inputs: Inputs) -> tuple[Any, Any]:
        """For inputs [num_envs, 1, ...] -> (parameters, those of the target networks)."""

    @abc.abstractmethod
    def _decide(self, key: jax.Array, state: OffPolicyState) -> tuple[Carry, jax.Array, jax.Array]:
        """In training -> (carry, action as drawn, what it was decided by), leaves [B, ...]."""

    @abc.abstractmethod
    def _replay_error(self, state: OffPolicyState, steps: Step, decisions: jax.Array) -> jax.Array:
        """How far one environment's decisions, computed as a sequence, are from those it acted by: `distance`.

        state: before acting; steps: [B, T, ...]; decisions: [T, B, ...]
        """

    @abc.abstractmethod
    def _learn(self, state: OffPolicyState, key: jax.Array) -> tuple[OffPolicyState, dict[str, jax.Array]]:
        """One gradient step -> (state, what to log of it)."""

    @abc.abstractmethod
    def _settings(self, state: OffPolicyState) -> dict[str, jax.Array]:
        """What changes as training goes on and is logged even before learning starts."""

    def _initial_state(self, key: jax.Array, env_state: Any, timestep: Timestep) -> OffPolicyState:
        config, batch = self.config, self.config.num_envs
        statistics = initial_statistics(
            self.observation_space, batch, config.normalize_observations, config.normalize_rewards
        )
        params, target_params = self._initial_params(key, single_step(self._inputs(statistics, timestep)))
        state = OffPolicyState(
            step=jnp.int32(0),
            updates=jnp.int32(0),
            params=params,
            target_params=target_params,
            optimizer_state=self.optimizer.init(params),
            env_state=env_state,
            timestep=timestep,
            carry=self.networks.initialize_carry(batch),
            statistics=statistics,
            replay=(),
        )
        drawn, flag = jax.eval_shape(self._decide, key, state)[1], jnp.zeros(batch, bool)
        step = Step(timestep, jnp.zeros(drawn.shape, drawn.dtype), jnp.zeros(batch), flag, flag)
        return state.replace(replay=self.buffer.init(*jax.tree.map(lambda leaf: leaf[0], (step, state.carry))))

    def _act_only(self, state: OffPolicyState, key: jax.Array) -> OffPolicyState:
        return self._collect(key, state)[0]

    def decide(self, key: jax.Array, state: OffPolicyState) -> tuple[Carry, Any, Any]:
        return self._decide(key, state)

    def _collect(self, key: jax.Array, state: OffPolicyState) -> tuple[OffPolicyState, EpisodeSums, jax.Array]:
        """Act for `num_steps` in every environment and store it -> (state, episodes that ended, error of replay)."""
        config = self.config

        def act(state: OffPolicyState, key: jax.Array) -> tuple[OffPolicyState, tuple[Step, jax.Array, EpisodeSums]]:
            action_key, env_key = jax.random.split(key)
            carry, drawn, decision = self._decide(action_key, state)
            after, outcome = self._interact(env_key, state, carry, drawn)
            step = Step(state.timestep, drawn, outcome.reward, outcome.terminated, outcome.cut)
            return after, (step, decision, episode_sums(outcome.info, outcome.done))

        def block(state: OffPolicyState, keys: jax.Array) -> tuple[OffPolicyState, tuple]:
            after, acted = jax.lax.scan(act, state, keys)
            return after, (state.carry, *acted)

        before, replay = state, state.replay
        keys = jax.random.split(key, (config.num_steps // config.period, config.period))
        state, (carries, steps, decisions, sums) = jax.lax.scan(block, state.replace(replay=()), keys)
        steps, decisions = jax.tree.map(
            lambda leaf: leaf.reshape(config.num_steps, *leaf.shape[2:]), (steps, decisions)
        )
        stored = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), (steps, carries))
        state = state.replace(
            step=state.step + config.num_envs * config.num_steps,
            statistics=updated(state.statistics, steps.timestep, state.timestep, config.gamma),
            replay=self.buffer.add(replay, *stored),
        )
        return state, jax.tree.map(jnp.sum, sums), self._replay_error(before, stored[0], decisions)

    def _update(self, state: OffPolicyState, key: jax.Array) -> tuple[OffPolicyState, None]:
        act_key, learn_key = jax.random.split(key)
        state, sums, replay_error = self._collect(act_key, state)
        keys = jax.random.split(learn_key, self.config.gradient_steps)

        def learn(state: OffPolicyState) -> tuple[OffPolicyState, dict]:
            state, metrics = jax.lax.scan(self._learn, state, keys)
            return state, jax.tree.map(jnp.mean, metrics)

        shapes = jax.eval_shape(learn, state)[1]
        wait = lambda state: (state, jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes))  # noqa: E731
        state, metrics = jax.lax.cond(self.buffer.can_sample(state.replay), learn, wait, state)
        metrics = {**metrics, "updates": state.updates, **self._settings(state)}
        logged = {f"{self.group}__{name}": value for name, value in metrics.items()}
        log_update(state.step, sums, replay__error=replay_error, **logged)
        return state, None

    def _descend(self, state: OffPolicyState, gradient: Any) -> OffPolicyState:
        """The state after the gradient step, but for its target networks."""
        size = remaining(state.step, self.config.anneal_steps)
        params, optimizer_state = gradient_step(self.optimizer, gradient, state.optimizer_state, state.params, size)
        return state.replace(params=params, optimizer_state=optimizer_state, updates=state.updates + 1)

    def _after_burn_in(self, apply: Callable[[Inputs, Carry], tuple], inputs: Inputs, carry: Carry) -> tuple:
        """apply(inputs, carry) -> (carry, *outputs); returns the outputs of the steps after the burn-in, which is read
        without gradient."""
        burn_in = self.config.burn_in
        if burn_in:
            early = jax.tree.map(lambda leaf: leaf[:, :burn_in], inputs)
            carry = jax.lax.stop_gradient(apply(early, carry)[0])
            inputs = jax.tree.map(lambda leaf: leaf[:, burn_in:], inputs)
        return apply(inputs, carry)[1:]


def distance(replayed: jax.Array, acted: jax.Array) -> jax.Array:
    """max |replayed - acted| / max(1, |acted|): rounding grows with the numbers that are rounded."""
    return (jnp.abs(replayed - acted) / jnp.maximum(1.0, jnp.abs(acted))).max()


def buffer_sizes(config: Any, ahead: int) -> dict[str, int]:
    """Arguments of a buffer of the Config's windows, which look `ahead` steps beyond those that are learnt from."""
    return {
        "max_length": config.buffer_size,
        "min_length": config.learning_starts,
        "sample_batch_size": config.batch_size,
        "sample_sequence_length": config.burn_in + config.sequence_length + ahead,
        "add_batch_size": config.num_envs,
        "period": config.period,
    }
