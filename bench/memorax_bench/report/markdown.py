"""A report as Markdown."""

from collections.abc import Sequence

from memorax_bench.report.document import Block, Commands, Document, Grid, Heading, Items, Paragraph, Picture


def to_markdown(document: Document) -> str:
    """The whole page."""
    parts = [f"# {escape(document.title)}", *map(_block, document.blocks)]
    return "\n\n".join(part for part in parts if part) + "\n"


def pipes(header: Sequence[str], body: Sequence[Sequence[str]], names: Sequence[str]) -> str:
    """A pipe table; the columns `names` to the left, numbers to the right."""
    rule = [":--" if title in names else "--:" for title in header]
    rows = [f"| {' | '.join(map(escape, line))} |" for line in (header, *body)]
    return "\n".join([rows[0], f"|{'|'.join(rule)}|", *rows[1:]])


def escape(text: str) -> str:
    """Text that is no Markdown and no HTML."""
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), ("*", "\\*"), ("|", "\\|")):
        text = text.replace(sign, written)
    return text


def _block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {escape(text)}"
        case Paragraph(text, strong):
            return " ".join([*([escape(text)] if text else []), *([f"**{escape(strong)}**"] if strong else [])])
        case Items(texts):
            return "\n".join(f"- {escape(text)}" for text in texts)
        case Grid():
            more = f"\n\n[numbers]({block.file})." if block.file else ""
            return pipes(block.header, block.body, block.names) + more
        case Picture(name, title, caption):
            links = f"[SVG]({name}.svg), [numbers]({name}.csv)."
            return f"![{title}]({name}.png)\n\n{escape(caption)} {links}"
        case Commands(lines):
            return "\n".join(["```", *lines, "```"])
