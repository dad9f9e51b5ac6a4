"""What a task is changed to: to be shown what it hides (`oracle`), and to test agents trained on it (`extrapolate`).

Both are the same task with some of its options replaced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from memorax_bench.suite.catalogue import Catalogue, TaskSpec
from memorax_bench.suite.entries import mappings, type_settings
from memorax_bench.suite.yaml_source import Findings

Kwargs = Mapping[str, Any]


@dataclass(frozen=True)
class Variants:
    """The options that are replaced, typed: those of the oracle (None: the task has none), and by label those of each
    extrapolation, in the order of the suite."""

    oracle: Kwargs | None = None
    extrapolate: Mapping[str, Kwargs] = field(default_factory=dict)


def read_variants(raw: Any, kwargs: Mapping[str, Kwargs], catalogue: Catalogue, findings: Findings) -> dict:
    """Task label -> Variants, of every task whose own options `kwargs` could be read; what is wrong is reported.

    An extrapolation that changes what an agent observes, or how it can act, is refused.
    """
    result = {}
    for label, values in mappings(raw):
        if label not in kwargs:
            continue
        spec, path = catalogue.tasks[values["id"]], ("tasks", label)
        oracle = values.get("oracle")
        if isinstance(oracle, dict):
            oracle = type_settings((*path, "oracle"), oracle, spec.parameters, findings)
        elsewhere = {}
        for name, there in mappings(values.get("extrapolate")):
            given = there.get("kwargs")
            where = (*path, "extrapolate", name, "kwargs")
            if isinstance(given, dict):
                elsewhere[name] = type_settings(where, given, spec.parameters, findings)
                _refuse_other_spaces(where, elsewhere[name], kwargs[label], spec, findings)
        result[label] = Variants(oracle if isinstance(oracle, dict) else None, elsewhere)
    return result


def put_variants(task: dict[str, Any], variants: Variants) -> None:
    """Replaces in the plain data of a task what its variants say as written by what they say typed."""
    if variants.oracle is not None:
        task["oracle"] = dict(variants.oracle)
    for name, given in variants.extrapolate.items():
        task["extrapolate"][name]["kwargs"] = dict(given)


def _refuse_other_spaces(where, given: Kwargs, own: Kwargs, spec: TaskSpec, findings: Findings) -> None:
    """By the options of which the catalogue knows that they change a space; `run` compares the spaces themselves."""
    for name in given.keys() & set(spec.shaped_by):
        before = own.get(name, spec.parameters[name].default)
        if given[name] != before:
            message = f"changes the observation or action space; agents are trained with {name} = {before}"
            findings.add(
                (*where, name), message, given[name], fix="an agent is tested where both spaces stay as they are"
            )
