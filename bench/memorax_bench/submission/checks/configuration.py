"""The open part: the entry's own settings are complete, of their types, and fit the protocol."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from memorax_bench.submission.checks.subject import Subject, section
from memorax_bench.submission.findings import Said
from memorax_bench.suite.catalogue import Catalogue, FieldSpec, load_catalogue
from memorax_bench.suite.checks import check_schedules, check_updates
from memorax_bench.suite.coerce import CoerceError, coerce
from memorax_bench.suite.schema import NetworkSettings
from memorax_bench.suite.user_torso import is_user_path
from memorax_bench.suite.yaml_source import Findings

_SECTIONS = {
    "task": None,
    "algorithm": {"type", "settings"},
    "torso": {"type", "settings", "inputs"},
    "network": None,
    "protocol": None,
}


def is_external(config: Mapping[str, Any]) -> bool:
    """Whether a configuration needs code that is not this library's. Such an entry is never executed, nor ranked."""
    return any(is_user_path(str(section(config, part).get("type"))) for part in ("algorithm", "torso"))


def configuration(subject: Subject) -> Said:
    """Sections, settings by the catalogue, network, and batches that fit budgets."""
    config, catalogue = subject.config, load_catalogue()
    if config.keys() != _SECTIONS.keys() or any(not isinstance(config[name], Mapping) for name in _SECTIONS):
        yield "cell.config", f"its sections are to be {', '.join(_SECTIONS)}"
        return
    for name, keys in _SECTIONS.items():
        if keys is not None and (config[name].keys() != keys or not isinstance(config[name]["settings"], Mapping)):
            yield f"cell.config.{name}", f"its keys are to be {', '.join(sorted(keys))}"
            return
    wrong = [*_settings(config, catalogue), *_network(config["network"])]
    yield from wrong
    if not wrong and not is_external(config):
        yield from _fitting(subject, catalogue)
    user = subject.record.code.user_module_sha256 is not None
    if user != is_external(config):
        yield "code.user_module_sha256", "there is one exactly where the algorithm or the torso is a user's own"


def _settings(config: Mapping[str, Any], catalogue: Catalogue) -> Said:
    known = {
        "algorithm": lambda name: catalogue.algorithm_fields(name) if name in catalogue.algorithms else None,
        "torso": lambda name: catalogue.torsos[name].fields if name in catalogue.torsos else None,
    }
    for part, fields_of in known.items():
        name, settings = config[part]["type"], config[part]["settings"]
        where = f"cell.config.{part}"
        fields = fields_of(name) if isinstance(name, str) else None
        if fields is not None:
            yield from _typed(f"{where}.settings", settings, fields)
        elif not (isinstance(name, str) and is_user_path(name)):
            yield f"{where}.type", f"{name} is no {part} of this library, nor a module:Class"


def _typed(where: str, settings: Mapping[str, Any], fields: Mapping[str, FieldSpec]) -> Said:
    for name in sorted(settings.keys() ^ fields.keys()):
        yield f"{where}.{name}", "unknown" if name in settings else "missing; a record has every setting"
    for name in sorted(settings.keys() & fields.keys()):
        value, spec = settings[name], fields[name]
        try:
            typed = coerce(value, spec.type)
        except CoerceError as error:
            if value != spec.default:  # of a type that cannot be written, only the default is possible
                yield f"{where}.{name}", f"{value}: {error}"
            continue
        if isinstance(value, str) != isinstance(typed, str):
            yield f"{where}.{name}", f"{value!r} is text; it is to be a {spec.type}"


def _network(network: Any) -> Said:
    try:
        plain = NetworkSettings.model_validate(network).model_dump(mode="json")
    except ValidationError as error:
        for item in error.errors():
            yield ".".join(map(str, ("cell.config.network", *item["loc"]))), item["msg"]
        return
    for name in sorted(plain.keys() ^ network.keys()):
        yield f"cell.config.network.{name}", "missing; a record has every setting"
    for name in sorted(plain.keys() & network.keys()):
        if plain[name] != network[name] or isinstance(plain[name], bool) != isinstance(network[name], bool):
            yield f"cell.config.network.{name}", f"{network[name]!r} is to be {plain[name]!r}"


def _fitting(subject: Subject, catalogue: Catalogue) -> Said:
    """Updates into evaluations, minibatches into batches, schedules into budgets."""
    findings, config = Findings({}), subject.config
    label = subject.record.cell.algorithm
    try:
        check_updates([(label, config)], catalogue, findings)
        check_schedules([(label, config)], findings)
    except (KeyError, TypeError, ZeroDivisionError):  # of a protocol that is none, which `protocol` refuses
        return
    for problem in findings.problems:
        where, _, name = (problem.key or "").rpartition(".")
        # What is not a multiple of an update is the protocol's, so that the update does not fit it.
        leaf = "" if where == "protocol" else f".{name}"
        yield f"cell.config.algorithm.settings{leaf}", f"{name} = {problem.value}: {problem.message}"
