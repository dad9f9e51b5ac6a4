"""Agents of one network that values every discrete action: how it is applied, explored with, and checked."""

import dataclasses
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.algorithms import values
from memorax.algorithms.acting import first_timestep, network_inputs, single_step
from memorax.algorithms.actor_critic import Parameters, apply_network, init_network
from memorax.environments.spaces import Discrete, Space
from memorax.networks.types import Carry, Inputs


@dataclasses.dataclass(frozen=True)
class ActionValues:
    """A network with a head that values actions: an array [B, T, A], or a `ValueDistribution` of these axes."""

    network: nn.Module

    def init(self, key: jax.Array, inputs: Inputs, batch: int) -> Parameters:
        return init_network(self.network, key, inputs, batch)

    def initialize_carry(self, batch: int) -> Carry:
        return self.network.initialize_carry(batch)

    def apply(self, parameters: Parameters, inputs: Inputs, carry: Carry) -> tuple[Carry, values.Values, jax.Array]:
        """-> carry, values of actions, auxiliary loss."""
        return apply_network(self.network, parameters, inputs, carry)


def epsilon(step: jax.Array, start: float, end: float, steps: int) -> jax.Array:
    """The share of random actions after `step` environment steps: from `start` linearly to `end` over `steps`."""
    return start + (end - start) * jnp.clip(step / steps, 0.0, 1.0)


def epsilon_greedy(key: jax.Array, mean: jax.Array, share: jax.Array | float) -> jax.Array:
    """mean[B, A] -> actions [B] int32: the best, or with probability `share` one of all."""
    explore_key, action_key = jax.random.split(key)
    explores = jax.random.bernoulli(explore_key, share, mean.shape[:-1])
    anything = jax.random.randint(action_key, mean.shape[:-1], 0, mean.shape[-1])
    return jnp.where(explores, anything, jnp.argmax(mean, -1)).astype(jnp.int32)


def check_action_values(networks: ActionValues, observation_space: Space, action_space: Space) -> None:
    """The network values each action of the space: traced on shapes alone, nothing is computed."""
    if not isinstance(action_space, Discrete):
        raise ValueError(f"the action space is {action_space}; this algorithm acts in Discrete")
    timestep = first_timestep(observation_space.zeros((1,)), action_space)

    def mean(key: jax.Array) -> Any:
        inputs = single_step(network_inputs(timestep, observation_space, action_space))
        params = networks.init(key, inputs, 1)
        return values.mean(networks.apply(params, inputs, networks.initialize_carry(1))[1])

    shape = getattr(jax.eval_shape(mean, jax.random.key(0)), "shape", None)
    if shape != (1, 1, action_space.n):
        raise ValueError(
            f"the head values {shape} for a batch [1, 1]; it must be every action of {action_space}, "
            f"[1, 1, {action_space.n}]: use heads.DiscreteQNetwork(action_dim={action_space.n})"
        )
