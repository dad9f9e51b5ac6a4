"""All rows of all seeds in one file: CSV or JSON lines."""

import csv
import io
import json
import mmap
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memorax.loggers.base import Logger
from memorax.loggers.rows import Row, Rows

FIRST = ("seed", "step")  # the columns that every file begins with


class FileLogger(Logger):
    """One row a seed and update, with columns `seed` and `step`; the suffix of `path` says how.

    `.csv` has a header; an entry that a row does not have is empty, and a new key makes a new column (the file is
    written anew). `.jsonl` has one object a line. NaN and infinities are `nan`, `inf` in CSV and `NaN`, `Infinity` in
    JSON lines, as Python and pandas read them.

    A file that exists is appended to. A crash loses at most the row being written: a last line that is not whole is
    cut off when the file is opened again, with a warning. A run that went back to a checkpoint writes some steps
    twice; the later row counts. Rows that could not be written are kept and tried again with the next. One process
    writes a file at a time.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        if self.path.suffix not in (".csv", ".jsonl"):
            raise ValueError(f"FileLogger({str(path)!r}): the name must end in .csv or .jsonl")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self.size = _cut_half_line(self.descriptor, self.path)  # of what is known to be whole
        self.columns = self._header() if self.path.suffix == ".csv" else ()
        self.pending: list[Row] = []

    def __str__(self) -> str:
        return f"FileLogger({str(self.path)!r})"

    def write(self, rows: Rows) -> None:
        self.pending += [{"seed": seed, **row} for seed, row in rows]
        self._write_pending()

    def save(self, state: Any, step: int, score: float | None) -> None:
        """Keeps no states."""

    def finish(self, crashed: bool) -> None:
        try:
            if self.pending:
                self._write_pending()
        finally:
            os.close(self.descriptor)

    def _write_pending(self) -> None:
        if self.path.suffix == ".csv":
            names = dict.fromkeys((*FIRST, *self.columns, *(name for row in self.pending for name in row)))
            self._widen(tuple(names))
            text = _csv(self.columns, self.pending)
        else:
            text = "".join(json.dumps(row) + "\n" for row in self.pending)
        self._append(text.encode())
        self.pending = []

    def _append(self, data: bytes) -> None:
        """All of `data`, down to the disk, or nothing of it."""
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(self.descriptor, left) :]
            os.fsync(self.descriptor)
        except BaseException:
            os.ftruncate(self.descriptor, self.size)
            raise
        self.size += len(data)

    def _header(self) -> tuple[str, ...]:
        with self.path.open(newline="", encoding="utf-8") as file:
            columns = tuple(next(csv.reader(file), ()))
        if columns and columns[: len(FIRST)] != FIRST:
            raise ValueError(f"{self.path} is not a log: its columns are {list(columns)}, not 'seed', 'step', ...")
        return columns

    def _widen(self, columns: tuple[str, ...]) -> None:
        """Gives the file these columns, of which it has the first. It is replaced at once, by a file that is whole."""
        if columns == self.columns:
            return
        with self.path.open(newline="", encoding="utf-8") as file:
            data = _csv(columns, [dict(zip(columns, columns, strict=True)), *csv.DictReader(file)]).encode()
        old = self.path.resolve()
        new = old.with_name(old.name + ".new")
        try:
            with new.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            descriptor = os.open(new, os.O_RDWR | os.O_APPEND)
            os.replace(new, old)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        os.close(self.descriptor)
        self.descriptor, self.size, self.columns = descriptor, len(data), columns


def _csv(columns: Sequence[str], rows: Sequence[Row]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, columns, restval="", lineterminator="\n").writerows(rows)
    return text.getvalue()


def _cut_half_line(descriptor: int, path: Path) -> int:
    """Cuts off what follows the last line break; the size that is left."""
    size = os.fstat(descriptor).st_size
    if not size:
        return 0
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
        whole = data.rfind(b"\n") + 1
    if whole < size:
        os.ftruncate(descriptor, whole)
        warnings.warn(
            f"{path} ended in a row that is not whole, as after a crash: {size - whole} bytes were cut off",
            RuntimeWarning,
            stacklevel=3,
        )
    return whole
