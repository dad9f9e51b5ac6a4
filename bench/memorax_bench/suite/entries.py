"""Types the settings of algorithms, torsos and tasks by the catalogue, collecting what is wrong with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memorax_bench.errors import Problem, did_you_mean
from memorax_bench.suite.catalogue import Catalogue, FieldSpec
from memorax_bench.suite.coerce import CoerceError, coerce
from memorax_bench.suite.schema import as_inputs
from memorax_bench.suite.user_torso import is_user_path, read_user_torso
from memorax_bench.suite.yaml_source import Findings, KeyPath

TORSO_KEYS = ("type", "inputs", "role")
ROLES = ("control", "oracle")
ALGORITHMS: KeyPath = ("entries", "algorithms")
TORSOS: KeyPath = ("entries", "torsos")


@dataclass(frozen=True)
class Entry:
    """An algorithm or torso of the suite: `given` are the settings written there, typed; `fields` all it takes."""

    label: str
    type: str
    fields: Mapping[str, FieldSpec]
    given: Mapping[str, Any]
    inputs: tuple[str, ...] | None = None
    role: str | None = None

    def settings(self, changes: Mapping[str, Any], width: int) -> dict[str, Any]:
        """Every setting: what was written, else the default; a torso's `features` without either is `width`."""
        defaults = {name: width if is_width(name, spec) else spec.default for name, spec in self.fields.items()}
        return {**defaults, **self.given, **changes}


def is_width(name: str, spec: FieldSpec) -> bool:
    """Whether a setting that is not given is taken from `network.embed`."""
    return name == "features" and spec.required


def read_algorithms(raw: Any, catalogue: Catalogue, findings: Findings) -> dict[str, Entry]:
    """The entries of `entries.algorithms` that could be typed."""
    entries = {}
    for label, values in mappings(raw):
        path = (*ALGORITHMS, label)
        name = values.get("type", label)
        if isinstance(name, str) and is_user_path(name) and name not in catalogue.algorithms:
            continue  # what is wrong with it was reported when it was read
        if not isinstance(name, str) or name not in catalogue.algorithms:
            allowed = [*(known for known in catalogue.algorithms if not is_user_path(known)), "your_module:Class"]
            _unknown_type(path, "algorithm", values, name, allowed, findings)
            continue
        fields = catalogue.algorithm_fields(name)
        given = type_settings(path, values, fields, findings, reserved=("type",))
        entries[label] = Entry(label, name, fields, given)
    return entries


def read_torsos(
    raw: Any,
    inputs: tuple[str, ...] | None,
    catalogue: Catalogue,
    findings: Findings,
    path: Sequence[str | Path] | None,
) -> dict[str, Entry]:
    """The entries of `entries.torsos` that could be typed. `inputs` are the protocol's, None where not known."""
    entries = {}
    for label, values in mappings(raw):
        where = (*TORSOS, label)
        name = values.get("type", label)
        read = read_torso(where, values, name, catalogue, findings, path, reserved=TORSO_KEYS)
        if read is None:
            continue
        fields, given = read
        if values.get("role", "control") not in ROLES:
            findings.add((*where, "role"), "unknown role", values["role"], list(ROLES), "or leave it out")
        entries[label] = Entry(
            label, name, fields, given, _torso_inputs(where, values, inputs, findings), values.get("role")
        )
    return entries


def read_torso(where: KeyPath, values, name, catalogue: Catalogue, findings: Findings, path=None, reserved=()):
    """The fields of a torso's type and the settings written, typed; None after reporting that there is no such type."""
    fields, untyped = _torso_fields(where, values, name, catalogue, findings, path)
    if fields is None:
        return None
    kept = {key: value for key, value in values.items() if key not in untyped}
    for key in values.keys() & set(untyped):
        message = f"a field of {name} that cannot be written in a suite; it keeps its default"
        findings.add((*where, key), message, values[key], fix="leave it out")
    return fields, type_settings(where, kept, fields, findings, reserved=reserved)


def type_settings(
    path: KeyPath, values: Mapping[str, Any], fields: Mapping[str, FieldSpec], findings: Findings, reserved=()
) -> dict[str, Any]:
    """The written settings, typed; unknown, ill-typed and missing ones are reported."""
    given = {}
    for key, value in values.items():
        if key in reserved:
            continue
        if key in fields:
            typed = type_setting((*path, key), value, fields[key], findings)
            if typed is not None:
                given[key] = typed[0]
        elif key == "gamma":
            findings.add((*path, key), "the discount is part of the protocol", value, fix="set protocol.discount")
        else:
            allowed = [*fields, *reserved]
            findings.add((*path, key), "unknown key", value, allowed, did_you_mean(key, allowed))
    for name, spec in fields.items():
        if spec.required and name not in values and not is_width(name, spec):
            findings.add((*path, name), f"missing; it is a {spec.type} and has no default", fix=f"add {name}: ...")
    return given


def type_setting(path: KeyPath, value: Any, spec: FieldSpec, findings: Findings) -> tuple[Any] | None:
    """`(value,)` typed, or None after reporting why not."""
    try:
        return (coerce(value, spec.type),)
    except CoerceError as error:
        fix = None if spec.required else f"default: {spec.default if spec.default is not None else 'null'}"
        findings.add(path, str(error), value, fix=fix)
        return None


def read_kwargs(raw: Any, catalogue: Catalogue, findings: Findings) -> dict[str, dict[str, Any]]:
    """Per task the keyword arguments given, typed, after checking id and version; unknown tasks are left out.

    Defaults are not filled in: they belong to the task's version, and a new option must not orphan old records.
    """
    result = {}
    for label, values in mappings(raw):
        path, name = ("tasks", label), values.get("id")
        if not isinstance(name, str):
            continue  # the schema says so
        spec = catalogue.tasks.get(name)
        if spec is None:
            allowed = list(catalogue.tasks)
            findings.add((*path, "id"), "unknown task", name, allowed, did_you_mean(name, allowed))
            continue
        version = values.get("task_version")
        if isinstance(version, str) and version.isdecimal() and int(version) != spec.task_version:
            message = f"this library has version {spec.task_version} of {name}"
            fix = f"make a new version of the suite with task_version: {spec.task_version}"
            findings.add((*path, "task_version"), message, version, fix=fix)
        kwargs = values.get("kwargs", {})
        given = type_settings((*path, "kwargs"), kwargs if isinstance(kwargs, dict) else {}, spec.parameters, findings)
        result[label] = given
    return result


def mappings(raw: Any) -> list[tuple[str, dict]]:
    """The entries that are mappings; what is none is reported by the schema."""
    return (
        [(label, values) for label, values in raw.items() if isinstance(values, dict)] if isinstance(raw, dict) else []
    )


def _torso_fields(where, values, name, catalogue: Catalogue, findings: Findings, path):
    if not isinstance(name, str):
        findings.add((*where, "type"), "expected a name", name)
        return None, ()
    if is_user_path(name):
        read = read_user_torso(name, path)
        if isinstance(read, Problem):
            findings.add((*where, "type"), read.message, name, read.allowed, read.fix)
            return None, ()
        return read.fields, read.untyped
    if name in catalogue.torsos:
        return catalogue.torsos[name].fields, ()
    _unknown_type(where, "torso", values, name, [*catalogue.torsos, "your_module:Class"], findings)
    return None, ()


def _unknown_type(path: KeyPath, kind: str, values: dict, name: Any, allowed: list[str], findings: Findings) -> None:
    where = (*path, "type") if "type" in values else path
    fix = did_you_mean(name, allowed) if isinstance(name, str) else None
    findings.add(where, f"unknown {kind} '{name}'", values.get("type"), allowed, fix)


def _torso_inputs(where: KeyPath, values: dict, protocol: tuple[str, ...] | None, findings: Findings):
    """The torso's own inputs, a part of the protocol's: an entry that sees more would not be comparable."""
    if "inputs" not in values:
        return None
    try:
        inputs = as_inputs(values["inputs"])
    except CoerceError as error:
        findings.add((*where, "inputs"), str(error), values["inputs"])
        return None
    more = [name for name in inputs if protocol is not None and name not in protocol]
    if more:
        message = f"'{more[0]}' is not among protocol.inputs"
        findings.add((*where, "inputs"), message, values["inputs"], list(protocol), "remove it here or add it there")
    return inputs
