"""What has been seen of a chunk while it trains, and its checkpoints.

A chunk is its agents' state and its course: both are saved together at an evaluation, and going on from them gives the
numbers of a run that was never interrupted. A checkpoint belongs to one compiled program; another starts afresh.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

SHARE = 0.02  # of the time that checkpoints may take


@dataclasses.dataclass(frozen=True)
class Point:
    """One evaluation of all seeds, padded ones included."""

    env_step: int
    returns: np.ndarray  # float32 [seed_batch, episodes]
    lengths: np.ndarray  # int32 [seed_batch, episodes]


@dataclasses.dataclass
class Course:
    """Filled as training goes on."""

    points: list[Point] = dataclasses.field(default_factory=list)
    steady: list[float] = dataclasses.field(default_factory=list)  # seconds of each segment of training
    evaluating: float = 0.0  # seconds of all evaluations
    diverged: dict[int, int] = dataclasses.field(default_factory=dict)  # seed -> step at which it was seen not finite
    gates: dict[str, Any] = dataclasses.field(default_factory=dict)
    resumed_at: tuple[int, ...] = ()  # environment steps of the checkpoints it went on from

    def encode(self) -> str:
        """As JSON; float32 numbers come back as they were."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        points = [[point.env_step, point.returns.tolist(), point.lengths.tolist()] for point in self.points]
        return json.dumps({**fields, "points": points, "diverged": list(self.diverged.items())})


def decode_course(text: str) -> Course:
    """The inverse of `Course.encode`. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
    fields = json.loads(text)
    points = [Point(step, np.float32(returns), np.int32(lengths)) for step, returns, lengths in fields["points"]]
    lists = {"diverged": dict(fields["diverged"]), "resumed_at": tuple(fields["resumed_at"])}
    return Course(**{**fields, **lists, "points": points})


class Checkpoints:
    """The last checkpoint of a chunk, in `folder`; saved when it is due.

    It is when `interval` seconds have passed, and often enough that checkpoints take a share `SHARE` of the time; with
    an interval of 0 it always is.
    """

    def __init__(
        self,
        folder: Path,
        program: Sequence[str],
        interval: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.folder, self.program, self.interval, self.clock = folder, list(program), interval, clock
        self.last, self.cost = clock(), 0.0

    def restore(self, like: Any) -> tuple[Any, Course] | None:
        """The state, in the structure of `like`, and the course; None where there is none that can be gone on from."""
        if not self.folder.is_dir():
            return None
        try:
            with self._logger() as logger:
                step = logger.saved()["last"]
                stored = json.loads(self._course_file(step).read_text(encoding="utf-8"))
                if stored["program"] != self.program:
                    return None
                course = decode_course(stored["course"])
                course.resumed_at = (*course.resumed_at, step)
                return logger.restore(like), course
        except Exception:  # half-written, damaged, of another version: the chunk can always start from its beginning
            return None

    def offer(self, state: Any, course: Course) -> None:
        """Saves both if it is time. Raises `OSError` where there is no room."""
        if not self.interval or self.clock() - self.last >= max(self.interval, self.cost / SHARE):
            begin = self.clock()
            self.save(state, course)
            self.last, self.cost = self.clock(), self.clock() - begin

    def save(self, state: Any, course: Course) -> None:
        """The course first: a state without one would be of no use."""
        step = course.points[-1].env_step
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"program": self.program, "course": course.encode()})
        self._course_file(step).write_text(text, encoding="utf-8")
        with self._logger() as logger:
            logger.save(state, step, None)
        for file in self.folder.glob("course.*.json"):
            if file != self._course_file(step):
                file.unlink(missing_ok=True)

    def _logger(self) -> Any:
        from memorax.loggers.checkpoint import CheckpointLogger  # orbax takes a second to import

        return CheckpointLogger(self.folder / "states")

    def _course_file(self, step: int) -> Path:
        return self.folder / f"course.{step}.json"
