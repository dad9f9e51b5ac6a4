"""Learning curves as bytes: one row a seed and evaluation, gzipped CSV that is the same for the same numbers."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from typing import Any

from memorax_bench.records.bounded import gunzip

FILE = "curves.csv.gz"
COLUMNS = ("seed", "env_step", "n", "mean", "sd", "min", "max", "length")
MAX_BYTES = 8 * 2**20  # unpacked; 10 seeds evaluated 1,000 times make a tenth
_WHOLE = ("seed", "env_step", "n")


def encode_curves(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows by COLUMNS; floats in their shortest exact form, no time stamp."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([int(row[c]) if c in _WHOLE else repr(float(row[c])) for c in COLUMNS] for row in rows)
    return gzip.compress(text.getvalue().encode(), mtime=0)


def decode_curves(data: bytes) -> list[dict[str, float]]:
    """The rows that `encode_curves` was given. Raises ValueError, with the reason, for bytes that it did not write."""
    try:
        lines = gunzip(data, MAX_BYTES).decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise ValueError("not plain text") from error
    if lines[0] != ",".join(COLUMNS) or lines[-1]:
        raise ValueError(f"must begin with the line {','.join(COLUMNS)} and end with a line's end")
    return [_row(number, line) for number, line in enumerate(lines[1:-1], 2)]


def decode_means(data: bytes) -> dict[int, dict[int, float]]:
    """seed -> environment step -> mean return, steps ascending: what a comparison needs, in a quarter of the time.

    Raises ValueError as `decode_curves` does.
    """
    header, *lines = gunzip(data, MAX_BYTES).decode("ascii").splitlines()
    if header != ",".join(COLUMNS):
        raise ValueError(f"must begin with the line {','.join(COLUMNS)}")
    found: dict[int, dict[int, float]] = {}
    for line in lines:
        seed, step, _, mean, _ = line.split(",", 4)
        found.setdefault(int(seed), {})[int(step)] = float(mean)
    return {
        seed: curve if list(curve) == sorted(curve) else dict(sorted(curve.items())) for seed, curve in found.items()
    }


def _row(number: int, line: str) -> dict[str, float]:
    values = line.split(",")
    if len(values) != len(COLUMNS):
        raise ValueError(f"line {number} has {len(values)} values for {len(COLUMNS)} columns")
    row: dict[str, float] = {}
    for column, value in zip(COLUMNS, values, strict=True):
        try:
            row[column] = int(value) if column in _WHOLE else float(value)
        except ValueError:
            raise ValueError(f"line {number}: {column} = {value[:40]!r} is no number") from None
    return row
