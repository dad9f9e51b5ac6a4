"""One part of a report: a figure with the numbers behind it, a table, or both, and how they are to be read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memorax_bench.report.render import aligned
from memorax_bench.report.tables import Row, Table

WORDS = ("algorithm", "torso", "family", "task", "control", "best torso", "needs memory", "")  # columns of words


@dataclass(frozen=True)
class Section:
    """A table (`header`, `body`; none where the figure says it all), how it is to be read (`caption` in a line, `words`
    in full), what it cannot say (`remarks`), `rows` in full for the CSV, and `save(stem)`, which draws `<stem>.png` and
    `<stem>.svg`. `name` is the stem of its files. `spoken`: whether its table is shown in the terminal.
    """

    name: str
    title: str
    caption: str
    words: str
    rows: Sequence[Mapping[str, object]]
    save: Callable[[Path], tuple[Path, Path]]
    header: tuple[str, ...] = ()
    body: tuple[tuple[str, ...], ...] = ()
    remarks: tuple[str, ...] = ()
    spoken: bool = False

    def to_text(self) -> str:
        """For the terminal."""
        remarks = "".join(f"\n {remark}" for remark in self.remarks)
        return f"{self.title}: {self.caption}\n{aligned(self.header, self.body)}{remarks}"


def entry_columns(table: Table, row: Row | None = None) -> list[str]:
    """The first cells of a line: the torso, and the algorithm where there are several; without a row their titles."""
    several = len({row.algorithm for row in table.rows}) > 1
    if row is None:
        return ["algorithm"] * several + ["torso"]
    return [row.algorithm] * several + [row.torso]
