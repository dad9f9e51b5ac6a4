"""`entries.overrides` and their types: settings that differ where a condition on the labels holds."""

from collections.abc import Iterable, Mapping
from typing import Any

from memorax_bench.errors import did_you_mean
from memorax_bench.suite.entries import Entry, type_setting
from memorax_bench.suite.grid import Change
from memorax_bench.suite.schema import NetworkSettings, Override
from memorax_bench.suite.yaml_source import Findings, KeyPath


def read_changes(
    overrides: Mapping[int, Override],
    known: Mapping[str, Iterable[str]],
    entries: Mapping[str, Mapping[str, Entry]],
    findings: Findings,
) -> tuple[Change, ...]:
    """The overrides, by their place in the list, with their values typed; what names nothing is reported.

    `known` has the labels per axis (`task`, `algorithm`, `torso`), `entries` what could be typed of the last two.
    """
    changes = []
    for index, override in overrides.items():
        path = ("entries", "overrides", index)
        for axis, labels in override.when.items():
            names = list(known[axis])
            for label in labels:
                if label not in names:
                    fix = did_you_mean(label, names)
                    findings.add((*path, "when", axis), f"no {axis} '{label}'", label, names, fix)
        values = {}
        for key, value in override.set.items():
            typed = _typed_value((*path, "set", key), key, value, override, entries, findings)
            if typed is not None:
                section, _, name = key.partition(".")
                values[section, name] = typed
        changes.append(Change(override.when, values))
    return tuple(changes)


def _typed_value(path: KeyPath, key: str, value: Any, override: Override, entries, findings: Findings) -> dict | None:
    section, _, name = key.partition(".")
    if section == "network":
        return _typed_network(path, name, value, findings)
    if section not in entries:
        allowed = ["algorithm.<setting>", "torso.<setting>", "network.<setting>"]
        findings.add(path, "an override sets something of the algorithm, torso or network", value, allowed)
        return None
    matched = [
        entry for entry in entries[section].values() if entry.label in override.when.get(section, (entry.label,))
    ]
    takers = [entry for entry in matched if name in entry.fields]
    if not takers:
        allowed = sorted({field for entry in matched for field in entry.fields})
        findings.add(path, f"no matching {section} has a setting '{name}'", value, allowed, did_you_mean(name, allowed))
        return None
    typed = {entry.label: type_setting(path, value, entry.fields[name], findings) for entry in takers}
    return None if None in typed.values() else {label: found[0] for label, found in typed.items()}


def _typed_network(path: KeyPath, name: str, value: Any, findings: Findings) -> dict | None:
    if name not in NetworkSettings.model_fields:
        allowed = list(NetworkSettings.model_fields)
        findings.add(path, f"network has no setting '{name}'", value, allowed, did_you_mean(name, allowed))
        return None
    try:
        settings = NetworkSettings.model_validate({name: value})
    except ValueError:
        findings.add(path, f"not a value for network.{name}", value)
        return None
    return {"": settings.model_dump(mode="json")[name]}
