"""What a user's own algorithm, `module:Class`, is and takes, read from sources without importing them.

Its class attributes are those that it states or inherits, also from the library's own classes; its settings are the
fields of `<Class>Config`, which stands beside the class, or beside the nearest class that it derives from.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memorax_bench.code_hash import find_module, search_path
from memorax_bench.errors import Problem, did_you_mean
from memorax_bench.suite.catalogue import AlgorithmSpec, Catalogue, FieldSpec
from memorax_bench.suite.user_torso import constants, is_user_path, own_fields, typed_fields
from memorax_bench.suite.yaml_source import Findings

_BASE = ("memorax.algorithms.base", "Algorithm")
_MISSING = object()


def with_user_algorithms(
    catalogue: Catalogue, raw: Any, findings: Findings, path: Sequence[str | Path] | None = None
) -> Catalogue:
    """The catalogue and the user's own algorithms among the entries `raw`; those that cannot be read are reported."""
    known = dict(catalogue.algorithms)
    for label, values in raw.items() if isinstance(raw, dict) else ():
        name = values.get("type") if isinstance(values, dict) else None
        if isinstance(name, str) and is_user_path(name) and name not in known:
            read = read_user_algorithm(name, catalogue.optimizers, path)
            if isinstance(read, Problem):
                where = ("entries", "algorithms", label, "type")
                findings.add(where, read.message, name, read.allowed, read.fix)
            else:
                known[name] = read
    return catalogue.model_copy(update={"algorithms": known})


def read_user_algorithm(
    type_name: str, optimizers: Mapping[str, Any], path: Sequence[str | Path] | None = None
) -> AlgorithmSpec | Problem:
    """What the catalogue would hold of `module:Class`, or what is wrong with it (a Problem without file, line and key).

    `optimizers` are the kinds there are; `path` lists the folders searched (default: the working directory, then
    `sys.path`).
    """
    module, _, class_name = type_name.partition(":")
    sources = _Sources(search_path(path))
    try:
        found = sources.find(module, class_name)
    except SyntaxError as error:
        place = f"{Path(error.filename).name}:{error.lineno}"
        return Problem(f"{place} is not valid Python: {error.msg}", fix="the file must parse")
    if found is None:
        return _not_found(module, class_name, sources)
    lineage = list(sources.lineage(found))
    if _BASE not in [(one.module, one.node.name) for one in lineage]:
        fix = "derive it from one of memorax.algorithms: PPO, A2C, PQN, DQN, R2D2, SAC, StreamAC or QRC"
        return Problem(f"{class_name} is no algorithm: it does not derive from Algorithm", fix=fix)
    names = ("action_kinds", "optimizer_kind", "update_size", "divides", "replays")
    said = {name: _attribute(lineage, name) for name in names}
    unread = [name for name, value in said.items() if value is _MISSING]
    if unread:
        fix = 'for example: action_kinds: ClassVar = ("discrete",)'
        return Problem(f"{class_name} does not say its {unread[0]} in a form that can be read", fix=fix)
    if said["optimizer_kind"] not in optimizers:
        message = f"{class_name} has the optimizer_kind '{said['optimizer_kind']}'"
        return Problem(message, allowed=list(optimizers), fix="change it in the class")
    return _with_config(type_name, lineage, said, sources)


@dataclass(frozen=True)
class _Class:
    module: str
    node: ast.ClassDef


class _Sources:
    """Classes by module and name, in files that are parsed once."""

    def __init__(self, folders: tuple[Path, ...]):
        self.folders = folders
        self.parsed: dict[str, ast.Module | None] = {}

    def tree(self, module: str) -> ast.Module | None:
        """The parsed file of a module; None where there is none."""
        if module not in self.parsed:
            located = find_module(module, self.folders)
            file = located and located[0]
            self.parsed[module] = ast.parse(file.read_bytes(), filename=str(file)) if file else None
        return self.parsed[module]

    def find(self, module: str, name: str, seen: tuple = ()) -> _Class | None:
        """The class that a module has under a name, its own, an imported one or another name for one."""
        tree = self.tree(module)
        if tree is None or (module, name) in seen:
            return None
        seen = (*seen, (module, name))
        for statement in reversed(tree.body):
            match statement:
                case ast.ClassDef(name=own) if own == name:
                    return _Class(module, statement)
                case ast.ImportFrom(module=str(source), level=0):
                    for alias in statement.names:
                        if (alias.asname or alias.name) == name:
                            return self.find(source, alias.name, seen)
                case ast.Assign(targets=[ast.Name(id=own)], value=ast.Name(id=other)) if own == name:
                    return self.find(module, other, seen)
        return None

    def lineage(self, one: _Class) -> Iterator[_Class]:
        """A class and all that it derives from, nearest first, as far as files can be found."""
        yield one
        for base in one.node.bases:
            found = self.find(one.module, base.id) if isinstance(base, ast.Name) else self._of_module(one.module, base)
            if found is not None:
                yield from self.lineage(found)

    def _of_module(self, module: str, expression: ast.expr) -> _Class | None:
        """`ppo.PPO` after `from memorax.algorithms import ppo` or `import memorax.algorithms.ppo as ppo`."""
        prefix, _, name = ast.unparse(expression).rpartition(".")
        for statement in self.tree(module).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                package = f"{statement.module}." if isinstance(statement, ast.ImportFrom) else ""
                for alias in statement.names:
                    if prefix == (alias.asname or alias.name):
                        return self.find(f"{package}{alias.name}", name)
        return None


def _not_found(module: str, class_name: str, sources: _Sources) -> Problem:
    if not all(part.isidentifier() for part in [*module.split("."), class_name]):
        message = f"'{module}:{class_name}' is not of the form 'package.module:Class'"
        return Problem(message, fix="write for example my_algorithm:MyPPO")
    file, tree = f"{module.replace('.', '/')}.py", sources.tree(module)
    if tree is None:
        return Problem(f"no module '{module}'", fix=f"is {file} in the working directory, or installed?")
    classes = sorted(node.name for node in tree.body if isinstance(node, ast.ClassDef))
    fix = did_you_mean(class_name, classes)
    return Problem(f"{Path(file).name} has no class '{class_name}'", allowed=classes, fix=fix)


def _attribute(lineage: Sequence[_Class], name: str) -> Any:
    """The literal that the nearest class assigns to a name."""
    for one in lineage:
        for statement in one.node.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=own)], value=value) if own == name:
                    return _literal(value)
                case ast.AnnAssign(target=ast.Name(id=own), value=ast.expr() as value) if own == name:
                    return _literal(value)
    return _MISSING


def _literal(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        return _MISSING


def _with_config(
    type_name: str, lineage: Sequence[_Class], said: Mapping[str, Any], sources: _Sources
) -> AlgorithmSpec | Problem:
    configs = (sources.find(one.module, f"{one.node.name}Config") for one in lineage)
    config = next((found for found in configs if found is not None), None)
    if config is None:
        name = lineage[0].node.name
        return Problem(f"{name} has no {name}Config beside it", fix="a frozen dataclass of its settings, with gamma")
    fields: dict[str, FieldSpec] = {}
    for one in reversed(list(sources.lineage(config))):
        read = typed_fields(one.node.name, own_fields(one.node), constants(sources.tree(one.module)))
        if isinstance(read, Problem):
            return read
        fields = {name: spec for name, spec in fields.items() if name not in read[1]} | read[0]
    absent = [name for name in ("gamma", *said["update_size"], *said["divides"]) if name not in fields]
    if absent:
        why = "the protocol's discount" if absent[0] == "gamma" else "which the class names"
        fix = f"add it, or derive {config.node.name} from PPOConfig or another of memorax.algorithms"
        return Problem(f"{config.node.name} has no field '{absent[0]}', {why}", fix=fix)
    return AlgorithmSpec(
        **{"class": type_name},
        config_class=f"{config.module}:{config.node.name}",
        fields=fields,
        optimizer=said["optimizer_kind"],
        actions=said["action_kinds"],
        update_size=said["update_size"],
        divides=said["divides"],
        replays=said["replays"],
    )
