"""The answer to one question, as a part of the report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memorax_bench.records.pooling import Pool
from memorax_bench.report.render import aligned, pipes
from memorax_bench.report.tables import Row, Table

LEFT = ("algorithm", "torso", "family", "task", "control", "best torso", "needs memory", "")


@dataclass(frozen=True)
class Section:
    """A table (`header`, `body`), how it is to be read (`caption` in a line, `words` in full), what it cannot say
    (`remarks`), `rows` in full for the CSV, and `save(stem)`, which draws `<stem>.png` and `<stem>.svg`. `name` is the
    stem of its files."""

    name: str
    title: str
    caption: str
    words: str
    header: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    rows: Sequence[Mapping[str, object]]
    save: Callable[[Path], tuple[Path, Path]]
    remarks: tuple[str, ...] = ()

    def to_text(self) -> str:
        """For the terminal."""
        remarks = "".join(f"\n {remark}" for remark in self.remarks)
        return f"{self.title}: {self.caption}\n{aligned(self.header, self.body)}{remarks}"

    def to_markdown(self) -> str:
        """The table for the file."""
        return pipes(self.header, self.body, LEFT)


def pools_of(table: Table) -> Iterator[tuple[Row, dict[str, Pool]]]:
    """Every row of the table, in its order, with its cells by task, in the suite's order."""
    for row in table.rows:
        names = (row.algorithm, row.torso)
        yield row, {task: pool for (task, *rest), pool in table.pools.items() if tuple(rest) == names}


def entry_columns(table: Table, row: Row | None = None) -> list[str]:
    """The first cells of a line: the torso, and the algorithm where there are several; without a row their titles."""
    several = len({row.algorithm for row in table.rows}) > 1
    if row is None:
        return ["algorithm"] * several + ["torso"]
    return [row.algorithm] * several + [row.torso]
