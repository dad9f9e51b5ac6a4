"""The contracts of networks: what goes in, what a torso, a memoroid cell and a head promise.

Shapes: B environments, T time steps, F features. Everything is batch-major, `[B, T, ...]`.
"""

import abc
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

Carry = Any  # a pytree; every leaf has leading axis B and a fixed dtype


@flax.struct.dataclass
class Inputs:
    """What a network may see at each step, already encoded as floats by the algorithm.

    start[b, t] is True where observation[b, t] is the first of an episode; there the previous action and
    reward do not exist and are zeros.
    """

    observation: jax.Array  # [B, T, ...] float32
    start: jax.Array  # [B, T] bool
    previous_action: jax.Array  # [B, T, A] float32
    previous_reward: jax.Array  # [B, T] float32


class SequenceModel(nn.Module):
    """A torso: a deterministic function of (parameters, x, start, carry). Abstract.

    Laws, tested over every entry of the registry: a whole sequence equals its steps and any chunking of it; the
    output after a start equals that of a fresh sequence; the carry keeps structure, shape and dtype.
    """

    @abc.abstractmethod
    def initialize_carry(self, batch: int) -> Carry:
        """The memory of an episode that has not begun; depends on no parameter and no key."""

    @abc.abstractmethod
    def __call__(self, x: jax.Array, start: jax.Array, carry: Carry) -> tuple[Carry, jax.Array]:
        """x[B, T, F], start[B, T] bool -> (carry, y[B, T, D]). Memory is cleared before x[b, t] is read where
        start[b, t]. Stepping is the same call with T = 1."""


class MemoroidCell(nn.Module):
    """A recurrence in four parts, so that resets, scan strategies and stepping are written once, in `Memoroid`.

    lift:     every projection of the input, for all steps at once (a short convolution lives here too)
    step:     state, element -> state; `combine` joins two elements where the recurrence is associative
    read:     what the outputs need of a state, so that no strategy has to keep all states
    project:  every projection of the output, for all steps at once

    Law: step(step(s, a), b) == step(s, combine(a, b)). Only `lift` and `project` read parameters.
    Leaves of element and context are `[B, T, ...]`; one of time length 1 is constant in time.
    Abstract: the methods that raise or return a default are optional.
    """

    @abc.abstractmethod
    def initial_state(self, batch: int) -> Carry:
        """The recurrent state before an episode's first step: a pytree with leading axis B."""

    @abc.abstractmethod
    def lift(self, x: jax.Array, start: jax.Array, window: Carry) -> tuple[Carry, Any, Any]:
        """x[B, T, F], start[B, T] -> (window, element, context). The window must forget at starts by itself."""

    @abc.abstractmethod
    def step(self, state: Carry, element: Any) -> Carry:
        """One step. Also applied to `[B, T, ...]` states and elements at once, so it indexes trailing axes only."""

    @abc.abstractmethod
    def read(self, state: Carry, context: Any) -> Any:
        """state[..., ] and context[..., ] of the same leading axes (`[B]` or `[B, T]`) -> readout."""

    @abc.abstractmethod
    def project(self, readout: Any, context: Any) -> jax.Array:
        """readout[B, T, ...], context[B, T, ...] -> y[B, T, D]."""

    @nn.nowrap
    def initial_window(self, batch: int) -> Carry:
        """What the lift remembers of earlier inputs: a pytree with leading axis B; `()`, nothing, unless overridden."""
        return ()

    @nn.nowrap
    def expand(self, element: Any) -> Any:
        """From the factors that `lift` returns to elements of the state's size; the identity unless overridden."""
        return element

    @property
    def associative(self) -> bool:
        """Whether `combine` exists."""
        return False

    @nn.nowrap
    def combine(self, left: Any, right: Any) -> Any:
        """One (expanded) element that does what `left` and then `right` do."""
        raise TypeError(f"{type(self).__name__} has no associative form: its `associative` is False")

    @property
    def diagonal(self) -> bool:
        """Whether units of the state share no parameter: of S units, unit j reads only the entries j, j + S, j + 2 S,
        ... on the last axis of each parameter of `lift`. This is what `RTRL` needs."""
        return False

    @property
    def chunk_length(self) -> int | None:
        """The length of sequence that `chunk` is meant for; None: there is no chunked form."""
        return None

    @property
    def chunks_pay_on_cpu(self) -> bool:
        """Whether chunk after chunk is faster than step after step on a CPU; of sequences shorter than one, it is."""
        return True

    @nn.nowrap
    def chunk(self, state: Carry, start: jax.Array, element: Any, context: Any) -> tuple[Carry, Any]:
        """All steps of a short sequence at once, without its states -> (last state, readout[B, T, ...])."""
        raise TypeError(f"{type(self).__name__} has no chunked form: its `chunk_length` is None")


class Head(nn.Module):
    """The last layer: `__call__(y[B, T, D], action=None)` -> a distribution, values, ... Abstract."""

    @abc.abstractmethod
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> Any:
        """The head's output for every step."""


@flax.struct.dataclass
class ValueDistribution(abc.ABC):
    """What a distributional head says of each state or action: a distribution over returns. Abstract.

    Every array in it is [..., N] of the same leading axes: [B, T], or [B, T, A] with one entry an action, behind the
    axis of copies where an ensemble made it; `jax.tree.map` cuts it along them. The distribution of one step learns
    from a target of weighted points, M for each: where values are mapped, as by r + discount * v, probabilities stay.
    """

    @abc.abstractmethod
    def mean(self) -> jax.Array:
        """The expected return [...]."""

    @abc.abstractmethod
    def outcomes(self) -> tuple[jax.Array, jax.Array]:
        """Itself as weighted points with the same mean, of which a target is made: values[..., M],
        probabilities[..., M]."""

    @abc.abstractmethod
    def loss(self, values: jax.Array, probabilities: jax.Array) -> jax.Array:
        """How far it is from a target values[..., M], probabilities[..., M] -> [...], least at the target, not
        negative. M = 1 is a scalar target. The target receives no gradient. `ValueError` where the leading axes of
        the target are not the last ones of the distribution's."""

    def select(self, action: jax.Array) -> "ValueDistribution":
        """That of one action a step, action[B, T] int: leading axes [..., B, T, A] -> [..., B, T]."""
        return jax.tree.map(lambda leaf: select_action(leaf, action), self)


def select_action(values: jax.Array, action: jax.Array) -> jax.Array:
    """values[..., B, T, A, N], action[B, T] int -> [..., B, T, N]."""
    leading = values.shape[:-2]
    if leading[len(leading) - action.ndim :] != action.shape:
        raise ValueError(
            f"select: actions of shape {action.shape} need values [*{action.shape}, A], one an action; these are "
            f"{values.shape[:-1]}. A head without action_dim values states: there is nothing to select"
        )
    index = jnp.broadcast_to(action, leading)[..., None, None]
    return jnp.take_along_axis(values, index, axis=-2)[..., 0, :]


def check_target(leading: tuple[int, ...], values: jax.Array, probabilities: jax.Array) -> None:
    """`ValueError` unless a target values[..., M], probabilities[..., M] is one of values with these leading axes, or
    of each copy of an ensemble's: no broadcasting joins steps to other steps."""
    target = values.shape[:-1]
    if values.ndim == 0 or values.shape != probabilities.shape or leading[len(leading) - len(target) :] != target:
        raise ValueError(
            f"loss: values of shape {leading} need a target of values and probabilities [*{leading}, M], M points "
            f"each; got {values.shape} and {probabilities.shape}. Select an action first; give a scalar target as "
            f"target[..., None] with probability 1"
        )


def check_sizes(config: Any, *names: str, each: tuple[str, ...] = ()) -> None:
    """`ValueError` naming every size of a config that is not a whole number of at least 1; `each`: tuples of them."""

    def is_size(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 1

    wrong = [
        f"{name} = {getattr(config, name)!r} must be a whole number of at least 1"
        for name in names
        if not is_size(getattr(config, name))
    ]
    wrong += [
        f"{name} = {getattr(config, name)!r} must be a tuple of whole numbers of at least 1"
        for name in each
        if not (isinstance(getattr(config, name), tuple) and all(map(is_size, getattr(config, name))))
    ]
    if wrong:
        raise ValueError(f"{type(config).__name__}: " + "; ".join(wrong))
