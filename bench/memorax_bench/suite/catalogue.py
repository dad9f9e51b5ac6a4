"""What the library offers, read from `catalogue.json` without importing jax.

The file is generated (`memorax-bench catalogue --write`) and holds, each sorted by name:

- `algorithms`: name -> `class` and `config_class` (`module:Class`), `fields` (of the Config), `optimizer` (a key of
  `optimizers`), `actions` (kinds of action space it can act in), `update_size` (fields whose product is the
  environment steps of one update), `divides` (field -> the field that it must divide), `replays` (whether it learns
  from what it acted before);
- `optimizers`: kind -> fields that an entry of such an algorithm takes as well;
- `torsos`: name -> `class`, `config_class` (or null), `wrapper` (a key of `wrappers`; null: it needs none), `about`,
  `paper` (authors, year and arXiv number, or ""), `fields`;
- `tasks`: id -> `module`, `action_kind`, `observation`, `action` (spaces as text), `episode_length` (longest episode,
  or null), `task_version`, `package`, `source`, `memory` (what has to be remembered, or ""), `quirks`, `parameters`
  (keyword arguments that `make` takes for this id), `shaped_by` (those of them that change its spaces);
- `wrappers`: kind of torso -> the module that makes a sequence model of it.

A field is `{"type": "int | None", "default": null, "doc": ""}`, or `"required": true` in place of a default.
"""

import functools
import json
from pathlib import Path
from typing import Any

from pydantic import Field, JsonValue

from memorax_bench.suite.schema import Closed

CATALOGUE_FILE = Path(__file__).with_name("catalogue.json")


class FieldSpec(Closed):
    """A setting: its type as text, its default unless required, what it is."""

    type: str
    required: bool = False
    default: JsonValue = None
    doc: str = ""


class AlgorithmSpec(Closed):
    """An algorithm of the registry."""

    class_path: str = Field(alias="class")
    config_class: str
    fields: dict[str, FieldSpec]
    optimizer: str
    actions: tuple[str, ...]
    update_size: tuple[str, ...]
    divides: dict[str, str] = Field(default_factory=dict)
    replays: bool


class TorsoSpec(Closed):
    """A torso of the registry."""

    class_path: str = Field(alias="class")
    config_class: str | None = None
    wrapper: str | None
    about: str = ""
    paper: str = ""
    fields: dict[str, FieldSpec]


class TaskSpec(Closed):
    """An environment, by its id."""

    module: str
    action_kind: str
    observation: str
    action: str
    episode_length: int | None
    task_version: int
    package: str
    source: str
    memory: str = ""
    quirks: tuple[str, ...] = ()
    parameters: dict[str, FieldSpec] = Field(default_factory=dict)
    shaped_by: tuple[str, ...] = ()


class Catalogue(Closed):
    """Everything that can be named in a suite."""

    schema_version: int = Field(alias="schema")
    algorithms: dict[str, AlgorithmSpec]
    optimizers: dict[str, dict[str, FieldSpec]]
    torsos: dict[str, TorsoSpec]
    tasks: dict[str, TaskSpec]
    wrappers: dict[str, str]

    def algorithm_fields(self, name: str) -> dict[str, FieldSpec]:
        """The settings of an algorithm entry: its Config's fields and the optimizer's, without `gamma`.

        The discount is part of the protocol (`protocol.discount`), so that all entries maximise the same return.
        """
        algorithm = self.algorithms[name]
        fields = {**algorithm.fields, **self.optimizers[algorithm.optimizer]}
        return {key: spec for key, spec in fields.items() if key != "gamma"}


@functools.cache
def load_catalogue(file: Path = CATALOGUE_FILE) -> Catalogue:
    """The catalogue that ships with the package."""
    return Catalogue.model_validate(json.loads(file.read_text(encoding="utf-8")))


def encode_catalogue(data: dict[str, Any]) -> str:
    """The text of catalogue.json: checked, sorted, one spelling, so that a test can compare it."""
    checked = Catalogue.model_validate(data).model_dump(mode="json", by_alias=True)
    return json.dumps(_without_defaults(checked), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _without_defaults(value: Any) -> Any:
    """Drops `required: false`, the default of a required field and empty docs: they say nothing."""
    if not isinstance(value, dict):
        return value
    pruned = {key: _without_defaults(child) for key, child in value.items()}
    if {"type", "required", "default", "doc"} == pruned.keys():
        drop = "default" if pruned["required"] else "required"
        pruned = {key: child for key, child in pruned.items() if key != drop and (key, child) != ("doc", "")}
    return pruned
