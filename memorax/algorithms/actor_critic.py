"""An actor and a critic behind one call, whether each has a torso or both read the same."""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import optax

from memorax.networks.types import Carry, Head, Inputs

Parameters = Any


def apply_module(
    module: nn.Module, parameters: Parameters, *arguments: Any, method: str | Callable | None = None
) -> tuple[Any, jax.Array]:
    """-> output, the sum of the auxiliary losses that modules have sown under "losses"."""
    output, sown = module.apply(parameters, *arguments, method=method, mutable=["losses"])
    return output, sum((leaf.sum() for leaf in jax.tree.leaves(sown)), start=0.0)


def apply_network(
    network: nn.Module, parameters: Parameters, inputs: Inputs, carry: Carry
) -> tuple[Carry, Any, jax.Array]:
    """-> carry, output, auxiliary loss."""
    (carry, output), loss = apply_module(network, parameters, inputs, carry)
    return carry, output, loss


def init_network(network: nn.Module, key: jax.Array, inputs: Inputs, batch: int, *action: jax.Array) -> Parameters:
    """Fresh parameters, for inputs of `batch` environments, and the action that the head asks for, if it does."""
    variables = network.init(key, inputs, network.initialize_carry(batch), *action)
    return {"params": variables["params"]}


@dataclasses.dataclass(frozen=True)
class SeparateNetworks:
    """Two networks, each with its own torso, parameters and carry."""

    actor: nn.Module
    critic: nn.Module

    def init(self, key: jax.Array, inputs: Inputs, batch: int) -> Parameters:
        actor_key, critic_key = jax.random.split(key)
        return {
            "actor": init_network(self.actor, actor_key, inputs, batch),
            "critic": init_network(self.critic, critic_key, inputs, batch),
        }

    def initialize_carry(self, batch: int) -> Carry:
        return {"actor": self.actor.initialize_carry(batch), "critic": self.critic.initialize_carry(batch)}

    def apply(self, parameters: Parameters, inputs: Inputs, carry: Carry) -> tuple[Carry, Any, jax.Array, jax.Array]:
        """-> carry, distribution over actions, values [B, T], auxiliary loss."""
        actor_carry, distribution, actor_loss = apply_network(self.actor, parameters["actor"], inputs, carry["actor"])
        critic_carry, value, critic_loss = apply_network(self.critic, parameters["critic"], inputs, carry["critic"])
        return {"actor": actor_carry, "critic": critic_carry}, distribution, value, actor_loss + critic_loss

    @staticmethod
    def optimizer(
        actor: optax.GradientTransformation, critic: optax.GradientTransformation
    ) -> optax.GradientTransformation:
        return optax.partition({"actor": actor, "critic": critic}, {"actor": "actor", "critic": "critic"})


class _TwoHeads(nn.Module):
    """A network whose torso feeds a second head."""

    network: nn.Module
    second: Head

    def __call__(self, inputs: Inputs, carry: Carry) -> tuple[Carry, tuple[Any, Any]]:
        carry, y = self.network.remember(inputs, carry)
        return carry, (self.network.head(y), self.second(y))

    @nn.nowrap
    def initialize_carry(self, batch: int) -> Carry:
        return self.network.initialize_carry(batch)


@dataclasses.dataclass(frozen=True)
class SharedTorso:
    """A value head that reads the actor's torso."""

    actor: nn.Module
    critic: Head

    @property
    def network(self) -> nn.Module:
        return _TwoHeads(self.actor, self.critic)

    def init(self, key: jax.Array, inputs: Inputs, batch: int) -> Parameters:
        return init_network(self.network, key, inputs, batch)

    def initialize_carry(self, batch: int) -> Carry:
        return self.actor.initialize_carry(batch)

    def apply(self, parameters: Parameters, inputs: Inputs, carry: Carry) -> tuple[Carry, Any, jax.Array, jax.Array]:
        """-> carry, distribution over actions, values [B, T], auxiliary loss."""
        carry, (distribution, value), loss = apply_network(self.network, parameters, inputs, carry)
        return carry, distribution, value, loss


ActorCritic = SeparateNetworks | SharedTorso


def actor_critic(
    actor: nn.Module,
    critic: nn.Module,
    optimizer: optax.GradientTransformation,
    critic_optimizer: optax.GradientTransformation | None,
    changed: Callable[[optax.GradientTransformation, str], optax.GradientTransformation] = lambda inner, part: inner,
) -> tuple[ActorCritic, optax.GradientTransformation]:
    """Networks and their optimizer, of a critic that is a network of its own or a bare head.

    `changed(optimizer, part)` puts something around what the part "actor", "critic" or "both" learns with. Raises
    `ValueError` for a `critic_optimizer` where there is one torso.
    """
    if isinstance(critic, Head):
        if critic_optimizer is not None:
            raise ValueError("a critic that is a bare head shares the actor's torso and optimizer: pass one optimizer")
        return SharedTorso(actor, critic), changed(optimizer, "both")
    networks = SeparateNetworks(actor, critic)
    own = optimizer if critic_optimizer is None else critic_optimizer
    return networks, networks.optimizer(changed(optimizer, "actor"), changed(own, "critic"))
