"""Writes the catalogue: what the library offers, read off its classes (see `catalogue` for the contents).

This is the one module that looks at everything at once, so it needs jax and every environment library; the result is
a file that needs neither.
"""

import dataclasses
import inspect
import io
import re
import sys
import tokenize
import types
import typing
from collections.abc import Callable
from typing import Any

from memorax import registry
from memorax.environments import make
from memorax.environments.spaces import Box, Dict, Discrete, MultiDiscrete, Space, Tuple
from memorax.environments.tasks import Option, Task
from memorax.networks.sequence_models.base import WRAPPERS, wrapper_of
from memorax_bench.cell.optimizers import OPTIMIZERS
from memorax_bench.suite.catalogue import encode_catalogue

_KINDS = {Discrete: "discrete", MultiDiscrete: "multi_discrete", Box: "continuous"}


def catalogue_text() -> str:
    """The text of catalogue.json for the installed library."""
    return encode_catalogue(
        {
            "schema": 1,
            "algorithms": {name: _algorithm(path) for name, path in registry.ALGORITHMS.items()},
            "optimizers": {kind: fields_of(config) for kind, config in OPTIMIZERS.items()},
            "torsos": {name: _torso(path) for name, path in registry.SEQUENCE_MODELS.items()},
            "tasks": _tasks(),
            "wrappers": {name: path.partition(":")[0] for name, path in WRAPPERS.items()},
        }
    )


def _algorithm(path: str) -> dict[str, Any]:
    algorithm = registry.resolve(path)
    return {
        "class": path,
        "config_class": f"{path}Config",
        "fields": fields_of(registry.resolve(f"{path}Config")),
        "optimizer": algorithm.optimizer_kind,
        "actions": algorithm.action_kinds,
        "update_size": algorithm.update_size,
        "divides": algorithm.divides,
        "replays": algorithm.replays,
    }


def _torso(path: str) -> dict[str, Any]:
    module = registry.resolve(path)
    text = inspect.cleandoc(sys.modules[module.__module__].__doc__)
    config = next(field.type for field in dataclasses.fields(module) if field.name == "config")
    return {
        "class": path,
        "config_class": f"{config.__module__}:{config.__name__}",
        "wrapper": wrapper_of(module),
        "about": text.partition("\n")[0],
        "paper": paper_of(text),
        "fields": fields_of(config),
    }


def paper_of(docstring: str) -> str:
    """`Cho et al. 2014, arXiv 1406.1078` of the first source that a docstring names; "" where it names none."""
    source = re.search(r"Source:\s+(.+?\b\d{4})\b(.*?)(?:;|\n\n|$)", docstring, re.DOTALL)
    if source is None:
        return ""
    number = re.search(r"arXiv\s+\d{4}\.\d{4,5}", source[2])
    return ", ".join(" ".join(part.split()) for part in (source[1], number[0] if number else "") if part)


def _tasks() -> dict[str, Any]:
    """Every task of every namespace, by "namespace::id"."""
    return {
        f"{namespace}::{name}": _task(f"{namespace}::{name}", task)
        for namespace, module in registry.ENVIRONMENTS.items()
        for name, task in registry.resolve(f"{module}:tasks")().items()
    }


def _task(task_id: str, task: Task) -> dict[str, Any]:
    env, params = make(task_id)
    observation, action = env.observation_space(params), env.action_space(params)
    return {
        "module": task.module,
        "action_kind": _KINDS.get(type(action), "composite"),
        "observation": describe(observation),
        "action": describe(action),
        "episode_length": env.max_episode_steps(params),
        "task_version": task.version,
        "package": task.package,
        "source": task.source,
        "memory": task.memory,
        "quirks": task.quirks,
        "parameters": {
            name: {"type": type_name(option.type), "default": option.default, "doc": option.doc}
            for name, option in task.options.items()
        },
        "shaped_by": [name for name in task.options if _shapes(task_id, name, task.options[name], observation, action)],
    }


# Options that change no space, and cost much to try: limits of time, engines of physics.
_SHAPELESS = ("episode_length", "max_steps", "max_steps_in_episode", "backend")
_WORDS = {"observation": ("state", "full"), "observe": ("positions",), "deck_type": ("suits", "colors", "ranks")}


def _shapes(task_id: str, name: str, option: Option, observation: Space, action: Space) -> bool:
    """Whether some other value of an option changes a space. What cannot be tried is taken to do so."""
    if name in _SHAPELESS:
        return False
    tried = False
    for value in _other_values(name, option.default):
        try:
            env, params = make(task_id, **{name: value})
        except ValueError:
            continue  # not a value of this option
        tried = True
        if (env.observation_space(params), env.action_space(params)) != (observation, action):
            return True
    return not tried


def _other_values(name: str, default: Any) -> tuple[Any, ...]:
    match default:
        case bool():
            return (not default,)
        case int() | float():
            return (2 * default, default + 1, default / 2 if isinstance(default, float) else default - 1)
        case None:
            return (1, 8, 64)
    return tuple(word for word in _WORDS.get(name, ()) if word != default)


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
