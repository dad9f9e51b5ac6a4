"""Rows as TensorBoard's event files, one run a seed."""

import itertools
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memorax.loggers.base import Logger, missing
from memorax.loggers.rows import Rows

_files = itertools.count()  # two event files of one process and second need two names


class TensorBoardLogger(Logger):
    """Scalars over environment steps in `folder/seed_0`, `folder/seed_1`, ...: `tensorboard --logdir folder`.

    A folder that has events gets one more file of them, which TensorBoard shows as the same run. TensorBoard keeps
    values as float32.
    """

    def __init__(self, folder: str | os.PathLike):
        try:
            from tensorboardX.event_file_writer import EventsWriter
            from tensorboardX.proto.event_pb2 import Event
            from tensorboardX.proto.summary_pb2 import Summary
        except ImportError as error:
            raise missing("TensorBoardLogger", "tensorboardX", "tensorboard") from error
        # Not tensorboardX's SummaryWriter: it queues events for a thread, and its flush does not wait for the queue.
        self.EventsWriter, self.Event, self.Summary = EventsWriter, Event, Summary
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.writers: dict[int, Any] = {}

    def __str__(self) -> str:
        return f"TensorBoardLogger({str(self.folder)!r})"

    def write(self, rows: Rows) -> None:
        try:
            for seed, row in rows:
                self._writer(seed).write_event(self._event(row))
            for writer in self.writers.values():
                writer.flush()
        except BaseException:
            self.writers.clear()  # a file that broke off within an event is not gone on with
            raise

    def save(self, state: Any, step: int, score: float | None) -> None:
        """Keeps no states."""

    def finish(self, crashed: bool) -> None:
        for writer in self.writers.values():
            writer.close()

    def _writer(self, seed: int) -> Any:
        if seed not in self.writers:
            folder = self.folder / f"seed_{seed}"
            folder.mkdir(exist_ok=True)
            self.writers[seed] = self.EventsWriter(str(folder / "events"), f".{os.getpid()}.{next(_files)}")
        return self.writers[seed]

    def _event(self, row: Mapping[str, Any]) -> Any:
        values = [
            self.Summary.Value(tag=name, simple_value=float(value)) for name, value in row.items() if name != "step"
        ]
        return self.Event(wall_time=time.time(), step=row["step"], summary=self.Summary(value=values))
