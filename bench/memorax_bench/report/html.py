"""A report as one HTML page that needs nothing else: figures inside, no script, no request; light and dark."""

import base64
import struct
from html import escape
from pathlib import Path

from memorax_bench.report.document import DPI, Block, Commands, Document, Grid, Heading, Items, Paragraph, Picture

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --faint: #5c636b; --paper: #ffffff; --rule: #d9dde2; --row: #f5f7f9;
  --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --faint: #a3abb3; --paper: #16181b; --rule: #363b41;
  --row: #1e2125; --link: #7ab8f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--rule); }
p, li { max-width: 48rem; }
.faint, figcaption, caption { color: var(--faint); font-size: .875rem; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .4rem; }
th, td { padding: .3rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
thead th { border-bottom: 2px solid var(--faint); vertical-align: bottom; }
th.word, td.word { text-align: left; }
tbody tr, tbody th { background: var(--paper); }
tbody tr:nth-child(even), tbody tr:nth-child(even) th { background: var(--row); }
tbody th { font-weight: 600; position: sticky; left: 0; }
figure { margin: 1rem 0; }
figure img { display: block; background: #fff; padding: .5rem; border-radius: .4rem;
  border: 1px solid var(--rule); }
pre { overflow-x: auto; padding: .75rem; background: var(--row); border: 1px solid var(--rule); border-radius: .4rem;
  font-size: .8rem; }
nav ul { padding-left: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; }
""".strip()
_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
_SHOWN = 120  # pixels an inch


def to_html(document: Document, folder: Path) -> str:
    """The whole page; `folder` is where its figures lie."""
    title = escape(document.title)
    headings = [block.text for block in document.blocks if isinstance(block, Heading)]
    links = "".join(f'<li><a href="#{_anchor(text)}">{escape(text)}</a></li>' for text in headings)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>",
            f"<style>\n{STYLE}\n</style>",
            "</head>",
            "<body>",
            "<header>",
            f"<h1>{title}</h1>",
            f'<p class="faint">{escape(document.source)}</p>',
            "</header>",
            f'<nav aria-label="Parts"><ul>{links}</ul></nav>',
            "<main>",
            *(_block(block, folder) for block in document.blocks),
            "</main>",
            "</body>",
            "</html>\n",
        ]
    )


def _block(block: Block, folder: Path) -> str:
    match block:
        case Heading(text):
            return f'<h2 id="{_anchor(text)}">{escape(text)}</h2>'
        case Paragraph(text, strong):
            return f"<p>{escape(text)}{f' <strong>{escape(strong)}</strong>' if strong else ''}</p>"
        case Items(texts):
            return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in texts)}</ul>"
        case Grid():
            return _grid(block)
        case Picture():
            return _picture(block, folder)
        case Commands(lines):
            return f'<pre tabindex="0"><code>{escape(chr(10).join(lines))}</code></pre>'


def _grid(grid: Grid) -> str:
    """The first column of words heads its row: a screen reader says it with every number."""
    lead = next((i for i, title in enumerate(grid.header) if title and title in grid.names), None)

    def cell(i: int, text: str, kind: str) -> str:
        word = ' class="word"' if grid.header[i] in grid.names else ""
        scope = {"head": ' scope="col"', "row": ' scope="row"'}.get(kind, "")
        name = "td" if kind == "data" or (kind == "head" and not text) else "th"
        return f"<{name}{scope if name == 'th' else ''}{word}>{escape(text)}</{name}>"

    head = "".join(cell(i, title, "head") for i, title in enumerate(grid.header))
    body = "\n".join(
        f"<tr>{''.join(cell(i, text, 'row' if i == lead else 'data') for i, text in enumerate(line))}</tr>"
        for line in grid.body
    )
    more = f' <a href="{escape(grid.file)}">Numbers</a>' if grid.file else ""
    return (
        f'<div class="scroll" role="region" aria-label="{escape(grid.caption)}" tabindex="0">\n<table>\n'
        f"<caption>{escape(grid.caption)}.{more}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _picture(picture: Picture, folder: Path) -> str:
    """As SVG, or as PNG where that is the smaller file; as large as on paper, however it is kept."""
    files = [folder / f"{picture.name}{suffix}" for suffix in _TYPES]
    file = min(files, key=lambda file: file.stat().st_size)
    data = base64.b64encode(file.read_bytes()).decode()
    wide, tall = struct.unpack(">II", files[1].read_bytes()[16:24])  # where PNG has its size, in dots
    size = f'width="{wide * _SHOWN / DPI:.0f}" height="{tall * _SHOWN / DPI:.0f}"'
    links = f'<a href="{picture.name}.svg">SVG</a>, <a href="{picture.name}.csv">numbers</a>'
    return (
        f'<figure>\n<div class="scroll" role="region" aria-label="{escape(picture.title)}" tabindex="0">'
        f'<img {size} alt="{escape(picture.title)}: {escape(picture.caption)}" '
        f'src="data:{_TYPES[file.suffix]};base64,{data}"></div>\n'
        f"<figcaption>{escape(picture.caption)} {links}.</figcaption>\n</figure>"
    )


def _anchor(text: str) -> str:
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in text.lower())
