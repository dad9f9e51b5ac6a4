"""QRC(lambda): Q-learning from every step once, that follows a gradient where Q-learning may diverge.

Sources: Ghiassian et al. 2020, "Gradient Temporal-Difference Learning with Regularized Corrections", arXiv
2007.00611, TDRC and QRC; with traces and networks: Elelimy et al. 2025, "Deep Reinforcement Learning with Gradient
Eligibility Traces", arXiv 2507.09087, equations 26-28. With h, of parameters of its own, an estimate of the TD error:

    delta_t = r_t + gamma max_a q(o_{t+1}, a) - q(o_t, a_t)                     max = 0 if the episode terminated
    rho_t   = 1 if a_t is the greedy action, else 0
    z       = rho_t gamma lambda z       + h(o_t, a_t)                          one number
    z_w     = rho_t gamma lambda z_w     + grad q(o_t, a_t)
    z_theta = rho_t gamma lambda z_theta + grad h(o_t, a_t)
    w     = w     + alpha   [delta_t z_w - h(o_t, a_t) grad q(o_t, a_t) - z grad delta_t]
    theta = theta + alpha c [delta_t z_theta - h(o_t, a_t) grad h(o_t, a_t) - beta theta]

with h = 0 it is Watkins's Q(lambda), whose traces end where an action was not greedy: what followed that action says
nothing about the greedy return of those before it. The traces are cleared at the start of an episode.

h is a second head on the features of the values' torso, so it knows what q remembers, and sends no gradient into
them: features are learnt for the values. In the second source h is a network of its own, with c = 0.1.
"""

import dataclasses
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from memorax.algorithms import values
from memorax.algorithms.acting import single_step
from memorax.algorithms.action_values import ActionValues, check_action_values, epsilon, epsilon_greedy
from memorax.algorithms.actor_critic import Parameters, apply_network, init_network
from memorax.algorithms.base import Algorithm
from memorax.algorithms.checks import check_fields
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
from memorax.networks.types import Carry, Head, Inputs

QRCState = StreamingState


@dataclasses.dataclass(frozen=True)
class QRCConfig:
    """Hyperparameters. The parameters change at every step of `num_envs` environments."""

    num_envs: int = 1  # environments acted in at once: streams, over which every step is averaged
    num_steps: int = 128  # steps of each environment in a row of the log
    gamma: float = 0.99  # discount
    td_lambda: float = 0.8  # decay of the traces; 0: one step, 1: up to the end or an action that is not greedy
    regularization: float = 1.0  # beta: how strongly the parameters of h are drawn to zero
    correction_rate: float = 1.0  # c: step size of h, as a multiple of that of the values
    epsilon_start: float = 1.0  # share of random actions at the beginning
    epsilon_end: float = 0.05  # and in the end
    epsilon_steps: int = 100_000  # environment steps from the one to the other
    normalize_observations: bool = True  # their Box parts, to zero mean and unit variance over all seen
    normalize_rewards: bool = True  # divided by the standard deviation of the discounted return

    def __post_init__(self):
        check_fields(
            self,
            at_least_one=("num_envs", "num_steps", "epsilon_steps"),
            fractions=("gamma", "td_lambda", "epsilon_start", "epsilon_end"),
            not_negative=("regularization", "correction_rate"),
        )


class _Corrected(nn.Module):
    """A network of action values, and a second head on its features that no gradient leaves."""

    network: nn.Module
    correction: Head

    def __call__(self, inputs: Inputs, carry: Carry) -> tuple[Carry, tuple[Any, Any]]:
        carry, y = self.network.remember(inputs, carry)
        return carry, (self.network.head(y), self.correction(jax.lax.stop_gradient(y)))

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return self.network.initialize_carry(batch)


@dataclasses.dataclass(frozen=True)
class CorrectedValues:
    """Values of actions, and the TD errors that are expected of them."""

    network: nn.Module

    @property
    def _both(self) -> nn.Module:
        return _Corrected(self.network, self.network.head.clone())

    def init(self, key: jax.Array, inputs: Inputs, batch: int) -> Parameters:
        return init_network(self._both, key, inputs, batch)

    def initialize_carry(self, batch: int) -> Carry:
        return self.network.initialize_carry(batch)

    def apply(
        self, parameters: Parameters, inputs: Inputs, carry: Carry
    ) -> tuple[Carry, values.Values, jax.Array, jax.Array]:
        """-> carry, values of actions, expected TD errors [B, T, A], auxiliary loss."""
        carry, (q, h), auxiliary_loss = apply_network(self._both, parameters, inputs, carry)
        return carry, values.mean(q), values.mean(h), auxiliary_loss


class QRC(Streaming):
    """`QRC(config, env, env_params, network, optimizer)`, the network with a head that values discrete actions:
    `DiscreteQNetwork`. The paper's steps are those of `optax.sgd(alpha)`.

    In training and, unless it is deterministic, in evaluation, actions are epsilon-greedy.
    """

    action_kinds: ClassVar = ("discrete",)
    roles: ClassVar = ("action_values",)
    group: ClassVar = "qrc"

    def __init__(
        self,
        config: QRCConfig,
        env: Environment,
        env_params: Any,
        network: Any,
        optimizer: optax.GradientTransformation,
    ):
        Algorithm.__init__(self, config, env, env_params)
        check_action_values(ActionValues(network), self.observation_space, self.action_space)
        self.networks = CorrectedValues(network)
        slower = optax.masked(optax.scale(config.correction_rate), {"params": {"network": False, "correction": True}})
        self.optimizer = optax.chain(optimizer, slower)

    def _initial_traces(self, gradients: Any) -> Any:
        return {"gradient": gradients, "correction": jnp.zeros(self.config.num_envs)}

    def _epsilon(self, state: QRCState) -> jax.Array:
        config = self.config
        return epsilon(state.step, config.epsilon_start, config.epsilon_end, config.epsilon_steps)

    def _draw(self, key, state, timestep, carry, deterministic) -> tuple[Carry, Any]:
        inputs = single_step(self._inputs(state.statistics, timestep))
        carry, q, *_ = self.networks.apply(state.params, inputs, carry)
        return carry, epsilon_greedy(key, q[:, 0], 0.0 if deterministic else self._epsilon(state))

    def _read(self, key, state) -> Reading:
        share = self._epsilon(state)

        def read(params, key, inputs, carry):
            carry, q, h, _ = self.networks.apply(params, inputs, carry)
            drawn = epsilon_greedy(key, q[:, 0], share)
            said = {"value": values.select(q, drawn[:, None]), "correction": values.select(h, drawn[:, None])}
            return said, (carry, drawn, drawn == q[:, 0].argmax(-1))

        return self._read_streams(read, key, state)

    def _learn(self, state: QRCState, reading: Reading, followed: Followed) -> Learnt:
        config, q, h = self.config, reading.outputs["value"], reading.outputs["correction"]
        (greedy,) = reading.rest
        decay = config.gamma * config.td_lambda * greedy
        correction = decay * state.traces["correction"] + h
        gradients = reading.pull(jax.tree.map(jnp.ones_like, reading.outputs))  # of q and h: they share no parameter
        traces = accumulated(state.traces["gradient"], decay, gradients)
        ahead, (next_best, auxiliary_loss) = jax.grad(self._ahead, has_aux=True)(
            state.params, state, followed, correction
        )
        td_error = followed.reward + followed.discount * next_best - q
        along = mean_over_streams(td_error, traces)

        def gradient(part: str, here: jax.Array, regularization: float) -> Any:
            """To descend; `here`: what each stream's own gradient of this step is weighted with."""
            parts = [tree["params"][part] for tree in (ahead, along, mean_over_streams(here, gradients), state.params)]
            return jax.tree.map(lambda a, z, g, p: a - z - g + regularization * p, *parts)

        metrics = {
            "td_error": jnp.abs(td_error).mean(),
            "value": q.mean(),
            "correction": h.mean(),
            "greedy": greedy.mean(),
            "epsilon": self._epsilon(state),
            "auxiliary_loss": auxiliary_loss,
        }
        both = {
            "network": gradient("network", correction - h, 0.0),
            "correction": gradient("correction", -h, config.regularization),
        }
        return Learnt({"params": both}, td_error, {"gradient": traces, "correction": correction}, metrics)

    def _ahead(
        self, params: Any, state: QRCState, followed: Followed, correction: jax.Array
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        """The part of z delta that the next timestep has, its mean over streams, and the auxiliary loss there: both are
        descended. Beside it the best value there, [B], and that loss."""
        inputs = single_step(self._inputs(state.statistics, followed.timestep))
        _, q, _, auxiliary_loss = self.networks.apply(params, inputs, followed.carry)
        best = values.select(q, q.argmax(-1))[:, 0]
        return (followed.discount * correction * best).mean() + auxiliary_loss, (best, jnp.asarray(auxiliary_loss))
