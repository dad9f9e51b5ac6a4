"""What PPO and A2C share: an actor and a critic, and advantages. They differ in how they learn from a rollout."""

import abc
from typing import Any, ClassVar

import distrax
import flax.struct
import jax
import optax

from memorax.algorithms import losses, values
from memorax.algorithms.acting import Timestep, log_update, single_step
from memorax.algorithms.actor_critic import actor_critic
from memorax.algorithms.base import Algorithm
from memorax.algorithms.checks import check_policy
from memorax.algorithms.on_policy import OnPolicy, OnPolicyState, Transition, batch_major
from memorax.algorithms.returns import generalized_advantages
from memorax.algorithms.statistics import Statistics
from memorax.environments.types import Environment
from memorax.networks.types import Carry


@flax.struct.dataclass
class Decision:
    """Of one step, when it was acted."""

    log_prob: jax.Array
    value: jax.Array


class PolicyGradient(OnPolicy):
    """Abstract. `critic` is a network of its own, or a bare head that reads the actor's torso:

        PPO(config, env, env_params, actor, critic, optimizer, critic_optimizer)   # two torsos
        PPO(config, env, env_params, actor, heads.VNetwork(), optimizer)           # one torso, half the work

    With a shared torso there is one optimizer; a second is a `ValueError`. The critic's head may also be one of
    distributions, `heads.C51()`, `heads.HLGauss()` or `heads.Quantile()`: returns are estimated by their means.
    """

    action_kinds: ClassVar = ("discrete", "multi_discrete", "continuous")
    roles: ClassVar = ("policy", "value")

    def __init__(
        self,
        config: Any,
        env: Environment,
        env_params: Any,
        actor: Any,
        critic: Any,
        optimizer: optax.GradientTransformation,
        critic_optimizer: optax.GradientTransformation | None = None,
    ):
        Algorithm.__init__(self, config, env, env_params)
        self.networks, self.optimizer = actor_critic(actor, critic, optimizer, critic_optimizer)
        self._check_critic(check_policy(self.networks, self.observation_space, self.action_space))

    def _check_critic(self, value: values.Values) -> None:
        """`ValueError` where the critic's output, of which only the shapes are known, cannot be learnt."""

    def _step(
        self, params: Any, statistics: Statistics, timestep: Timestep, carry: Carry
    ) -> tuple[Carry, distrax.Distribution, jax.Array]:
        """One timestep, leaves [B, ...] -> (carry, distribution of batch shape [B], value [B])."""
        inputs = single_step(self._inputs(statistics, timestep))
        carry, distribution, value, _ = self.networks.apply(params, inputs, carry)
        return carry, distribution[:, 0], values.mean(value)[:, 0]

    def _decide(self, key, state, statistics) -> tuple[Carry, Any, Decision]:
        carry, distribution, value = self._step(state.params, statistics, state.timestep, state.carry)
        drawn, log_prob = distribution.sample_and_log_prob(seed=key)
        return carry, drawn, Decision(log_prob, value)

    def _draw(self, key, state, timestep, carry, deterministic) -> tuple[Carry, Any]:
        carry, distribution, _ = self._step(state.params, state.statistics, timestep, carry)
        return carry, distribution.mode() if deterministic else distribution.sample(seed=key)

    def _value(self, params, statistics, timestep, carry) -> jax.Array:
        return self._step(params, statistics, timestep, carry)[2]

    def _update(self, state: OnPolicyState, key: jax.Array) -> tuple[OnPolicyState, None]:
        rollout_key, learn_key = jax.random.split(key)
        carry, statistics = state.carry, state.statistics
        state, transitions, sums = self._rollout(rollout_key, state)
        batch = batch_major(transitions)
        last_value = self._value(state.params, statistics, state.timestep, state.carry)
        value = batch.decision.value
        advantage = generalized_advantages(
            batch.reward, batch.done, value, last_value, self.config.gamma, self.config.gae_lambda
        )
        params, optimizer_state, metrics = self._learn(learn_key, state, statistics, (batch, advantage, carry))
        explained = losses.explained_variance(value, value + advantage)
        log_update(state.step, sums, value__explained_variance=explained, **metrics)
        return state.replace(params=params, optimizer_state=optimizer_state), None

    @abc.abstractmethod
    def _learn(
        self,
        key: jax.Array,
        state: OnPolicyState,
        statistics: Statistics,
        data: tuple[Transition, jax.Array, Carry],
    ) -> tuple[Any, Any, dict[str, jax.Array]]:
        """From a rollout -> (parameters, optimizer state, what to log as group__name).

        state: after the rollout, with the parameters that acted; statistics: those it acted with
        data: transitions [B, T], advantages [B, T], the carry [B, ...] in which the rollout began
        """

    def _replay(
        self, params: Any, statistics: Statistics, batch: Transition, carry: Carry
    ) -> tuple[distrax.Distribution, values.Values, jax.Array]:
        """Whole sequences, from the memory in which they began -> (distribution, values [b, T], auxiliary loss)."""
        return self.networks.apply(params, self._inputs(statistics, batch.timestep), carry)[1:]
