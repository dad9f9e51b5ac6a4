"""What a POPGym task has beyond the contract of environments: the state it hides can be read."""

import abc
from typing import Any

from memorax.environments.spaces import Space
from memorax.environments.types import Environment, Params, State


class PopgymEnvironment(Environment):
    """An environment that can tell its full state: all that bears on how to act and on what acting well will earn.

    A memoryless policy on the full state can do as well as any policy with a memory, so it bounds from above what a
    memory can be worth. Where cards are drawn lazily, those not yet drawn are in no state: they are equally likely
    in every order, whatever the agent does, so nobody could act on them.
    """

    @abc.abstractmethod
    def state_space(self, params: Params) -> Space:
        """The space of one full state. `params` must be concrete where bounds depend on them."""

    @abc.abstractmethod
    def full_state(self, state: State, params: Params) -> Any:
        """The element of `state_space` that `state`, from a reset or a step, amounts to."""
