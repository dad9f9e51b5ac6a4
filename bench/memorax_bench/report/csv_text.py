"""Rows of numbers as the text of a CSV file."""

import csv
import io
import math
from collections.abc import Mapping, Sequence

_FORMULA = ("=", "+", "-", "@")


def csv_text(rows: Sequence[Mapping[str, object]]) -> str:
    """A header and a line a row, columns as the first row has them. Floats in their shortest exact form; empty where
    there is no number. Text that a spreadsheet would take for a formula has an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0] if rows else ())
    writer.writerows([_plain(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _plain(value: object) -> object:
    if isinstance(value, float):  # numpy's are floats, too, but print themselves otherwise
        return "" if math.isnan(value) else repr(float(value))
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value
