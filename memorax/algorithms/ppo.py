"""PPO for agents with memory: sequences stay whole, truncation is not termination, replay equals rollout.

Source: Schulman et al. 2017, arXiv 1707.06347; implementation details as in Huang et al. 2022, "The 37
implementation details of PPO" (ICLR blog track), recurrent part.
"""

import dataclasses
import functools
import math
from typing import Any, ClassVar

import distrax
import flax.struct
import jax
import jax.numpy as jnp
import optax

from memorax import lox
from memorax.algorithms import losses
from memorax.algorithms.acting import (
    EpisodeSums,
    Timestep,
    episode_sums,
    first_timestep,
    log_update,
    network_inputs,
    single_step,
    to_space,
)
from memorax.algorithms.actor_critic import SeparateNetworks, SharedTorso
from memorax.algorithms.checks import check_count, check_fields, check_policy, check_same_spaces
from memorax.algorithms.evaluation import Evaluation, evaluate_episodes
from memorax.algorithms.minibatches import over_environments, take
from memorax.algorithms.returns import generalized_advantages
from memorax.algorithms.statistics import (
    Statistics,
    initial_statistics,
    normalize_observation,
    normalize_reward,
    updated,
)
from memorax.environments.types import Environment
from memorax.networks.types import Carry, Head, Inputs


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

    def __post_init__(self):
        check_fields(
            self,
            at_least_one=("num_envs", "num_steps", "num_minibatches", "update_epochs"),
            fractions=("gamma", "gae_lambda"),
            positive=("clip_coefficient",),
            not_negative=("entropy_coefficient", "value_coefficient"),
        )
        if self.num_envs % self.num_minibatches:
            divisors = [n for n in range(1, self.num_envs + 1) if self.num_envs % n == 0]
            raise ValueError(
                f"PPOConfig: num_minibatches = {self.num_minibatches} must divide num_envs = {self.num_envs}, because "
                f"minibatches are made of whole environments; use one of {divisors}"
            )


@flax.struct.dataclass
class PPOState:
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
    log_prob: jax.Array
    value: jax.Array
    reward: jax.Array  # normalised if asked for; with gamma * V(final observation) added where the episode was cut
    done: jax.Array


class PPO:
    """Proximal policy optimisation. `critic` is a network of its own, or a bare head that reads the actor's torso:

        PPO(config, env, env_params, actor, critic, optimizer, critic_optimizer)   # two torsos
        PPO(config, env, env_params, actor, heads.VNetwork(), optimizer)           # one torso, half the work

    With a shared torso there is one optimizer; a second is a `ValueError`. Nothing here is modified by a call:
    methods take and return states, consume their key, and may be transformed by `jax.vmap` (over seeds).
    """

    action_kinds: ClassVar = ("discrete", "multi_discrete", "continuous")  # what it can act in
    update_size: ClassVar = ("num_envs", "num_steps")  # their product is the environment steps of an update
    divides: ClassVar = {"num_minibatches": "num_envs"}  # minibatches are made of whole environments

    def __init__(
        self,
        config: PPOConfig,
        env: Environment,
        env_params: Any,
        actor: Any,
        critic: Any,
        optimizer: optax.GradientTransformation,
        critic_optimizer: optax.GradientTransformation | None = None,
    ):
        self.config, self.env, self.env_params = config, env, env_params
        self.observation_space, self.action_space = env.observation_space(env_params), env.action_space(env_params)
        if isinstance(critic, Head):
            if critic_optimizer is not None:
                raise ValueError(
                    "a critic that is a bare head shares the actor's torso and optimizer: pass one optimizer"
                )
            self.networks, self.optimizer = SharedTorso(actor, critic), optimizer
        else:
            self.networks = SeparateNetworks(actor, critic)
            self.optimizer = self.networks.optimizer(
                optimizer, optimizer if critic_optimizer is None else critic_optimizer
            )
        check_policy(self.networks, self.observation_space, self.action_space)

    @functools.partial(jax.jit, static_argnames=("self",))
    def init(self, key: jax.Array) -> PPOState:
        """Fresh parameters, environments and memory."""
        params_key, env_key = jax.random.split(key)
        batch = self.config.num_envs
        reset = jax.vmap(self.env.reset, in_axes=(0, None))
        observation, env_state = reset(jax.random.split(env_key, batch), self.env_params)
        timestep = first_timestep(observation, self.action_space)
        config = self.config
        statistics = initial_statistics(
            self.observation_space, batch, config.normalize_observations, config.normalize_rewards
        )
        params = self.networks.init(params_key, single_step(self._inputs(statistics, timestep)), batch)
        return PPOState(
            step=jnp.int32(0),
            params=params,
            optimizer_state=self.optimizer.init(params),
            env_state=env_state,
            timestep=timestep,
            carry=self.networks.initialize_carry(batch),
            statistics=statistics,
        )

    @functools.partial(lox.jit, static_argnames=("self", "num_steps"))
    def warmup(self, key: jax.Array, state: PPOState, num_steps: int) -> PPOState:
        """Act without learning for at least `num_steps` environment steps, in whole rollouts; statistics of
        observations and rewards are gathered."""
        keys = jax.random.split(key, self._rollouts(num_steps))
        state, sums = jax.lax.scan(lambda state, key: self._rollout(key, state)[::2], state, keys)
        del sums
        return state

    @functools.partial(lox.jit, static_argnames=("self", "num_steps"))
    def train(self, key: jax.Array, state: PPOState, num_steps: int) -> PPOState:
        """Act and learn for at least `num_steps` environment steps: rounded up to whole updates of
        num_envs * num_steps; `state.step` tells the true number. Logs one row an update."""
        keys = jax.random.split(key, self._rollouts(num_steps))
        return lox.scan(self._update, state, keys)[0]

    def evaluate(
        self,
        key: jax.Array,
        state: PPOState,
        num_episodes: int,
        *,
        env: Environment | None = None,
        env_params: Any = None,
        deterministic: bool = False,
    ) -> Evaluation:
        """Whole episodes in environments of their own, with a fresh memory; `state` is only read.

        env, env_params: another environment with equal spaces, to test how far the agent extrapolates
        deterministic: take the most probable action instead of sampling
        """
        check_count("num_episodes", num_episodes)
        env = self.env if env is None else env
        env_params = self.env_params if env_params is None else env_params
        check_same_spaces(self.observation_space, self.action_space, env, env_params)
        limit = env.max_episode_steps(env_params)
        return self._evaluate(key, state, env_params, limit, num_episodes, env, deterministic)

    @functools.partial(lox.jit, static_argnames=("self", "num_episodes", "env", "deterministic"))
    def _evaluate(self, key, state, env_params, limit, num_episodes, env, deterministic) -> Evaluation:
        def act(key: jax.Array, timestep: Timestep, carry: Carry) -> tuple[Carry, Any]:
            carry, distribution, _ = self._step(state.params, state.statistics, timestep, carry)
            drawn = distribution.mode() if deterministic else distribution.sample(seed=key)
            return carry, to_space(self.action_space, drawn)

        carry = self.networks.initialize_carry(num_episodes)
        return evaluate_episodes(key, act, carry, env, env_params, self.action_space, limit, num_episodes)

    def _rollouts(self, num_steps: int) -> int:
        check_count("num_steps", num_steps)
        return math.ceil(num_steps / (self.config.num_envs * self.config.num_steps))

    def _inputs(self, statistics: Statistics, timestep: Timestep) -> Inputs:
        seen = timestep.replace(observation=normalize_observation(statistics, timestep.observation))
        return network_inputs(seen, self.observation_space, self.action_space)

    def _step(
        self, params: Any, statistics: Statistics, timestep: Timestep, carry: Carry
    ) -> tuple[Carry, distrax.Distribution, jax.Array]:
        """One timestep, leaves [B, ...] -> (carry, distribution of batch shape [B], value [B])."""
        inputs = single_step(self._inputs(statistics, timestep))
        carry, distribution, value, _ = self.networks.apply(params, inputs, carry)
        return carry, distribution[:, 0], value[:, 0]

    def _rollout(self, key: jax.Array, state: PPOState) -> tuple[PPOState, Transition, EpisodeSums]:
        """Act for `num_steps` in every environment -> (state, transitions [T, B, ...], episodes that ended).

        Acts with the statistics of `state`; those in the state returned have seen this rollout as well.
        """
        statistics = state.statistics

        def act(state: PPOState, key: jax.Array) -> tuple[PPOState, tuple[Transition, EpisodeSums]]:
            action_key, env_key = jax.random.split(key)
            carry, distribution, value = self._step(state.params, statistics, state.timestep, state.carry)
            drawn, log_prob = distribution.sample_and_log_prob(seed=action_key)
            action = to_space(self.action_space, drawn)
            observation, env_state, reward, terminated, truncated, info = jax.vmap(
                self.env.step, in_axes=(0, 0, 0, None)
            )(jax.random.split(env_key, self.config.num_envs), state.env_state, action, self.env_params)
            done = terminated | truncated
            bootstrap = self._bootstrap(state, carry, action, reward, terminated, truncated, info)
            earned = normalize_reward(statistics, reward) + bootstrap
            transition = Transition(state.timestep, drawn, log_prob, value, earned, done)
            state = state.replace(
                env_state=env_state, timestep=Timestep(observation, done, action, reward), carry=carry
            )
            return state, (transition, episode_sums(info, done))

        state, (transitions, sums) = jax.lax.scan(act, state, jax.random.split(key, self.config.num_steps))
        state = state.replace(
            step=state.step + self.config.num_envs * self.config.num_steps,
            statistics=updated(statistics, transitions.timestep, state.timestep, self.config.gamma),
        )
        return state, transitions, jax.tree.map(jnp.sum, sums)

    def _bootstrap(self, state, carry, action, reward, terminated, truncated, info) -> jax.Array:
        """gamma * V(final observation) where time cut an episode that had not ended, else 0; [B].

        The final observation goes on with the episode: it is read by the memory as it stands after o_t, with the
        action and reward that led to it, and that reading is not kept.
        """
        if not self.env.can_truncate:
            return jnp.zeros_like(reward)
        cut = truncated & ~terminated
        final = Timestep(info["final_observation"], jnp.zeros_like(cut), action, reward)
        value = jax.lax.cond(
            cut.any(),
            lambda: self._step(state.params, state.statistics, final, carry)[2],
            lambda: jnp.zeros_like(reward),
        )
        return self.config.gamma * jnp.where(cut, value, 0.0)

    def _update(self, state: PPOState, key: jax.Array) -> tuple[PPOState, None]:
        config = self.config
        rollout_key, shuffle_key = jax.random.split(key)
        carry, statistics = state.carry, state.statistics
        state, transitions, sums = self._rollout(rollout_key, state)
        batch = jax.tree.map(lambda leaf: jnp.swapaxes(leaf, 0, 1), transitions)  # [B, T, ...]
        last_value = self._step(state.params, statistics, state.timestep, state.carry)[2]
        advantage = generalized_advantages(
            batch.reward, batch.done, batch.value, last_value, config.gamma, config.gae_lambda
        )
        data = (batch, advantage, carry)

        def gradient_step(learner: tuple, environments: jax.Array) -> tuple[tuple, dict]:
            params, optimizer_state = learner
            gradient, metrics = jax.grad(self._loss, has_aux=True)(params, statistics, *take(data, environments))
            change, optimizer_state = self.optimizer.update(gradient, optimizer_state, params)
            return (optax.apply_updates(params, change), optimizer_state), metrics

        minibatches = over_environments(shuffle_key, config.num_envs, config.num_minibatches, config.update_epochs)
        learner = (state.params, state.optimizer_state)
        (params, optimizer_state), metrics = jax.lax.scan(gradient_step, learner, minibatches)
        replay_error = metrics.pop("max_ratio_error")[0]  # parameters are unchanged in the first minibatch
        log_update(
            state.step,
            sums,
            ppo__replay_error=replay_error,
            value__explained_variance=losses.explained_variance(batch.value, batch.value + advantage),
            **{f"ppo__{name}": value.mean() for name, value in metrics.items()},
        )
        return state.replace(params=params, optimizer_state=optimizer_state), None

    def _loss(
        self, params: Any, statistics: Statistics, batch: Transition, advantage: jax.Array, carry: Carry
    ) -> tuple[jax.Array, dict]:
        """Of a minibatch [b, T] of whole sequences, replayed from the memory in which their rollout began."""
        config = self.config
        _, distribution, value, auxiliary_loss = self.networks.apply(
            params, self._inputs(statistics, batch.timestep), carry
        )
        log_ratio = distribution.log_prob(batch.action) - batch.log_prob
        ratio = jnp.exp(log_ratio)
        target = batch.value + advantage
        weight = losses.normalize(advantage) if config.normalize_advantage else advantage
        policy_loss = losses.clipped_policy_loss(ratio, weight, config.clip_coefficient)
        if config.clip_value_loss:
            value_loss = losses.clipped_value_loss(value, batch.value, target, config.clip_coefficient)
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
            "max_ratio_error": jnp.maximum(jnp.abs(ratio - 1.0).max(), jnp.abs(value - batch.value).max()),
        }
        return loss + auxiliary_loss, metrics
