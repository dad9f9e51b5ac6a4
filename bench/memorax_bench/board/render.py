"""From what a page says to its HTML, with everything escaped, and text of others kept from misleading the eye."""

import functools
from importlib import metadata
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from memorax_bench.board import links, words

FOLDER = Path(__file__).parent


def page(template: str, path: str, **context: Any) -> bytes:
    """The page at `path` below the site's root."""
    made = _environment().get_template(template).render(page=path, **context)
    return made.encode()


def assets() -> dict[str, bytes]:
    """Style sheet and script, by path."""
    return {path: (FOLDER / path).read_bytes() for path in (links.STYLE, links.SCRIPT)}


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finished,
    )
    environment.filters["coded"] = _coded
    environment.globals |= {"link": links.relative, "version": metadata.version("memorax-bench")}
    return environment


def _coded(text: str) -> Markup:
    """`text` with what stands between backticks as code."""
    parts = [escape(words.printable(part)) for part in text.split("`")]
    marked = (Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))
    return Markup("").join(marked)


def _finished(value: Any) -> Any:
    """What an expression of a template writes. Markup is ours and stays; numbers are written in full."""
    return words.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
