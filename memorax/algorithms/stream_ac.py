"""Stream AC(lambda): an actor and a critic that learn from every step once, with eligibility traces and bounded steps.

Source: Elsayed, Vasan and Mahmood 2024, "Streaming Deep Reinforcement Learning Finally Works", arXiv 2410.14606,
algorithm "stream AC(lambda)". With z_w and z_theta cleared at the start of an episode:

    delta_t = r_t + gamma v(o_{t+1}) - v(o_t)                                   v(o_{t+1}) = 0 if the episode terminated
    z_w     = gamma lambda z_w     + grad v(o_t)
    z_theta = gamma lambda z_theta + grad [log pi(a_t | o_t) + tau sign(delta_t) H(pi(. | o_t))]
    w     = w     + alpha_w delta_t z_w                                         alpha bounded as `obgd` has it,
    theta = theta + alpha_theta delta_t z_theta                                 by critic_kappa and actor_kappa

What a network sows under "losses" is descended as the entropy is ascended. What else the paper's agents are made of:
observations normalised and rewards scaled by running statistics (normalize_observations, normalize_rewards; here they
take in a step after it was learnt from, there before); sparse initial weights (`memorax.networks.initializers.sparse`)
and a LayerNorm without parameters before each activation, which are the network's; and ObGD, `optax.sgd(1.0)` here.
"""

import dataclasses
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import optax

from memorax.algorithms import values
from memorax.algorithms.acting import Timestep, single_step
from memorax.algorithms.actor_critic import actor_critic
from memorax.algorithms.base import Algorithm
from memorax.algorithms.checks import check_fields, check_policy
from memorax.algorithms.obgd import obgd
from memorax.algorithms.statistics import Statistics
from memorax.algorithms.streaming import (
    Followed,
    Learnt,
    Reading,
    Streaming,
    StreamingState,
    accumulated,
    mean_over_streams,
)
from memorax.environments.types import Environment
from memorax.networks.types import Carry

StreamACState = StreamingState


@dataclasses.dataclass(frozen=True)
class StreamACConfig:
    """Hyperparameters. The parameters change at every step of `num_envs` environments."""

    num_envs: int = 1  # environments acted in at once: streams, over which every step is averaged
    num_steps: int = 128  # steps of each environment in a row of the log
    gamma: float = 0.99  # discount
    td_lambda: float = 0.8  # decay of the traces; 0: one step, 1: the rest of the episode
    entropy_coefficient: float = 0.01  # weight of the entropy beside the log-probability
    actor_kappa: float = 3.0  # the actor's steps are at most min(|TD error|, 1) / actor_kappa long, in L1
    critic_kappa: float = 2.0  # and the critic's accordingly; the larger one holds where they share a torso
    normalize_observations: bool = True  # their Box parts, to zero mean and unit variance over all seen
    normalize_rewards: bool = True  # divided by the standard deviation of the discounted return

    def __post_init__(self):
        check_fields(
            self,
            at_least_one=("num_envs", "num_steps"),
            fractions=("gamma", "td_lambda"),
            positive=("actor_kappa", "critic_kappa"),
            not_negative=("entropy_coefficient",),
        )


class StreamAC(Streaming):
    """`critic` is a network of its own, or a bare head that reads the actor's torso:

        StreamAC(config, env, env_params, actor, critic, optax.sgd(1.0))                # two torsos, as in the paper
        StreamAC(config, env, env_params, actor, heads.VNetwork(), optax.sgd(1.0))      # one torso, one trace

    The steps of `optimizer` are bounded: `optax.sgd(alpha)` is the paper's ObGD. `critic_optimizer`: another for the
    critic; a `ValueError` with a shared torso.
    """

    action_kinds: ClassVar = ("discrete", "multi_discrete", "continuous")
    roles: ClassVar = ("policy", "value")
    optimizer_kind: ClassVar = "sgd"
    group: ClassVar = "stream_ac"

    def __init__(
        self,
        config: StreamACConfig,
        env: Environment,
        env_params: Any,
        actor: Any,
        critic: Any,
        optimizer: optax.GradientTransformation,
        critic_optimizer: optax.GradientTransformation | None = None,
    ):
        Algorithm.__init__(self, config, env, env_params)
        kappa = {"actor": config.actor_kappa, "critic": config.critic_kappa}
        kappa["both"] = max(kappa.values())
        self.networks, self.optimizer = actor_critic(
            actor, critic, optimizer, critic_optimizer, lambda inner, part: obgd(inner, kappa[part])
        )
        check_policy(self.networks, self.observation_space, self.action_space)

    def _initial_traces(self, gradients: Any) -> Any:
        return gradients

    def _draw(self, key, state, timestep, carry, deterministic) -> tuple[Carry, Any]:
        inputs = single_step(self._inputs(state.statistics, timestep))
        carry, distribution, _, _ = self.networks.apply(state.params, inputs, carry)
        distribution = distribution[:, 0]
        return carry, distribution.mode() if deterministic else distribution.sample(seed=key)

    def _value(self, params: Any, statistics: Statistics, timestep: Timestep, carry: Carry) -> jax.Array:
        """What is expected from a timestep on, leaves [B, ...] -> [B]."""
        inputs = single_step(self._inputs(statistics, timestep))
        return values.mean(self.networks.apply(params, inputs, carry)[2])[:, 0]

    def _read(self, key, state) -> Reading:
        def read(params, key, inputs, carry):
            carry, distribution, value, auxiliary_loss = self.networks.apply(params, inputs, carry)
            drawn = jax.lax.stop_gradient(distribution.sample(seed=key))
            said = {
                "log_prob": distribution.log_prob(drawn),
                "entropy": distribution.entropy(),
                "value": values.mean(value),
                "auxiliary_loss": jnp.full((1, 1), auxiliary_loss),
            }
            return said, (carry, drawn[:, 0])

        return self._read_streams(read, key, state)

    def _learn(self, state: StreamACState, reading: Reading, followed: Followed) -> Learnt:
        config, said = self.config, reading.outputs
        next_value = self._value(state.params, state.statistics, followed.timestep, followed.carry)
        td_error = followed.reward + followed.discount * next_value - said["value"]
        sign, ones = jnp.sign(td_error), jnp.ones_like(td_error)
        weights = {
            "log_prob": ones,
            "entropy": config.entropy_coefficient * sign,
            "value": ones,
            "auxiliary_loss": -sign,
        }
        traces = accumulated(state.traces, config.gamma * config.td_lambda, reading.pull(weights))
        metrics = {
            "td_error": jnp.abs(td_error).mean(),
            "value": said["value"].mean(),
            "entropy": said["entropy"].mean(),
            "auxiliary_loss": said["auxiliary_loss"].mean(),
        }
        return Learnt(mean_over_streams(-td_error, traces), td_error, traces, metrics)
