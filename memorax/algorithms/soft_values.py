"""Agents of a policy and of critics that value its actions, each with a memory: how they are applied, what is expected
of a policy, and how they are checked."""

import dataclasses
import math
from typing import Any

import distrax
import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from memorax.algorithms import values
from memorax.algorithms.acting import first_timestep, network_inputs, single_step
from memorax.algorithms.actor_critic import Parameters, apply_module, apply_network, init_network
from memorax.algorithms.checks import categories, check_action
from memorax.environments.spaces import Box, Discrete, Space
from memorax.networks.types import Carry, Head, Inputs


@dataclasses.dataclass(frozen=True)
class SoftNetworks:
    """An actor, and a critic whose head is several critics that read one torso. What the torso makes of the past is
    apart from the head, which values several actions in the same memory."""

    actor: nn.Module
    critic: nn.Module
    action_dim: int | None  # of a continuous action; None: each action of a Discrete space is valued

    def init(self, key: jax.Array, inputs: Inputs, batch: int) -> Parameters:
        actor_key, critic_key = jax.random.split(key)
        action = [] if self.action_dim is None else [jnp.zeros((*inputs.start.shape, self.action_dim))]
        return {
            "actor": init_network(self.actor, actor_key, inputs, batch),
            "critic": init_network(self.critic, critic_key, inputs, batch, *action),
        }

    def initialize_carry(self, batch: int) -> Carry:
        return {"actor": self.actor.initialize_carry(batch), "critic": self.critic.initialize_carry(batch)}

    def act(self, actor: Parameters, inputs: Inputs, carry: Carry) -> tuple[Carry, distrax.Distribution, jax.Array]:
        """-> the actor's carry, distribution over actions, auxiliary loss."""
        return apply_network(self.actor, actor, inputs, carry)

    def remember(self, critic: Parameters, inputs: Inputs, carry: Carry) -> tuple[Carry, jax.Array, jax.Array]:
        """-> the critic's carry, features [B, T, D] for its head, auxiliary loss."""
        (carry, features), loss = apply_module(self.critic, critic, inputs, carry, method="remember")
        return carry, features, loss

    def value(
        self, critic: Parameters, features: jax.Array, action: jax.Array | None
    ) -> tuple[values.Values, jax.Array]:
        """-> values of n critics, auxiliary loss: [n, B, T] of continuous actions [B, T, A], else [n, B, T, A] of each
        action of the space, whatever the `action`."""
        action = None if self.action_dim is None else action
        return apply_module(self.critic, critic, features, action, method=_head)

    def chosen(self, q: values.Values, action: jax.Array) -> values.Values:
        """Of what `value` returned for it, the values of an action [B, T, ...]: [n, B, T]."""
        return values.select(q, action) if self.action_dim is None else q


def _head(network: nn.Module, features: jax.Array, action: jax.Array | None) -> values.Values:
    return network.head(features, action)


@flax.struct.dataclass
class WeightedActions:
    """What a policy does at each step: all actions of a Discrete space, so that expectations are exact, or one that was
    drawn, which estimates them."""

    action: jax.Array | None  # [B, T, A], drawn; None: all
    probability: jax.Array  # [B, T, M]
    log_prob: jax.Array  # [B, T, M]

    @property
    def entropy(self) -> jax.Array:
        """[B, T]."""
        return -(self.probability * self.log_prob).sum(-1)

    def expected(self, q: values.Values) -> jax.Array:
        """The smallest of n critics, on average over the actions: what `SoftNetworks.value` returns -> [B, T].

        Source: Fujimoto et al. 2018 (TD3), arXiv 1802.09477, section 4.2.
        """
        smallest = values.mean(q).min(0)
        return (self.probability * (smallest if self.action is None else smallest[..., None])).sum(-1)


def weighted_actions(distribution: distrax.Distribution, key: jax.Array) -> WeightedActions:
    """Drawn actions have the gradient of the policy that drew them."""
    if isinstance(distribution, distrax.Categorical):
        return WeightedActions(None, distribution.probs, distribution.logits)
    action, log_prob = distribution.sample_and_log_prob(seed=key)
    return WeightedActions(action, jnp.ones_like(log_prob)[..., None], log_prob[..., None])


def check_soft_values(networks: SoftNetworks, observation_space: Space, action_space: Space) -> None:
    """The networks fit the spaces: traced on shapes alone, nothing is computed."""
    if not isinstance(action_space, Box | Discrete):
        raise ValueError(
            f"the action space is {action_space}; SAC acts in Box and in Discrete. Of vectors of categories it would "
            "have to sum over all combinations: use PPO or A2C"
        )
    for name, network in (("actor", networks.actor), ("critic", networks.critic)):
        if isinstance(network, Head):
            raise ValueError(
                f"the {name} is a bare head, {type(network).__name__}; in SAC actor and critic have a memory each: use "
                f"Network(feature_extractor, torso, heads.{type(network).__name__}(...))"
            )
    timestep = first_timestep(observation_space.zeros((1,)), action_space)
    inputs = single_step(network_inputs(timestep, observation_space, action_space))
    _check_actor(networks.actor, inputs, action_space)
    _check_critic(networks, inputs, action_space)


def _check_actor(actor: nn.Module, inputs: Inputs, action_space: Space) -> None:
    def policy(key: jax.Array) -> tuple[Any, Any]:
        params = init_network(actor, key, inputs, 1)
        _, distribution, _ = apply_network(actor, params, inputs, actor.initialize_carry(1))
        drawn = distribution.sample(seed=key) if isinstance(distribution, distrax.Distribution) else distribution
        return distribution, drawn

    distribution, drawn = jax.eval_shape(policy, jax.random.key(0))
    check_action(drawn, categories(distribution), action_space, continuous="SquashedGaussian")
    if isinstance(distribution, distrax.MultivariateNormalDiag):
        raise ValueError(
            "the actor's head draws from a normal without bounds: its entropy would grow without its actions changing, "
            f"as they are clipped: use heads.SquashedGaussian(action_dim={distribution.event_shape[0]})"
        )


def _check_critic(networks: SoftNetworks, inputs: Inputs, action_space: Space) -> None:
    continuous = isinstance(action_space, Box)
    width = math.prod(action_space.shape) if continuous else action_space.n
    head = "heads.ContinuousQNetwork()" if continuous else f"heads.DiscreteQNetwork(action_dim={width})"
    use = f"use heads.Twin({head})"

    def value(key: jax.Array, action: jax.Array | None) -> tuple[Parameters, jax.Array]:
        given = [] if action is None else [action]
        params = init_network(networks.critic, key, inputs, 1, *given)
        _, features, _ = networks.remember(params, inputs, networks.critic.initialize_carry(1))
        return params, values.mean(networks.value(params, features, action)[0])

    def shapes(width: int) -> tuple[Parameters, Any]:
        action = jnp.zeros((1, 1, width)) if continuous else None
        try:
            return jax.eval_shape(value, jax.random.key(0), action)
        except ValueError as error:
            raise ValueError(f"the critic cannot be applied; for {action_space} {use}. {error}") from error

    params, q = shapes(width)
    shape, expected = getattr(q, "shape", None), (1, 1) if continuous else (1, 1, width)
    if shape is None or shape[1:] != expected:
        wanted = ", ".join(map(str, ("critics", *expected)))
        raise ValueError(
            f"the critic values {shape} for a batch [1, 1] in {action_space}; it must be [{wanted}]: {use}"
        )
    if continuous and params == shapes(width + 1)[0]:
        raise ValueError(f"the critic's head does not read the action, so that no action is better than another: {use}")
