"""Reads YAML as written: nested dicts and lists of strings, and the line of every value.

Typing is left to the schema (`coerce`), so that a file and the command line mean the same by the same text. What can
surprise or do harm is refused: duplicate keys, tags, anchors, aliases, merge keys and `${...}` interpolation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from memorax_bench.errors import Problem

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Origin:
    """Where a value was written: a file and line, or `argument ...` without a line."""

    file: str
    line: int | None = None


@dataclass(frozen=True)
class Source:
    """A file's tree of strings, where each of its paths was written, and what is wrong with it."""

    tree: dict
    origins: Mapping[KeyPath, Origin]
    problems: tuple[Problem, ...] = ()


@dataclass
class Findings:
    """Problems found in a tree, each located where its value, or what holds it, was written."""

    origins: Mapping[KeyPath, Origin]
    problems: list[Problem] = field(default_factory=list)

    def add(self, path: KeyPath, message: str, value=None, allowed=None, fix: str | None = None) -> None:
        """One problem at `path`."""
        origin = self.locate(path)
        self.problems.append(Problem(message, origin.file, origin.line, dotted(path), value, allowed, fix))

    def locate(self, path: KeyPath) -> Origin:
        """Where the value was written, or the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return Origin("suite")


@dataclass
class _Reader:
    file: str
    origins: dict[KeyPath, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, mark, path: KeyPath, message: str, fix: str | None = None, value: object = None) -> None:
        key = dotted(path) or None
        self.problems.append(Problem(message, self.file, mark.line + 1, key, value, fix=fix))


def read_yaml(path: str | Path, file: str | None = None) -> Source:
    """Reads a file; `file` is the name used in messages (default: the path)."""
    name = file or str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        return Source({}, {}, (Problem(f"cannot be read: {reason}", name),))
    return parse_yaml(text, name)


def parse_yaml(text: str, file: str) -> Source:
    """Reads a document whose top level must be a mapping."""
    reader = _Reader(file)
    node = _compose(text, reader)
    tree: dict = {}
    if node is None:
        if not reader.problems:
            reader.problems.append(Problem("the file is empty", file, fix="a suite starts with 'schema: 1'"))
    elif not isinstance(node, yaml.MappingNode):
        reader.refuse(node.start_mark, (), "the top level is not a mapping", "write 'key: value' lines")
    else:
        tree = _value(node, (), reader)
    return Source(tree, reader.origins, tuple(reader.problems))


def parse_flow(text: str, file: str) -> tuple[object, tuple[Problem, ...]]:
    """Reads one value in flow syntax, as the command line gives it: `64`, `[a, b]`, `{type: lru, features: 64}`."""
    if text == "":
        return "", ()
    if text[0] not in "[{\"'&*!":
        # A bare word is taken whole: `pkg.mod:Cell`, `a: b` and `1e-3` are not YAML to anyone typing them.
        reader = _Reader(file)
        if "${" in text:
            reader.problems.append(Problem("'${...}' interpolation is not supported", file, fix="write the value"))
        return text, tuple(reader.problems)
    reader = _Reader(file)
    node = _compose(text, reader)
    value = "" if node is None else _value(node, (), reader)
    problems = tuple(Problem(p.message, file, None, p.key, p.value, p.allowed, p.fix) for p in reader.problems)
    return value, problems


def dotted(path: KeyPath) -> str:
    """`entries.overrides[0].set` for ('entries', 'overrides', 0, 'set')."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _compose(text: str, reader: _Reader) -> yaml.Node | None:
    try:
        # Events first: `compose` would resolve an alias, hide the anchor and stop at a duplicate anchor.
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            anchor = getattr(event, "anchor", None)
            if anchor is not None:
                kind = "alias '*" if isinstance(event, yaml.AliasEvent) else "anchor '&"
                reader.refuse(event.start_mark, (), f"{kind}{anchor}' is not supported", "write the value out")
        if any("alias" in problem.message for problem in reader.problems):
            return None
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        parts = [part for part in (error.context, error.problem) if part]
        line = None if mark is None else mark.line + 1
        reader.problems.append(Problem(f"not valid YAML: {', '.join(parts)}", reader.file, line))
    except yaml.YAMLError as error:
        reader.problems.append(Problem(f"not valid YAML: {' '.join(str(error).split())}", reader.file))
    return None


def _value(node: yaml.Node, path: KeyPath, reader: _Reader):
    reader.origins.setdefault(path, Origin(reader.file, node.start_mark.line + 1))
    _refuse_tag(node, path, reader)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, reader)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, index), reader) for index, child in enumerate(node.value)]
    if "${" in node.value:
        reader.refuse(node.start_mark, path, "'${...}' interpolation is not supported", "write the value", node.value)
    return node.value


def _mapping(node: yaml.MappingNode, path: KeyPath, reader: _Reader) -> dict:
    result: dict = {}
    first_lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        mark = key_node.start_mark
        if not isinstance(key_node, yaml.ScalarNode):
            reader.refuse(mark, path, "a key must be plain text")
            continue
        key = key_node.value
        child = (*path, key)
        if key_node.tag == "tag:yaml.org,2002:merge":
            reader.refuse(mark, path, "merge key '<<' is not supported", "write the keys out")
            continue
        _refuse_tag(key_node, child, reader)
        if key in result:
            first = first_lines[key]
            reader.refuse(mark, child, f"duplicate key, first given on line {first}", "remove one of the two")
            continue
        first_lines[key] = mark.line + 1
        reader.origins[child] = Origin(reader.file, mark.line + 1)
        result[key] = _value(value_node, child, reader)
    return result


_PLAIN_TAGS = {
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp", "value", "merge")
}


def _refuse_tag(node: yaml.Node, path: KeyPath, reader: _Reader) -> None:
    # The resolver gives plain scalars the plain tags; written `!!int` looks the same and is harmless, because the
    # schema decides the type. Every other tag, `!!python/...` above all, is refused.
    if node.tag not in _PLAIN_TAGS:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        reader.refuse(node.start_mark, path, f"tag '{tag}' is not supported", "write a plain value")
