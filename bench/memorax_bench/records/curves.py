"""Learning curves as bytes: one row a seed and evaluation, gzipped CSV that is the same for the same numbers."""

import csv
import gzip
import io
from collections.abc import Iterable, Mapping
from typing import Any

FILE = "curves.csv.gz"
COLUMNS = ("seed", "env_step", "n", "mean", "sd", "min", "max", "length")
_WHOLE = ("seed", "env_step", "n")


def encode_curves(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows by COLUMNS; floats in their shortest exact form, no time stamp."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([int(row[c]) if c in _WHOLE else repr(float(row[c])) for c in COLUMNS] for row in rows)
    return gzip.compress(text.getvalue().encode(), mtime=0)


def decode_curves(data: bytes) -> list[dict[str, float]]:
    """The rows that `encode_curves` was given."""
    rows = csv.DictReader(io.StringIO(gzip.decompress(data).decode()))
    return [{c: int(row[c]) if c in _WHOLE else float(row[c]) for c in COLUMNS} for row in rows]
