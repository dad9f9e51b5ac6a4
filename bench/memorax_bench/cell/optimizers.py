"""What an algorithm's gradients go through, by its `optimizer_kind`: settings of an algorithm entry, next to its own.

The learning rate is a number in the optimizer's state (`with_learning_rate`), so that a sweep over it compiles once.
"""

import dataclasses
from typing import Any

import jax
import optax

ADAM_EPSILON = 1e-5


@dataclasses.dataclass(frozen=True)
class AdamConfig:
    """Adam, behind a clip of the gradients."""

    learning_rate: float = 3e-4  # of Adam
    max_grad_norm: float = 0.5  # global norm to which gradients are clipped

    def __post_init__(self):
        _check_positive(self)

    def make(self) -> optax.GradientTransformation:
        """The transformation, with a learning rate of 0 until it is set."""
        adam = optax.inject_hyperparams(optax.adam)(learning_rate=0.0, eps=ADAM_EPSILON)
        return optax.chain(optax.clip_by_global_norm(self.max_grad_norm), adam)


@dataclasses.dataclass(frozen=True)
class PlainStepsConfig:
    """Gradients times the learning rate: of an algorithm that bounds its steps itself."""

    learning_rate: float = 1.0  # length of a step, before the algorithm's own bound

    def __post_init__(self):
        _check_positive(self)

    def make(self) -> optax.GradientTransformation:
        """The transformation, with a learning rate of 0 until it is set."""
        return optax.inject_hyperparams(optax.sgd)(learning_rate=0.0)


OptimizerConfig = AdamConfig | PlainStepsConfig
OPTIMIZERS: dict[str, type[OptimizerConfig]] = {"adam": AdamConfig, "sgd": PlainStepsConfig}


def with_learning_rate(state: Any, learning_rate: jax.Array) -> Any:
    """An algorithm's state whose optimizers use `learning_rate`."""
    return state.replace(optimizer_state=optax.tree.set(state.optimizer_state, learning_rate=learning_rate))


def _check_positive(config: OptimizerConfig) -> None:
    for field in dataclasses.fields(config):
        if not getattr(config, field.name) > 0:
            raise ValueError(f"{field.name} = {getattr(config, field.name)!r} must be greater than 0")
