"""The contracts of networks: what goes in, what a torso, a memoroid cell and a head promise.

Shapes: B environments, T time steps, F features. Everything is batch-major, `[B, T, ...]`.
"""

import abc
from typing import Any

import flax.linen as nn
import flax.struct
import jax

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
    def initial_window(self, batch: int) -> Carry:
        """What the lift remembers of earlier inputs: `()` or a pytree with leading axis B."""

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
    def chunk_length(self) -> int | None:
        """The length of sequence that `chunk` is meant for; None: there is no chunked form."""
        return None

    @nn.nowrap
    def chunk(self, state: Carry, start: jax.Array, element: Any, context: Any) -> tuple[Carry, Any]:
        """All steps of a short sequence at once, without its states -> (last state, readout[B, T, ...])."""
        raise TypeError(f"{type(self).__name__} has no chunked form: its `chunk_length` is None")


class Head(nn.Module):
    """The last layer: `__call__(y[B, T, D], action=None)` -> a distribution, values, ... Abstract."""

    @abc.abstractmethod
    def __call__(self, y: jax.Array, action: jax.Array | None = None) -> Any:
        """The head's output for every step."""


def check_sizes(config: Any, *names: str) -> None:
    """`ValueError` naming every size of a config that is not a whole number of at least 1."""
    wrong = [
        f"{name} = {getattr(config, name)!r} must be a whole number of at least 1"
        for name in names
        if isinstance(getattr(config, name), bool)
        or not isinstance(getattr(config, name), int)
        or getattr(config, name) < 1
    ]
    if wrong:
        raise ValueError(f"{type(config).__name__}: " + "; ".join(wrong))
