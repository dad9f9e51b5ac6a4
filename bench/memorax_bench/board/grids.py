"""Tables as the pages have them: what a column means, what a cell says and by what it is sorted."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from memorax_bench.report.render import MISSING


@dataclass(frozen=True)
class Column:
    """`title`, what it means in a sentence (`about`), and whether its cells are numbers.

    `sorted` says how the table comes: "ascending", "descending" or None. `key` lets filters find the column.
    """

    title: str
    about: str = ""
    number: bool = True
    sorted: str | None = None
    key: str = ""


@dataclass(frozen=True)
class Cell:
    """What a cell says: its text, a smaller one behind it, a picture before both.

    `order` is what the column is sorted by; None comes last, whichever way. `header` marks the name of the row.
    """

    text: str
    order: float | str | None = None
    small: str = ""
    picture: Markup | None = None
    href: str = ""
    look: str = ""
    tags: tuple[str, ...] = ()
    header: bool = False

    @property
    def missing(self) -> bool:
        """Whether there is nothing to say, which a screen reader is told in words."""
        return self.text == MISSING


@dataclass(frozen=True)
class Line:
    """The cells of a row; `facts` are what filters ask for (`data-<name>`), `key` the curve of a chart that it is."""

    cells: tuple[Cell, ...]
    facts: dict[str, str] = field(default_factory=dict)
    key: str = ""
    look: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that stay together when they are sorted, under a title where there is more than one group."""

    lines: tuple[Line, ...]
    title: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: `name` is its id, `caption` says what it shows. One that is `plain` is not sorted."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    plain: bool = False


def grid(name: str, caption: str, columns: Sequence[Column], lines: Sequence[Line], plain: bool = False) -> Grid:
    """A table of one group."""
    return Grid(name, caption, tuple(columns), (Group(tuple(lines)),), plain)
