"""Asks the library's own classes whether they take the settings of every cell, before anything is compiled."""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from memorax.algorithms.checks import check_same_spaces
from memorax.environments import make
from memorax.environments.types import Environment
from memorax_bench.cell.build import build_algorithm_config, build_optimizer_config, build_torso, extrapolations
from memorax_bench.errors import UsageProblems
from memorax_bench.suite.entries import ALGORITHMS, TORSOS
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.yaml_source import Findings, KeyPath

_PLACE = re.compile(r"^\w+: ")  # `PPOConfig: `: the suite's key says it better
_SETTING = re.compile(r"\w+ = ")


def refuse_settings(suite: ResolvedSuite) -> None:
    """Raises UsageProblems with every setting that the library refuses.

    Other errors than `ValueError` are those of a user's own module: they cost its cells alone, when these are run.
    """
    findings = Findings(suite.origins)
    for cell in suite.cells:
        for path, settings, construct in _parts(cell):
            with suppress(Exception):
                try:
                    construct()
                except ValueError as error:
                    for message in _messages(error):
                        key = _culprit(message, path, settings, findings)
                        findings.add(key, message, settings.get(key[-1]))
    if findings.problems:
        raise UsageProblems(findings.problems)


def _parts(cell: Cell) -> Iterator[tuple[KeyPath, Mapping[str, Any], Callable[[], Any]]]:
    """(where it stands in the suite, its settings, how it is made) of everything a cell consists of."""
    task, algorithm, torso, protocol = (cell.config[name] for name in ("task", "algorithm", "torso", "protocol"))
    where = (*ALGORITHMS, cell.algorithm_label)
    yield ("tasks", cell.task_label, "kwargs"), task["kwargs"], lambda: make(task["id"], **task["kwargs"])
    yield where, algorithm["settings"], lambda: build_algorithm_config(algorithm, protocol["discount"])
    yield where, algorithm["settings"], lambda: build_optimizer_config(algorithm)
    yield (*TORSOS, cell.torso_label), torso["settings"], lambda: build_torso(torso)
    for label, kwargs in extrapolations(cell.config).items():
        where = ("tasks", cell.task_label, "extrapolate", label, "kwargs")
        yield where, kwargs, functools.partial(_make_elsewhere, task["id"], task["kwargs"], kwargs)


def _make_elsewhere(task_id: str, own: Mapping[str, Any], kwargs: Mapping[str, Any]) -> tuple[Environment, Any]:
    """Raises `ValueError` where an agent of the task could not act there."""
    (home, home_params), (env, params) = make(task_id, **own), make(task_id, **kwargs)
    check_same_spaces(home.observation_space(home_params), home.action_space(home_params), env, params)
    return env, params


def _messages(error: ValueError) -> list[str]:
    """One a problem: a config says all it has in one error, `PPOConfig: a = -1 must be ...; b = 2 must be ...`."""
    text = _PLACE.sub("", str(error))
    parts = text.split("; ")
    return parts if all(_SETTING.match(part) for part in parts) else [text]


def _culprit(message: str, path: KeyPath, settings: Mapping[str, Any], findings: Findings) -> KeyPath:
    """The path of the setting that the message names last, a written one if there is; else that of the whole."""
    places = {(*path, name): [m.start() for m in re.finditer(rf"\b{re.escape(name)}\b", message)] for name in settings}
    named = sorted((key for key, found in places.items() if found), key=lambda key: places[key][-1])
    written = [key for key in named if key in findings.origins]
    return (written or named or [path])[-1]
