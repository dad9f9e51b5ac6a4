"""Docstrings of the library as reStructuredText, which autodoc reads.

They are written for people who read them in the source: plain text, code between single backticks, equations and
examples indented by four columns, arguments as `name: meaning`. Of a dataclass, the comment behind each field is the
field's documentation.
"""

import dataclasses
import inspect
import re
from typing import Any

ARGUMENT = re.compile(r"[a-z_]\w*(?:, [a-z_]\w*)*: ")
ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")
FIELD = re.compile(r"    (\w+): .*?  # (.+)$")
ITEM = re.compile(r"(?:- |\d+\. )")


def process(app: Any, what: str, name: str, object_: Any, options: Any, lines: list[str]) -> None:
    """Sphinx's event `autodoc-process-docstring`: changes `lines` in place."""
    if inspect.isclass(object_) and (object_.__doc__ or "").startswith(f"{object_.__name__}("):
        lines.clear()  # what dataclasses write where there is no docstring: the signature once more
    lines[:] = to_rst(lines)
    if inspect.isclass(object_) and dataclasses.is_dataclass(object_):
        lines += field_table(object_)


def signature(app: Any, what: str, name: str, object_: Any, options: Any, signature: Any, returns: Any) -> Any:
    """Sphinx's event `autodoc-process-signature`: a class of fields has them in a table instead."""
    if inspect.isclass(object_) and dataclasses.is_dataclass(object_):
        return "", returns
    return signature, returns


def foreign(app: Any, what: str, name: str, object_: Any, skip: bool, options: Any) -> bool | None:
    """Sphinx's event `autodoc-skip-member`: skips functions of other libraries that are the default of a field."""
    module = getattr(object_, "__module__", None) or ""
    return True if callable(object_) and not module.startswith("memorax") else None


def to_rst(lines: list[str]) -> list[str]:
    """Paragraphs, lists and indented blocks, one after the other."""
    out: list[str] = []
    for block in _blocks(lines):
        if _indented(block):
            out += ["::", "", *block]
        elif ARGUMENT.match(block[0]) or ITEM.match(block[0]):
            out += _items(block)
        else:
            start = next((i for i, line in enumerate(block) if i and ARGUMENT.match(line) and _whole(block[:i])), None)
            out += [inline(line.strip()) for line in block[:start]]
            out += ["", *_items(block[start:])] if start else []
        out.append("")
    return out


def inline(text: str) -> str:
    """`code` as ``code``; links to papers; whatever else reStructuredText would read as markup, escaped."""
    parts = re.split(r"`([^`]+)`", text)
    parts[::2] = [ARXIV.sub(r"`arXiv \1 <https://arxiv.org/abs/\1>`__", _escaped(part)) for part in parts[::2]]
    parts[1::2] = [f"``{part}``" for part in parts[1::2]]
    # inline markup has to be followed by a space or punctuation: an escaped space shows as nothing
    return "".join(f"{part}\\ " if i % 2 and parts[i + 1][:1].isalnum() else part for i, part in enumerate(parts))


def field_table(config: type) -> list[str]:
    """Name, type, default and meaning of the fields of a dataclass; nothing where it says nothing of them."""
    comments = _comments(config)
    rows = []
    for field in dataclasses.fields(config):
        if field.name in ("name", "parent"):  # of every flax module
            continue
        default = "" if field.default is dataclasses.MISSING else f"``{_default(field.default)}``"
        meaning = inline(comments.get(field.name, ""))
        rows.append((f"``{field.name}``", f"``{_type(field.type)}``", default, meaning))
    if not rows:
        return []
    table = [".. list-table::", "   :header-rows: 1", "   :widths: auto", ""]
    for row in [("field", "type", "default", "meaning"), *rows]:
        table += [f"   {'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(row)]
    return ["", *table, ""]


def _blocks(lines: list[str]) -> list[list[str]]:
    """What empty lines separate; indented blocks that follow one another are one."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    joined: list[list[str]] = []
    for block in filter(None, blocks):
        if joined and _indented(block) and _indented(joined[-1]):
            joined[-1] += ["", *block]
        else:
            joined.append(block)
    return joined


def _indented(block: list[str]) -> bool:
    return all(not line or line.startswith("    ") for line in block)


def _items(block: list[str]) -> list[str]:
    """A list: each item begins at the left margin, and goes on in lines that are indented."""
    items: list[str] = []
    for line in block:
        if line.startswith(" ") and items:
            items[-1] += f" {line.strip()}"
        elif ARGUMENT.match(line):
            names, _, meaning = line.partition(": ")
            items.append(f"`{'`, `'.join(names.split(', '))}`: {meaning}")
        else:
            items.append(ITEM.sub("", line, count=1))
    return [f"- {inline(item)}" for item in items]


def _whole(block: list[str]) -> bool:
    """Whether a paragraph has come to its end."""
    return block[-1].rstrip().endswith((".", ":", ";"))


def _escaped(text: str) -> str:
    return re.sub(r"([\\*|`]|_(?=\W|$|_))", r"\\\1", text)


def _comments(config: type) -> dict[str, str]:
    """field -> the comment behind it, also of the classes that it derives from."""
    comments: dict[str, str] = {}
    for owner in reversed(config.__mro__):
        if dataclasses.is_dataclass(owner) and owner.__module__.startswith("memorax"):
            found = (FIELD.match(line) for line in inspect.getsource(owner).splitlines())
            comments |= {match[1]: match[2] for match in found if match}
    return comments


def _default(value: Any) -> str:
    function = re.search(r"<function (\w+)", text := repr(value))  # `variance_scaling.<locals>.init`: what made it
    return function[1] if function else text


def _type(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", text)
