"""The tables of a report for a paper: booktabs, one `table` each, to be `\\input` in a document."""

import itertools
import re
from collections.abc import Iterator, Sequence

from memorax_bench.report.document import Document, Grid

NEEDS = r"% needs: \usepackage{booktabs}"
MOST_COLUMNS = 7  # of numbers in one table, beside the names: a page is not wider
_SIGNS = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "—": "---",
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "*": r"\textasteriskcentered{}",
    "`": r"\textasciigrave{}",
}
_LATIN = range(0xA1, 0x180)  # beyond ASCII, what every LaTeX since 2018 reads


def to_latex(document: Document) -> str:
    """Every table of the document, numbers in brackets small; wide tables in parts."""
    lines = [NEEDS, f"% {_comment(document.title)}: {_comment(document.source)}"]
    for grid in document.blocks:
        if isinstance(grid, Grid):
            for part, (header, body) in enumerate(_parts(grid)):
                lines += ["", *_table(grid, header, body, part, document.source)]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that LaTeX sets as it stands; what no font of an article has becomes a question mark."""
    return "".join(_SIGNS.get(sign) or (sign if sign.isascii() or ord(sign) in _LATIN else "?") for sign in text)


def _table(grid: Grid, header: Sequence[str], body: Sequence[Sequence[str]], part: int, source: str) -> list[str]:
    columns = "".join("l" if title in grid.names else "r" for title in header)
    suffix = f"-{part + 1}" if part else ""
    caption = escape(f"{grid.caption}{' (continued)' if part else ''}. {source}.")
    return [
        r"\begin{table}[htbp]",
        r"\centering\scriptsize\setlength{\tabcolsep}{4pt}",
        f"\\caption{{{caption}}}\\label{{tab:{_label(source)}-{grid.name}{suffix}}}",
        f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        _row(header),
        r"\midrule",
        *map(_row, body),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def _parts(grid: Grid) -> Iterator[tuple[list[str], list[list[str]]]]:
    """The columns in as many tables as they need; words stand in front of each, what is said of a row in the last."""
    words = [i for i, title in enumerate(grid.header) if title in grid.names]
    front, behind = [i for i in words if grid.header[i]], [i for i in words if not grid.header[i]]
    numbers = [i for i in range(len(grid.header)) if i not in words]
    chunks = list(itertools.batched(numbers, MOST_COLUMNS)) or [()]
    for number, chunk in enumerate(chunks):
        kept = sorted([*front, *chunk]) + (behind if number == len(chunks) - 1 else [])
        kept = [i for i in kept if grid.header[i] or any(line[i] for line in grid.body)]
        yield [grid.header[i] for i in kept], [[line[i] for i in kept] for line in grid.body]


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(_cell, cells)) + r" \\"


def _cell(text: str) -> str:
    """`.98 [.97,.99]`, with what is in brackets small. Braces: a bracket after a line's end would be its argument."""
    value, bracket, rest = text.partition("[")
    inside, _, after = rest.partition("]")
    if not bracket or not re.fullmatch(r"[-.\d,?]+", inside):
        return escape(text)
    return f"{escape(value)}{{\\tiny[{escape(inside)}]}}{escape(after)}"


def _comment(text: str) -> str:
    return " ".join(text.split())


def _label(source: str) -> str:
    return re.sub(r"[^a-z0-9@.+-]+", "-", source.split(",")[0].lower())
