"""The settings of a user's own torso, `module:Class`, read from its source without importing it.

Importing it would import jax, and run whatever the file does, before anything was checked. The fields are those of
the class and of its base classes in the same file; where the class has a field `config` that is annotated with a
dataclass of that file, the fields of that dataclass.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from memorax_bench.code_hash import find_module, search_path
from memorax_bench.errors import Problem, did_you_mean
from memorax_bench.suite.catalogue import FieldSpec
from memorax_bench.suite.coerce import CoerceError, converter

_NOT_LITERAL = object()


@dataclass(frozen=True)
class UserTorso:
    """`fields` can be set from a suite; `untyped` can only keep their defaults."""

    module: str
    fields: dict[str, FieldSpec]
    untyped: tuple[str, ...]


def is_user_path(type_name: str) -> bool:
    """Whether a torso's `type` is a `module:Class` rather than a name of the registry."""
    return ":" in type_name


def read_user_torso(type_name: str, path: Sequence[str | Path] | None = None) -> UserTorso | Problem:
    """The settings of `module:Class`, or what is wrong with it (a Problem without file, line and key).

    `path` lists the folders searched (default: the working directory, then `sys.path`).
    """
    module, _, class_name = type_name.partition(":")
    if not all(part.isidentifier() for part in module.split(".")) or not class_name.isidentifier():
        return Problem(
            f"'{type_name}' is not of the form 'package.module:Class'", fix="write for example my_torso:Cell"
        )
    located = find_module(module, search_path(path))
    if located is None:
        where = f"{module.replace('.', '/')}.py"
        return Problem(f"no module '{module}'", fix=f"is {where} in the working directory, or installed?")
    file = located[0]
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        return Problem(f"{file.name}:{error.lineno} is not valid Python: {error.msg}", fix="the file must parse")
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if class_name not in classes:
        return Problem(
            f"{file.name} has no class '{class_name}'", allowed=sorted(classes), fix=did_you_mean(class_name, classes)
        )
    annotated = _annotated(class_name, classes)
    config = annotated.get("config")
    if config is not None and _name(config.annotation) in classes:
        annotated = _annotated(_name(config.annotation), classes)
    read = typed_fields(class_name, annotated, constants(tree))
    return read if isinstance(read, Problem) else UserTorso(module, *read)


def typed_fields(
    class_name: str, annotated: dict[str, ast.AnnAssign], constants: dict
) -> tuple[dict[str, FieldSpec], tuple[str, ...]] | Problem:
    """Of annotated fields, those that can be set from a suite, and the names of those that keep their defaults.

    constants: names of the file that a default may refer to, and their values
    """
    fields: dict[str, FieldSpec] = {}
    untyped = []
    for name, node in annotated.items():
        type_name = ast.unparse(node.annotation).strip("'\"")
        default = _default(node.value, constants)
        required = node.value is None or default is None
        value = None if required else default[0]
        typed = converter(type_name) is not None and value is not _NOT_LITERAL
        if typed and not required:
            try:
                value = converter(type_name)(value)
            except CoerceError:  # `x: int = None`: the annotation does not describe the default
                typed = False
        if typed:
            fields[name] = FieldSpec(type=type_name, required=required, default=value)
        elif not required:
            untyped.append(name)
        else:
            return Problem(
                f"field '{name}: {type_name}' of {class_name} has no default and cannot be written in a suite",
                allowed="int, float, bool, str, `| None` and lists of these",
                fix=f"give {name} a default",
            )
    return fields, tuple(untyped)


def _annotated(class_name: str, classes: dict[str, ast.ClassDef], seen: tuple[str, ...] = ()) -> dict:
    """The annotated fields in dataclass order: those of base classes first, overridden in place."""
    fields: dict[str, ast.AnnAssign] = {}
    node = classes[class_name]
    for base in reversed(node.bases):
        name = _name(base)
        if name in classes and name not in seen:
            fields.update(_annotated(name, classes, (*seen, class_name)))
    return {**fields, **own_fields(node)}


def own_fields(node: ast.ClassDef) -> dict[str, ast.AnnAssign]:
    """The annotated fields that a class states itself."""
    fields = {}
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name = statement.target.id
            if not name.startswith("_") and not ast.unparse(statement.annotation).strip("'\"").startswith(
                ("ClassVar", "typing.ClassVar")
            ):
                fields[name] = statement
    return fields


def _default(value: ast.expr | None, constants: dict) -> tuple | None:
    """`(default,)`, or `(_NOT_LITERAL,)` where only running the code could tell; None where there is none."""
    if value is None:
        return None
    if isinstance(value, ast.Call) and _name(value.func) == "field":
        keywords = {keyword.arg: keyword.value for keyword in value.keywords}
        if "default_factory" in keywords:
            return (_NOT_LITERAL,)
        return _default(keywords.get("default"), constants)
    if isinstance(value, ast.Name) and value.id in constants:
        return (constants[value.id],)
    return (_literal(value),)


def constants(tree: ast.Module) -> dict[str, object]:
    """Names of a file that stand for a literal, and their values."""
    return dict(_constants(tree))


def _constants(tree: ast.Module) -> Iterator[tuple[str, object]]:
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], _literal(statement.value)
            if isinstance(target, ast.Name) and value is not _NOT_LITERAL:
                yield target.id, value


def _literal(node: ast.expr) -> object:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _NOT_LITERAL
    return list(value) if isinstance(value, tuple) else value


def _name(node: ast.expr) -> str:
    """The last name of `Config`, `"Config"`, `module.Config` or `Generic[T]`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return node.id if isinstance(node, ast.Name) else ""
