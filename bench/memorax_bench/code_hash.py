"""The identity of the code behind a cell: the syntax trees of the modules in its static import closure.

Nothing is imported: modules are found as files and parsed, so that `plan` costs no jax. Docstrings, comments,
formatting and positions do not enter. The rules of the closure:

- `import memorax.a.b` and `from memorax.a.b import x` bring in the module `memorax.a.b`;
- `from memorax.a import x` brings in `memorax.a.x` if that is a module; else, where the package's `__init__` imports
  `x` from elsewhere, what that import names; else the `__init__`;
- a submodule does not bring in its parents' `__init__`: packages that re-export everything would make every cell
  depend on every model;
- `memorax.registry`, which only maps names to classes, is left out, for the same reason; the class a name stands for
  enters through the roots.
"""

import ast
import functools
import hashlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.identity import sha256_json

FOLLOWED = "memorax"  # the package whose imports are followed; the harness's own modules are roots or nothing
NAMES_ONLY = ("memorax.registry",)


@dataclass(frozen=True)
class CodeHash:
    """`value` is the hash of `modules`, which holds one hash per module, so that a change can be named."""

    value: str
    modules: Mapping[str, str]


def code_hash(
    roots: Iterable[str], path: Sequence[str | Path] | None = None, modules: "Modules | None" = None
) -> CodeHash:
    """Hashes the closure of `roots` (`module` or `module:Class`) and the roots themselves.

    Imports of `memorax.*` are followed, and those of a user's root into the folder it lies in. `path` lists the
    folders searched (default: the working directory, then `sys.path`); `modules`, in its place, what was read for
    other closures. Raises UsageProblems where a root is missing.
    """
    modules = modules or Modules(path)
    found: dict[str, str] = {}
    missing: list[Problem] = []
    roots = sorted(set(roots))
    todo = [(root.partition(":")[0], True) for root in roots]
    while todo:
        name, is_root = todo.pop()
        if name in found or name in NAMES_ONLY:
            continue
        read = modules.read(name)
        if read is None:
            if is_root:
                looked = ", ".join(map(str, modules.find.folders[:3]))
                missing.append(Problem(f"no module '{name}'", fix=f"looked in {looked}, ..."))
            continue
        found[name], used = read
        todo.extend((other, False) for other in used)
    if missing:
        raise UsageProblems(missing)
    hashes = dict(sorted(found.items()))
    return CodeHash(sha256_json({"roots": roots, "modules": hashes}), hashes)


class Modules:
    """The modules of a search path, each read once however many closures it belongs to."""

    def __init__(self, path: Sequence[str | Path] | None = None):
        self.find = _Finder(search_path(path))
        self.known: dict[str, tuple[str, tuple[str, ...]] | None] = {}

    def read(self, name: str) -> tuple[str, tuple[str, ...]] | None:
        """The hash of a module and the modules that it uses; None where there is no such module."""
        if name not in self.known:
            located = self.find(name)
            if located is None:
                self.known[name] = None
            else:
                file, folder = located
                parsed = _parse(file, name)
                used = tuple(dict.fromkeys(_used(parsed, self.find, _own_folder(name, folder))))
                self.known[name] = parsed.digest, used
        return self.known[name]


def changed_modules(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[str, ...]:
    """Modules added, removed or different, sorted."""
    return tuple(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))


def search_path(path: Sequence[str | Path] | None = None) -> tuple[Path, ...]:
    """The folders in which modules are looked for: `path`, or the working directory and `sys.path`."""
    folders = path if path is not None else [".", *sys.path]
    return tuple(dict.fromkeys(Path(folder or ".").resolve() for folder in folders))


def find_module(name: str, folders: Sequence[Path]) -> tuple[Path, Path] | None:
    """The file of a module and the folder of the search path it was found in; None where there is none."""
    relative = name.replace(".", os.sep)
    for folder in folders:
        for file in (os.path.join(folder, relative, "__init__.py"), os.path.join(folder, f"{relative}.py")):
            if os.path.isfile(file):
                return Path(file), folder
    return None


class _Finder:
    """`find_module` for one closure, which asks for the same names again and again."""

    def __init__(self, folders: Sequence[Path]):
        self.folders = folders
        self.known: dict[str, tuple[Path, Path] | None] = {}

    def __call__(self, name: str) -> tuple[Path, Path] | None:
        if name not in self.known:
            self.known[name] = find_module(name, self.folders)
        return self.known[name]


@dataclass(frozen=True)
class _Import:
    """`from module import name as alias`; `name` is None for `import module`."""

    module: str
    name: str | None = None
    alias: str | None = None


@dataclass(frozen=True)
class _Parsed:
    digest: str
    imports: tuple[_Import, ...]


def _parse(file: Path, name: str) -> _Parsed:
    try:
        return _parsed(file.read_bytes(), name, file.name == "__init__.py")
    except SyntaxError as error:
        problem = Problem(f"not valid Python: {error.msg}", str(file), error.lineno, fix="the code must parse")
        raise UsageProblems([problem]) from error


@functools.lru_cache(maxsize=4096)
def _parsed(source: bytes, name: str, is_package: bool) -> _Parsed:
    tree = ast.parse(source)
    package = name if is_package else name.rpartition(".")[0]
    imports = tuple(dict.fromkeys(_imports(tree, package)))
    _strip_docstrings(tree)
    digest = hashlib.sha256(ast.dump(tree, include_attributes=False).encode()).hexdigest()
    return _Parsed(digest, imports)


def _imports(tree: ast.AST, package: str) -> Iterable[_Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _Import(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                anchor = parents[: len(parents) - node.level + 1]
                base = ".".join([*anchor, *([base] if base else [])])
            for alias in node.names:
                yield _Import(base, alias.name, alias.asname or alias.name)


def _used(parsed: _Parsed, find: _Finder, own: Path | None) -> Iterable[str]:
    for statement in parsed.imports:
        if statement.module.split(".")[0] == FOLLOWED:
            yield from _resolved(statement, find)
        elif own is not None:
            yield from _resolved(statement, _Finder((own,)))


def _resolved(statement: _Import, find: _Finder, seen: tuple[_Import, ...] = ()) -> Iterable[str]:
    module, name = statement.module, statement.name
    if name is not None and find(f"{module}.{name}") is not None:
        yield f"{module}.{name}"
        return
    located = find(module)
    if located is None:
        return
    file = located[0]
    if name is not None and file.name == "__init__.py" and statement not in seen:
        exported = _parse(file, module).imports
        source = next((other for other in exported if other.alias == name and other.module != module), None)
        if source is not None:
            yield from _resolved(source, find, (*seen, statement))
            return
    yield module


def _own_folder(name: str, folder: Path) -> Path | None:
    """The folder inside which a user's module's imports are followed; None for installed code and the harness."""
    if name.split(".")[0] in (FOLLOWED, "memorax_bench") or "site-packages" in folder.parts:
        return None
    return folder


def _strip_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
