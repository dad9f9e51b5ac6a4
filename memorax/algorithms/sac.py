"""SAC, soft actor-critic, for agents with memory: replayed windows, a policy that is paid for its entropy, two critics.

    target_t    = r_t + gamma (1 - terminated_t) V'(t + 1),   V'(t) = E_a [min_i Q'_i(h_t, a) - alpha log pi(a | h_t)]
    critics     1/2 (Q_i(h_t, a_t) - target_t)^2
    actor       E_a [alpha log pi(a | h_t) - min_i Q_i(h_t, a)]
    alpha       log alpha (H(pi(. | h_t)) - target entropy)

h_t is what a memory has made of everything up to o_t; the actor, the critics and the target critics each have theirs.
Of a Box, E_a is estimated by one action, through which the actor's gradient goes; of a Discrete space it is the sum
over all actions. One pass of the actor over a window serves all four lines. The temperature's loss has log alpha in
place of alpha: the same sign and the same zero, and a gradient that does not vanish as alpha does.

Source: Haarnoja et al. 2018, "Soft Actor-Critic Algorithms and Applications", arXiv 1812.05905, equations 5, 7 and 18;
discrete actions: Christodoulou 2019, "Soft Actor-Critic for Discrete Action Settings", arXiv 1910.07207, equations 10
to 12; with recurrence: Ni et al. 2022, "Recurrent Model-Free RL Can Be a Strong Baseline for Many POMDPs", arXiv
2110.05038: actor and critics that share no memory. Stored memories and a burn-in are R2D2's.
"""

import dataclasses
import functools
import math
from typing import Any, ClassVar

import distrax
import jax
import jax.numpy as jnp
import optax

from memorax.algorithms import values
from memorax.algorithms.acting import single_step
from memorax.algorithms.base import Algorithm
from memorax.algorithms.checks import check_fields, check_windows
from memorax.algorithms.off_policy import OffPolicy, OffPolicyState, Step, buffer_sizes, distance
from memorax.algorithms.returns import n_step_targets
from memorax.algorithms.soft_values import SoftNetworks, WeightedActions, check_soft_values, weighted_actions
from memorax.algorithms.statistics import Statistics, normalize_reward
from memorax.buffers import make_episode_buffer
from memorax.environments.spaces import Box, Space
from memorax.environments.types import Environment
from memorax.networks.types import Carry, Inputs

SACState = OffPolicyState


@dataclasses.dataclass(frozen=True)
class SACConfig:
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
    gradient_steps: int = 4  # in an update
    tau: float = 0.005  # share of the critics that enters the target critics with each gradient step
    temperature: float = 1.0  # alpha, what a nat of entropy is worth in rewards, at the beginning
    tune_temperature: bool = True  # whether it is moved until the entropy is the target entropy
    target_entropy: float | None = None  # in nats; null: -dim of a Box's actions, half of log n of n discrete actions
    normalize_observations: bool = False  # their Box parts, to zero mean and unit variance over all seen
    normalize_rewards: bool = False  # divided by the standard deviation of the discounted return
    anneal_steps: int | None = None  # environment steps over which gradient steps shrink linearly to nothing

    def __post_init__(self):
        sizes = ("num_envs", "num_steps", "batch_size", "sequence_length", "period", "gradient_steps")
        check_fields(
            self,
            at_least_one=(*sizes, "buffer_size", "learning_starts", "anneal_steps"),
            not_negative=("burn_in",),
            fractions=("gamma", "tau"),
            positive=("temperature", "tau"),
        )
        check_windows(self, 1)


class SAC(OffPolicy):
    """`SAC(config, env, env_params, actor, critic, optimizer, critic_optimizer)`; one optimizer serves both where there
    is no second. Each network has its own torso:

        Box         actor's head: SquashedGaussian(action_dim)   critic's head: Twin(ContinuousQNetwork())
        Discrete    actor's head: Categorical(action_dim)        critic's head: Twin(DiscreteQNetwork(action_dim))

    The temperature is a parameter: its logarithm moves by the actor's optimizer, with a state of its own. Deterministic
    evaluation does the policy's mode.
    """

    action_kinds: ClassVar = ("discrete", "continuous")
    roles: ClassVar = ("bounded_policy", "twin_values")
    group: ClassVar = "sac"

    def __init__(
        self,
        config: SACConfig,
        env: Environment,
        env_params: Any,
        actor: Any,
        critic: Any,
        optimizer: optax.GradientTransformation,
        critic_optimizer: optax.GradientTransformation | None = None,
    ):
        Algorithm.__init__(self, config, env, env_params)
        space = self.action_space
        self.networks = SoftNetworks(actor, critic, math.prod(space.shape) if isinstance(space, Box) else None)
        check_soft_values(self.networks, self.observation_space, space)
        optimizers = {
            "actor": optimizer,
            "critic": optimizer if critic_optimizer is None else critic_optimizer,
            "log_temperature": optimizer if config.tune_temperature else optax.set_to_zero(),
        }
        self.optimizer = optax.partition(optimizers, {name: name for name in optimizers})
        self.target_entropy = _default_entropy(space) if config.target_entropy is None else config.target_entropy
        self.buffer = make_episode_buffer(**buffer_sizes(config, 1))

    def _initial_params(self, key: jax.Array, inputs: Inputs) -> tuple[Any, Any]:
        params = self.networks.init(key, inputs, self.config.num_envs)
        return {**params, "log_temperature": jnp.log(jnp.float32(self.config.temperature))}, params["critic"]

    def _draw(self, key, state, timestep, carry, deterministic) -> tuple[Carry, Any]:
        inputs = single_step(self._inputs(state.statistics, timestep))
        actor_carry, distribution, _ = self.networks.act(state.params["actor"], inputs, carry["actor"])
        drawn = distribution.mode() if deterministic else distribution.sample(seed=key)
        return {**carry, "actor": actor_carry}, drawn[:, 0]  # nobody asks the critic, so it needs no memory

    def _decide(self, key, state) -> tuple[Carry, jax.Array, jax.Array]:
        inputs = single_step(self._inputs(state.statistics, state.timestep))
        carry, distribution, features, _ = self._read(state.params, inputs, state.carry)
        drawn = distribution.sample(seed=key)
        return carry, drawn[:, 0], self._appraise(state.params, distribution, features, drawn)[:, 0]

    def _read(
        self, params: Any, inputs: Inputs, carry: Carry
    ) -> tuple[Carry, distrax.Distribution, jax.Array, jax.Array]:
        """-> carry, distribution over actions, features for the critic's head, auxiliary loss."""
        actor, distribution, actor_loss = self.networks.act(params["actor"], inputs, carry["actor"])
        critic, features, critic_loss = self.networks.remember(params["critic"], inputs, carry["critic"])
        return {"actor": actor, "critic": critic}, distribution, features, actor_loss + critic_loss

    def _appraise(
        self, params: Any, distribution: distrax.Distribution, features: jax.Array, action: jax.Array
    ) -> jax.Array:
        """The log-probability and the n values of actions [B, T, ...] -> [B, T, 1 + n]."""
        q, _ = self.networks.value(params["critic"], features, action)
        q = values.mean(self.networks.chosen(q, action))
        return jnp.moveaxis(jnp.concatenate([distribution.log_prob(action)[None], q]), 0, -1)

    def _replay_error(self, state, steps, decisions) -> jax.Array:
        timestep, action, carry = jax.tree.map(lambda leaf: leaf[:1], (steps.timestep, steps.action, state.carry))
        _, distribution, features, _ = self._read(state.params, self._inputs(state.statistics, timestep), carry)
        return distance(self._appraise(state.params, distribution, features, action)[0], decisions[:, 0])

    def _settings(self, state) -> dict[str, jax.Array]:
        return {"temperature": jnp.exp(state.params["log_temperature"])}

    def _learn(self, state, key) -> tuple[OffPolicyState, dict]:
        sample_key, policy_key = jax.random.split(key)
        sample = self.buffer.sample(state.replay, sample_key)

        def total(params: Any) -> tuple[jax.Array, dict]:
            window = (state.statistics, sample.experience, sample.carry)
            losses, metrics = self._losses(params, state.target_params, *window, policy_key)
            return sum(losses.values()), {**losses, **metrics}

        gradient, metrics = jax.grad(total, has_aux=True)(state.params)
        state = self._descend(state, gradient)
        target_params = optax.incremental_update(state.params["critic"], state.target_params, self.config.tau)
        return state.replace(target_params=target_params), metrics

    def _losses(
        self, params: Any, target_params: Any, statistics: Statistics, steps: Step, carry: Carry, key: jax.Array
    ) -> tuple[dict, dict]:
        """Of windows [B, L], begun in the memory stored with them -> (losses, what else is to be logged)."""
        inputs, config = self._inputs(statistics, steps.timestep), self.config
        read = functools.partial(self._read, params)
        distribution, features, auxiliary_loss = self._after_burn_in(read, inputs, carry)
        steps = jax.tree.map(lambda leaf: leaf[:, config.burn_in :], steps)
        policy = weighted_actions(distribution, key)
        temperature, held = jax.lax.stop_gradient((jnp.exp(params["log_temperature"]), policy))
        after = self._target_values(target_params, inputs, carry, held) + temperature * held.entropy
        reward = normalize_reward(statistics, steps.reward)
        target, _ = n_step_targets(
            after[..., None], jnp.ones_like(after)[..., None], reward, steps.terminated, steps.cut, config.gamma, 1
        )
        steps, policy, features = jax.tree.map(
            lambda leaf: leaf[:, : config.sequence_length], (steps, policy, features)
        )
        critic_loss, value, head_loss = self._critic_loss(params, features, steps, target)
        excess = jax.lax.stop_gradient(policy.entropy - self.target_entropy)
        losses = {
            "actor_loss": self._actor_loss(params, features, policy, temperature),
            "critic_loss": critic_loss,
            "temperature_loss": (params["log_temperature"] * excess).mean(),
            "auxiliary_loss": jnp.asarray(auxiliary_loss + head_loss),
        }
        return losses, {"entropy": policy.entropy.mean(), "value": value}

    def _target_values(self, target_params: Any, inputs: Inputs, carry: Carry, policy: WeightedActions) -> jax.Array:
        """What the target critics expect of the policy after the burn-in, [B, T + 1]; from the critic's own memory."""
        read = functools.partial(self.networks.remember, target_params)
        features, _ = self._after_burn_in(read, inputs, carry["critic"])
        return policy.expected(self.networks.value(target_params, features, policy.action)[0])

    def _critic_loss(
        self, params: Any, features: jax.Array, steps: Step, target: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """target: [B, T, 1] -> (loss, summed over the critics; value of what was done; auxiliary loss). Steps without a
        target, because they were cut, do not count."""
        q, auxiliary_loss = self.networks.value(params["critic"], features, steps.action)
        q, counted = self.networks.chosen(q, steps.action), ~steps.cut
        each = jnp.where(counted, values.loss(q, target, jnp.ones_like(target)), 0.0)
        return each.sum() / jnp.maximum(counted.sum(), 1), values.mean(q).mean(), auxiliary_loss

    def _actor_loss(
        self, params: Any, features: jax.Array, policy: WeightedActions, temperature: jax.Array
    ) -> jax.Array:
        """Through the actions alone: the critic and its memory are taken as they are."""
        critic, features = jax.lax.stop_gradient((params["critic"], features))
        q, _ = self.networks.value(critic, features, policy.action)
        return -(policy.expected(q) + temperature * policy.entropy).mean()


def _default_entropy(space: Space) -> float:
    """Haarnoja et al. 2018 for a Box. For n discrete actions half of what is possible: 0.98 of it, as in Christodoulou
    2019, leaves a policy that is almost uniform."""
    return -float(math.prod(space.shape)) if isinstance(space, Box) else 0.5 * math.log(space.n)
