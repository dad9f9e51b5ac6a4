"""From `suite=quick` and the command line's overrides to a resolved suite, or every problem it has at once."""

import functools
import json
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from memorax_bench.errors import Problem, UsageProblems, did_you_mean
from memorax_bench.identity import benchmark_hash, suite_label
from memorax_bench.suite.catalogue import Catalogue, load_catalogue
from memorax_bench.suite.changes import read_changes
from memorax_bench.suite.checks import check_bounds, check_horizons, check_ranking
from memorax_bench.suite.entries import read_algorithms, read_kwargs, read_torsos
from memorax_bench.suite.grid import Cell, NotApplicable, Parts, make_grid
from memorax_bench.suite.includes import including
from memorax_bench.suite.overrides import Overridden, apply_overrides
from memorax_bench.suite.schema import NetworkSettings, Override, Protocol, Ranking, Seeds, Suite, Task, section
from memorax_bench.suite.tracks import check_track, read_track
from memorax_bench.suite.user_algorithm import with_user_algorithms
from memorax_bench.suite.variants import put_variants, read_variants
from memorax_bench.suite.yaml_source import Findings, KeyPath, Origin, Source, read_yaml

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class ResolvedSuite:
    """A suite ready to plan. `suite` is the typed file with all its labels, the keyword arguments of tasks typed, too;
    `cells` are those chosen.

    `label` is the folder of its results: `name@version`, with `+<hash8>` where the frozen part is not the one that
    was published (or, of a suite never published, the one in the file); `frozen_changed` says so. `origins` tells where
    each value was written.
    """

    file: str
    label: str
    name: str
    version: int
    benchmark_hash: str
    frozen_changed: bool
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    not_applicable: tuple[NotApplicable, ...]
    suite: Suite
    origins: Mapping[KeyPath, Origin] = field(default_factory=dict, repr=False, compare=False)


def suites_folder() -> Path:
    """Where the shipped suites are: in the wheel beside this file, in an editable install at the repository's root."""
    inside = PACKAGE / "suites"
    return inside if inside.is_dir() else PACKAGE.parents[1] / "suites"


def shipped_suites() -> dict[str, Path]:
    """Name -> file of the suites that ship with the package."""
    return {file.stem: file for file in sorted(suites_folder().glob("*.yaml"))}


@functools.cache
def frozen_hashes() -> dict[str, str]:
    """`name@version` -> benchmark_hash of every published version (`suites/frozen.json`)."""
    file = suites_folder() / "frozen.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def load_suite(
    name_or_path: str,
    overrides: Sequence[str] = (),
    *,
    catalogue: Catalogue | None = None,
    path: Sequence[str | Path] | None = None,
) -> ResolvedSuite:
    """Reads a shipped suite (`quick`) or a file (`my/suite.yaml`), applies overrides, checks all of it.

    `path` lists the folders in which a user's own torso or algorithm is looked for (default: the working directory,
    then `sys.path`). Raises UsageProblems with every problem found.
    """
    catalogue = catalogue or load_catalogue()
    source, overrides = including(_read(name_or_path), overrides)
    registry = {"algorithms": catalogue.algorithms, "torsos": catalogue.torsos}
    changed = apply_overrides(source.tree, source.origins, overrides, registry)
    findings = Findings(changed.origins)
    entries = changed.tree.get("entries")
    catalogue = with_user_algorithms(catalogue, _keys(entries).get("algorithms"), findings, path)
    suite = _typed(changed.tree, findings) if source.tree else None
    parts = _parts(changed, catalogue, findings, path)
    cells, missing = make_grid(parts, catalogue, findings) if parts is not None else ((), ())
    problems = [*source.problems, *changed.problems, *findings.problems]
    if problems:
        raise UsageProblems(problems)
    assert suite is not None and parts is not None
    suite = suite.model_copy(update={"tasks": parts.tasks})
    found = _benchmark_hash(suite, changed.tree, catalogue)
    expected = frozen_hashes().get(f"{suite.name}@{suite.version}") or _hash_as_written(source.tree, catalogue)
    return ResolvedSuite(
        file=source.origins[()].file,
        label=suite_label(suite.name, suite.version, found, expected),
        name=suite.name,
        version=suite.version,
        benchmark_hash=found,
        frozen_changed=found != expected,
        seeds=suite.entries.seeds,
        cells=cells,
        not_applicable=missing,
        suite=suite,
        origins=changed.origins,
    )


def _read(name_or_path: str) -> Source:
    if name_or_path.endswith((".yaml", ".yml")):
        return read_yaml(name_or_path)
    shipped = shipped_suites()
    if name_or_path not in shipped:
        fix = did_you_mean(name_or_path, shipped) or "a file of your own ends in .yaml: suite=my_suite.yaml"
        raise UsageProblems([Problem(f"no suite '{name_or_path}'", allowed=list(shipped), fix=fix)])
    file = shipped[name_or_path]
    return read_yaml(file, _shown(file))


def _shown(file: Path) -> str:
    """The file as the user would type it: relative to the working directory where it lies under it."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def _typed(tree: dict, findings: Findings) -> Suite | None:
    """The whole file by its schema; what does not fit is reported."""
    try:
        return Suite.model_validate(tree, by_alias=True, by_name=False)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            _report(item, tree, findings)
        return None


def _report(item: Any, tree: dict, findings: Findings) -> None:
    path = tuple(part for part in item["loc"] if part != "[key]")
    is_key = item["loc"][-1:] == ("[key]",)
    value = item["input"] if isinstance(item["input"], str | int | float) and not is_key else None
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = _allowed_keys(path[:-1])
        findings.add(path, "unknown key", value, allowed, did_you_mean(str(path[-1]), allowed))
    elif kind == "missing":
        findings.add(path, "missing key", fix=f"add '{path[-1]}: ...'")
    elif kind == "value_error":
        findings.add(path, str(context["error"]), value)
    elif kind == "literal_error":
        allowed = [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")]
        findings.add(path, "unknown value", value, allowed, did_you_mean(str(item["input"]), allowed))
    elif kind == "too_short":
        findings.add(path, "empty; at least one is needed")
    elif kind in ("model_type", "dict_type", "model_attributes_type"):
        findings.add(path, "expected a mapping (key: value)", value)
    else:
        findings.add(path, item["msg"].replace("Input should", "must"), value)


def _allowed_keys(path: tuple) -> list[str]:
    """The keys that the schema knows at a path."""
    annotation: Any = Suite
    for part in path:
        model = _model(annotation)
        if model is not None:
            fields = {field.alias or name: field for name, field in model.model_fields.items()}
            annotation = fields[part].annotation
        else:
            annotation = typing.get_args(annotation)[-1 if isinstance(part, str) else 0]
    model = _model(annotation)
    return [] if model is None else [field.alias or name for name, field in model.model_fields.items()]


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, types.UnionType):
        return next((found for found in map(_model, typing.get_args(annotation)) if found), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _parts(changed: Overridden, catalogue: Catalogue, findings: Findings, path) -> Parts | None:
    """The sections that are sound by themselves, checked against one another and the catalogue.

    Sections are read one by one, so that a mistake in one does not hide those in the others; the grid needs all.
    """
    tree = changed.tree
    raw = tree.get("entries") if isinstance(tree.get("entries"), dict) else {}
    protocol = section(Protocol, tree.get("protocol"))
    raw_tasks = tree.get("tasks") if isinstance(tree.get("tasks"), dict) else {}
    tasks = {label: section(Task, value) for label, value in raw_tasks.items()}
    sound = {label: task for label, task in tasks.items() if task is not None}
    inputs = protocol.inputs if protocol else None
    algorithms = read_algorithms(raw.get("algorithms"), catalogue, findings)
    torsos = read_torsos(raw.get("torsos"), inputs, catalogue, findings, path)
    check_bounds(sound, protocol, findings)
    check_horizons(sound, findings)
    written = _keys(_keys(tree.get("rankings")).get("torsos"))
    ranking = section(Ranking, {key: value for key, value in written.items() if key != "correction"})
    if ranking is not None:
        check_ranking(ranking, tasks, _keys(raw.get("algorithms")), _keys(raw.get("torsos")), findings)
    network = section(NetworkSettings, raw.get("network", {}))
    listed = raw.get("overrides")
    overrides = {i: section(Override, value) for i, value in enumerate(listed if isinstance(listed, list) else [])}
    overrides = {index: override for index, override in overrides.items() if override is not None}
    known = {"task": raw_tasks, "algorithm": _keys(raw.get("algorithms")), "torso": _keys(raw.get("torsos"))}
    changes = read_changes(overrides, known, {"algorithm": algorithms, "torso": torsos}, findings)
    kwargs = read_kwargs(raw_tasks, catalogue, findings)
    typed = {
        label: task.model_copy(update={"kwargs": kwargs[label]}) for label, task in sound.items() if label in kwargs
    }
    variants = read_variants(raw_tasks, kwargs, catalogue, findings)
    track = read_track(raw)
    check_track(track, section(Seeds, raw.get("seeds")) or (), algorithms, overrides, findings)
    if protocol is None or network is None:
        return None
    return Parts(protocol, typed, network, algorithms, torsos, changes, variants, changed.selections, track)


def _keys(value: Any) -> dict:
    return value if isinstance(value, dict) else {}


def _benchmark_hash(suite: Suite, tree: dict, catalogue: Catalogue) -> str:
    """Of the frozen part with the tasks' keyword arguments typed by the catalogue: `1e2` and `100` are one suite."""
    frozen, ignored = suite.frozen_part(), Findings({})
    typed = read_kwargs(tree["tasks"], catalogue, ignored)
    variants = read_variants(tree["tasks"], typed, catalogue, ignored)
    for label, kwargs in typed.items():
        frozen["tasks"][label]["kwargs"] = kwargs
        put_variants(frozen["tasks"][label], variants[label])
    return benchmark_hash(frozen)


def _hash_as_written(tree: dict, catalogue: Catalogue) -> str | None:
    """The benchmark_hash of the file without the command line, None where that alone is not sound."""
    try:
        return _benchmark_hash(Suite.model_validate(tree, by_alias=True, by_name=False), tree, catalogue)
    except ValidationError:
        return "not sound"
