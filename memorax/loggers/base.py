"""What every logger is: a context manager with `log` and `checkpoint` that never stops a training."""

import abc
import math
import warnings
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, final

import numpy as np

from memorax.loggers.rows import Rows, rows_of


class Logger(abc.ABC):
    """A place that rows of logs, states, or both go to.

        with FileLogger("runs/ppo.csv") as logger:
            state, logs = train(key, state)
            logger.log(logs)
            logger.checkpoint(state, step=1024, score=0.7)

    A logger writes what concerns it and leaves the rest: a `FileLogger` keeps no states, a `CheckpointLogger` no rows.
    When `log` has returned, its rows outlive the process. Wrong arguments are errors, and so is a place that cannot be
    opened; what fails later (a full disk, a network that is gone) is a warning, once, and training goes on.

    A logger of your own defines `write`, `save` and `finish`; they may raise.
    """

    closed = False
    warned = False

    @final
    def log(self, logs: Mapping[str, Any]) -> None:
        """Writes the rows of what `lox.spool` returned: leaves [updates, ...] or [seeds, updates, ...]."""
        self._check_open()
        self.attempt(self.write, rows_of(logs))

    @final
    def checkpoint(self, state: Any, step: Any, score: Any = None) -> None:
        """Keeps `state`, any pytree, as it is after `step` environment steps; `score`: larger is better.

        `step` may be the `state.step` of several seeds, if they agree. A score that is NaN is none.
        """
        self._check_open()
        self.attempt(self.save, state, _one_step(step), _one_score(score))

    @final
    def close(self, crashed: bool = False) -> None:
        """Ends the log; `crashed` tells those who show it that the run broke off. Closing twice is closing once."""
        if not self.closed:
            self.attempt(self.finish, crashed)
            self.closed = True

    @final
    def attempt(self, action: Callable[..., None], *arguments: Any) -> None:
        """`action(*arguments)`; the first time that this raises, a warning says why, and later nothing does."""
        try:
            action(*arguments)
        except Exception as error:
            if not self.warned:
                self.warned = True
                warnings.warn(
                    f"{self} could not {action.__name__}: {type(error).__name__}: {error}. Training goes on; what "
                    "fails after this is not reported.",
                    RuntimeWarning,
                    stacklevel=3,
                )

    @abc.abstractmethod
    def write(self, rows: Rows) -> None:
        """Brings rows to where they outlive the process."""

    @abc.abstractmethod
    def save(self, state: Any, step: int, score: float | None) -> None:
        """Brings a state to where it outlives the process."""

    @abc.abstractmethod
    def finish(self, crashed: bool) -> None:
        """Lets go of what is open."""

    @final
    def __enter__(self) -> Self:
        return self

    @final
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(crashed=kind is not None)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError(f"{self} is closed; log inside its `with` block, or make a new one to go on")


def missing(logger: str, library: str, extra: str) -> ImportError:
    """The error for a logger whose library is not installed."""
    return ImportError(f"{logger} writes with {library}, which is not installed: pip install 'memorax-bench[{extra}]'")


def _one_step(step: Any) -> int:
    steps = np.unique(np.asarray(step))
    if steps.size != 1 or steps.dtype.kind not in "iu":
        raise ValueError(f"step = {step} is not one integer; give the environment steps that every seed has done")
    return int(steps[0])


def _one_score(score: Any) -> float | None:
    if score is None:
        return None
    if np.ndim(score):
        raise ValueError(f"score has shape {list(np.shape(score))}; give one number, such as the mean over the seeds")
    return None if math.isnan(score) else float(score)
