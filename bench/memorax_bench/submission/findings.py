"""What is wrong with a submission, and where: the record, the value by its dotted path, the reason."""

from collections.abc import Iterator
from dataclasses import dataclass

from memorax_bench.submission.words import printable

Said = Iterator[tuple[str, str]]  # of one record: dotted path of a value, and why it is refused


@dataclass(frozen=True)
class Finding:
    """`place` is a record's path in the archive or folder, or the file that cannot be read; `leaf` may be empty."""

    place: str
    leaf: str
    why: str

    def __str__(self) -> str:
        return f"{self.leaf}: {self.why}" if self.leaf else self.why


def finding(place: str, leaf: str, why: str) -> Finding:
    """A finding whose texts can be printed."""
    return Finding(printable(place), printable(leaf), printable(why))


class Refused(ValueError):
    """What was sent cannot be read at all; the message says why."""
