"""A report as a list of blocks, which Markdown, HTML and LaTeX each write in their own way. Texts are plain texts."""

from dataclasses import dataclass

DPI = 200  # of a PNG


@dataclass(frozen=True)
class Heading:
    """A part's title."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Sentences; `strong` ones are a warning."""

    text: str
    strong: str = ""


@dataclass(frozen=True)
class Items:
    """A list of remarks."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table. `names` are the columns of words; all others hold numbers. `file`: where it is in full, if anywhere.

    `name` is unique in a document.
    """

    name: str
    caption: str
    header: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    file: str | None = None


@dataclass(frozen=True)
class Picture:
    """A figure: `<name>.png`, `<name>.svg` and, in `<name>.csv`, its numbers."""

    name: str
    title: str
    caption: str


@dataclass(frozen=True)
class Commands:
    """Lines for a shell."""

    lines: tuple[str, ...]


Block = Heading | Paragraph | Items | Grid | Picture | Commands


@dataclass(frozen=True)
class Document:
    """`source` says in a line what it is of: suite, version, commit."""

    title: str
    source: str
    blocks: tuple[Block, ...]
