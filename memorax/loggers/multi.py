"""Several loggers as one."""

from collections.abc import Sequence
from typing import Any

from memorax.loggers.base import Logger
from memorax.loggers.rows import Rows


class MultiLogger(Logger):
    """Gives everything to each of `loggers`, in order. One that fails warns once; the others go on."""

    def __init__(self, loggers: Sequence[Logger]):
        self.loggers = tuple(loggers)
        wrong = [logger for logger in self.loggers if not isinstance(logger, Logger)]
        if wrong:
            raise ValueError(f"MultiLogger takes a sequence of loggers; {wrong[0]!r} is none")

    def __str__(self) -> str:
        return f"MultiLogger([{', '.join(map(str, self.loggers))}])"

    def write(self, rows: Rows) -> None:
        for logger in self.loggers:
            logger.attempt(logger.write, rows)

    def save(self, state: Any, step: int, score: float | None) -> None:
        for logger in self.loggers:
            logger.attempt(logger.save, state, step, score)

    def finish(self, crashed: bool) -> None:
        for logger in self.loggers:
            logger.close(crashed)
