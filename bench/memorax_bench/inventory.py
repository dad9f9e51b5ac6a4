"""Writes the catalogue: what the library offers, read off its classes (see `catalogue` for the contents).

This is the one module that looks at everything at once, so it needs jax and every environment library; the result is
a file that needs neither.
"""

import dataclasses
import inspect
import io
import tokenize
import types
import typing
from collections.abc import Callable
from typing import Any

from memorax import registry
from memorax.environments import make, popgym
from memorax.environments.spaces import Box, Dict, Discrete, MultiDiscrete, Space, Tuple
from memorax.networks.sequence_models.base import WRAPPERS, wrapper_of
from memorax_bench.build import OptimizerConfig
from memorax_bench.catalogue import encode_catalogue

DOWNLOADS_DATA = {"MNISTBandit-bsuite"}  # fetches its images when it is made, so it cannot be listed offline
_KINDS = {Discrete: "discrete", MultiDiscrete: "multi_discrete", Box: "continuous"}


def catalogue_text() -> str:
    """The text of catalogue.json for the installed library."""
    return encode_catalogue(
        {
            "schema": 1,
            "algorithms": {name: _algorithm(path) for name, path in registry.ALGORITHMS.items()},
            "optimizer": fields_of(OptimizerConfig),
            "torsos": {name: _torso(path) for name, path in registry.SEQUENCE_MODELS.items()},
            "tasks": {**_popgym_tasks(), **_gymnax_tasks()},
            "wrappers": {name: path.partition(":")[0] for name, path in WRAPPERS.items()},
        }
    )


def _algorithm(path: str) -> dict[str, Any]:
    algorithm = registry.resolve(path)
    return {
        "class": path,
        "config_class": f"{path}Config",
        "fields": fields_of(registry.resolve(f"{path}Config")),
        "actions": algorithm.action_kinds,
        "update_size": algorithm.update_size,
        "divides": algorithm.divides,
    }


def _torso(path: str) -> dict[str, Any]:
    module = registry.resolve(path)
    config = next(field.type for field in dataclasses.fields(module) if field.name == "config")
    return {
        "class": path,
        "config_class": f"{config.__module__}:{config.__name__}",
        "wrapper": wrapper_of(module) or "sequence_model",
        "fields": fields_of(config),
    }


def _popgym_tasks() -> dict[str, Any]:
    tasks = {}
    for name, (path, fixed) in popgym.TASKS.items():
        create = registry.resolve(f"{popgym.__name__}.{path}").create
        parameters = {
            parameter.name: {"type": type_name(parameter.annotation), "default": parameter.default}
            for parameter in inspect.signature(create).parameters.values()
            if parameter.name not in fixed
        }
        parameters["observation"] = {"type": "str", "default": "partial", "doc": "or state: nothing is hidden"}
        tasks[f"popgym::{name}"] = _task(f"popgym::{name}", f"{popgym.__name__}.{path}", "memorax-bench", parameters)
    return tasks


def _gymnax_tasks() -> dict[str, Any]:
    import gymnax

    return {
        f"gymnax::{name}": _task(
            f"gymnax::{name}", "memorax.environments.gymnax", "gymnax", _scalars(gymnax.make(name)[1])
        )
        for name in gymnax.registered_envs
        if name not in DOWNLOADS_DATA
    }


def _scalars(params: Any) -> dict[str, Any]:
    """The numeric fields of an environment's parameters, with their defaults."""
    values = {field.name: getattr(params, field.name) for field in dataclasses.fields(params)}
    return {
        name: {"type": type(value).__name__, "default": value}
        for name, value in values.items()
        if isinstance(value, bool | int | float)
    }


def _task(task_id: str, module: str, package: str, parameters: dict[str, Any]) -> dict[str, Any]:
    env, params = make(task_id)
    observation, action = env.observation_space(params), env.action_space(params)
    return {
        "module": module.partition(":")[0],
        "action_kind": _KINDS.get(type(action), "composite"),
        "observation": describe(observation),
        "action": describe(action),
        "episode_length": env.max_episode_steps(params),
        "task_version": getattr(env, "task_version", 1),
        "package": package,
        "parameters": parameters,
    }


def describe(space: Space) -> str:
    """`Discrete(4)`, `MultiDiscrete([3] * 52)`, `Box(3)`, `Tuple(Discrete(2), ...)`: short enough for a table."""
    match space:
        case Discrete():
            return f"Discrete({space.n})"
        case MultiDiscrete() if len(set(space.nvec)) == 1 < len(space.nvec):
            return f"MultiDiscrete([{space.nvec[0]}] * {len(space.nvec)})"
        case MultiDiscrete():
            return f"MultiDiscrete({list(space.nvec)})"
        case Box():
            return f"Box({','.join(map(str, space.shape))})"
        case Tuple():
            return f"Tuple({', '.join(map(describe, space.spaces))})"
        case Dict():
            return f"Dict({', '.join(f'{name}: {describe(part)}' for name, part in space.spaces)})"
    raise ValueError(f"no words for the space {space!r}")


def fields_of(config: type) -> dict[str, Any]:
    """The fields of a Config: type, default, and the comment behind each as its meaning."""
    comments = _comments(config)
    fields = {}
    for field in dataclasses.fields(config):
        required = field.default is dataclasses.MISSING
        value = {"required": True} if required else {"default": field.default}
        fields[field.name] = {"type": type_name(field.type), "doc": comments[field.name], **value}
    return fields


def type_name(annotation: Any) -> str:
    """`int`, `float | None`, `list[int]` as text."""
    if isinstance(annotation, types.UnionType):
        return " | ".join(type_name(part) for part in typing.get_args(annotation))
    if annotation is types.NoneType:
        return "None"
    return str(annotation) if typing.get_origin(annotation) else annotation.__name__


def _comments(config: type) -> dict[str, str]:
    """field -> the comment on its line; `ValueError` for a field without one: it would be unexplained."""
    names = {field.name for field in dataclasses.fields(config)}
    comments: dict[str, str] = {}
    line: list[tokenize.TokenInfo] = []
    read: Callable[[], str] = io.StringIO(inspect.cleandoc(inspect.getsource(config))).readline
    for token in tokenize.generate_tokens(read):
        if token.type == tokenize.COMMENT and line and line[0].string in names:
            comments.setdefault(line[0].string, token.string.removeprefix("#").strip())
        line = [] if token.type in (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT) else [*line, token]
    missing = sorted(names - comments.keys())
    if missing:
        raise ValueError(f"{config.__name__}: {missing} need a comment on their line that says what they are")
    return comments
