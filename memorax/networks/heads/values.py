"""Value heads: expected returns of states and actions, as arrays."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from memorax.networks.types import Head, check_sizes

UNIT = nn.initializers.orthogonal(1.0)


class VNetwork(Head):
    """The value of a state: y[B, T, D] -> [B, T]."""

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> jax.Array:
        return nn.Dense(1, kernel_init=UNIT, name="value")(y)[..., 0]


class DiscreteQNetwork(Head):
    """The value of each of `action_dim` discrete actions: y[B, T, D] -> [B, T, action_dim]."""

    action_dim: int

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> jax.Array:
        check_sizes(self, "action_dim")
        return nn.Dense(self.action_dim, kernel_init=UNIT, name="values")(y)


class DuelingQNetwork(Head):
    """The value of each of `action_dim` discrete actions, as that of the state and what an action adds to it:
    Q(a) = V + A(a) - mean_a' A(a'), y[B, T, D] -> [B, T, action_dim].

    hidden: width of a relu layer of V's own and one of A's own; None: both are linear in y

    Source: Wang et al. 2016, "Dueling Network Architectures", arXiv 1511.06581, equation 9.
    """

    action_dim: int
    hidden: int | None = None

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> jax.Array:
        check_sizes(self, "action_dim", *(["hidden"] if self.hidden is not None else []))
        value = nn.Dense(1, kernel_init=UNIT, name="value")(self._stream(y, "value_hidden"))
        advantage = nn.Dense(self.action_dim, kernel_init=UNIT, name="advantage")(self._stream(y, "advantage_hidden"))
        return value + advantage - advantage.mean(-1, keepdims=True)

    def _stream(self, y: jax.Array, name: str) -> jax.Array:
        return y if self.hidden is None else nn.relu(nn.Dense(self.hidden, name=name)(y))


class ContinuousQNetwork(Head):
    """The value of one given action: y[B, T, D], action[B, T, A] -> [B, T].

    hidden: widths of the relu layers that read y and the action together; without any, the best action would be the
        same in every state. `ValueError` where the action is missing or not that of every step
    """

    hidden: tuple[int, ...] = (256,)

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> jax.Array:
        check_sizes(self, each=("hidden",))
        if action is None:
            raise ValueError(
                "ContinuousQNetwork values a given action, and got none: call network.apply(variables, inputs, carry, "
                "action) and head(y, action), also for init; heads.VNetwork() values a state alone"
            )
        if action.ndim != y.ndim or action.shape[:-1] != y.shape[:-1]:
            raise ValueError(
                f"ContinuousQNetwork got actions of shape {action.shape} for features of shape {y.shape}; "
                f"it needs [{', '.join(map(str, y.shape[:-1]))}, action_dim], the action of every step"
            )
        x = jnp.concatenate([y, action], -1)
        for index, width in enumerate(self.hidden):
            x = nn.relu(nn.Dense(width, name=f"hidden_{index}")(x))
        return nn.Dense(1, kernel_init=UNIT, name="value")(x)[..., 0]


class Ensemble(Head):
    """`size` copies of a value head, each with parameters and an initialisation of its own, on the same y and action:
    what the head returns, array or `ValueDistribution`, with a leading axis of copies: [size, B, T, ...]."""

    head: Head
    size: int = 2

    @nn.compact
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> Any:
        check_sizes(self, "size")
        copies = nn.vmap(
            lambda head, y, action: head(y, action),
            variable_axes={"params": 0, "losses": 0},
            split_rngs={"params": True},
            in_axes=None,
            axis_size=self.size,
        )
        return copies(self.head, y, action)


def Twin(head: Head) -> Ensemble:
    """Two copies of a head, [2, B, T, ...]: the smaller of two critics overestimates less.

    Source: Fujimoto et al. 2018, "Addressing Function Approximation Error in Actor-Critic Methods" (TD3),
    arXiv 1802.09477, section 4.2.
    """
    return Ensemble(head, size=2)
