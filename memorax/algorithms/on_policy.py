"""What the algorithms share that act for some steps, learn from them, and forget them: state, rollout, and what to do
where an episode was cut. They differ in how they decide and in how they learn."""

import abc
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp

from memorax.algorithms.acting import EpisodeSums, Outcome, Timestep, episode_sums, single_step
from memorax.algorithms.base import Algorithm
from memorax.algorithms.statistics import Statistics, initial_statistics, normalize_reward, updated
from memorax.networks.types import Carry


@flax.struct.dataclass
class OnPolicyState:
    """Everything that training goes on from."""

    step: jax.Array  # int32, environment steps done
    params: Any
    optimizer_state: Any
    env_state: Any  # leaves [num_envs, ...]
    timestep: Timestep  # what is known before the next action
    carry: Carry  # memory before that timestep is read
    statistics: Statistics  # of observations and rewards, where they are normalised


@flax.struct.dataclass
class Transition:
    """One step as it was acted, leaves [num_envs, ...]; stacked by the rollout."""

    timestep: Timestep
    action: Any  # as the policy drew it
    decision: Any  # what else the algorithm keeps of its decision
    reward: jax.Array  # normalised if asked for; with gamma * V(final observation) added where the episode was cut
    done: jax.Array


class OnPolicy(Algorithm):
    """Abstract. The Config has num_envs, num_steps, gamma, normalize_observations, normalize_rewards and burn_in;
    `networks` and `optimizer` are set by the class."""

    networks: Any
    optimizer: Any

    @abc.abstractmethod
    def _decide(self, key: jax.Array, state: OnPolicyState, statistics: Statistics) -> tuple[Carry, Any, Any]:
        """In training -> (carry, action as drawn [B, ...], decision)."""

    @abc.abstractmethod
    def _value(self, params: Any, statistics: Statistics, timestep: Timestep, carry: Carry) -> jax.Array:
        """What is expected from a timestep on, leaves [B, ...] -> [B]."""

    def _initial_state(self, key: jax.Array, env_state: Any, timestep: Timestep) -> OnPolicyState:
        config, batch = self.config, self.config.num_envs
        statistics = initial_statistics(
            self.observation_space, batch, config.normalize_observations, config.normalize_rewards
        )
        params = self.networks.init(key, single_step(self._inputs(statistics, timestep)), batch)
        return OnPolicyState(
            step=jnp.int32(0),
            params=params,
            optimizer_state=self.optimizer.init(params),
            env_state=env_state,
            timestep=timestep,
            carry=self.networks.initialize_carry(batch),
            statistics=statistics,
        )

    def _act_only(self, state: OnPolicyState, key: jax.Array) -> OnPolicyState:
        return self._rollout(key, state)[0]

    def decide(self, key: jax.Array, state: OnPolicyState) -> tuple[Carry, Any, Any]:
        return self._decide(key, state, state.statistics)

    def _rollout(self, key: jax.Array, state: OnPolicyState) -> tuple[OnPolicyState, Transition, EpisodeSums]:
        """Act for `num_steps` in every environment -> (state, transitions [T, B, ...], episodes that ended).

        Acts with the statistics of `state`; those in the state returned have seen this rollout as well.
        """
        statistics = state.statistics

        def act(state: OnPolicyState, key: jax.Array) -> tuple[OnPolicyState, tuple[Transition, EpisodeSums]]:
            action_key, env_key = jax.random.split(key)
            carry, drawn, decision = self._decide(action_key, state, statistics)
            after, outcome = self._interact(env_key, state, carry, drawn)
            earned = normalize_reward(statistics, outcome.reward) + self._bootstrap(state, carry, outcome)
            transition = Transition(state.timestep, drawn, decision, earned, outcome.done)
            return after, (transition, episode_sums(outcome.info, outcome.done))

        state, (transitions, sums) = jax.lax.scan(act, state, jax.random.split(key, self.config.num_steps))
        state = state.replace(
            step=state.step + self.config.num_envs * self.config.num_steps,
            statistics=updated(statistics, transitions.timestep, state.timestep, self.config.gamma),
        )
        return state, transitions, jax.tree.map(jnp.sum, sums)

    def _bootstrap(self, state: OnPolicyState, carry: Carry, outcome: Outcome) -> jax.Array:
        """gamma * V(final observation) where time cut an episode that had not ended, else 0; [B].

        The final observation goes on with the episode: it is read by the memory as it stands after o_t, with the
        action and reward that led to it, and that reading is not kept.
        """
        if not self.env.can_truncate:
            return jnp.zeros_like(outcome.reward)
        cut = outcome.cut
        final = Timestep(outcome.info["final_observation"], jnp.zeros_like(cut), outcome.action, outcome.reward)
        value = jax.lax.cond(
            cut.any(),
            lambda: self._value(state.params, state.statistics, final, carry),
            lambda: jnp.zeros_like(outcome.reward),
        )
        return self.config.gamma * jnp.where(cut, value, 0.0)

    def _burn_in(
        self, params: Any, statistics: Statistics, batch: Transition, target: jax.Array, carry: Carry
    ) -> tuple[Transition, jax.Array, Carry]:
        """Brings the carry up to date with `params` by the first `burn_in` steps -> what is left to learn from, all
        [b, T, ...] but the carry."""
        steps = self.config.burn_in
        if steps == 0:
            return batch, target, carry
        early = jax.tree.map(lambda leaf: leaf[:, :steps], batch.timestep)
        carry = self.networks.apply(params, self._inputs(statistics, early), carry)[0]
        batch, target = jax.tree.map(lambda leaf: leaf[:, steps:], (batch, target))
        return batch, target, jax.lax.stop_gradient(carry)


def batch_major(transitions: Transition) -> Transition:
    """[T, B, ...] -> [B, T, ...]."""
    return jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), transitions)
