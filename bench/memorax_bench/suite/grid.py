"""From typed sections to the grid of cells: what each cell is, fully resolved, and which combinations do not exist."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memorax_bench.identity import UNTUNED, config_hash
from memorax_bench.suite.catalogue import Catalogue
from memorax_bench.suite.checks import check_schedules, check_updates
from memorax_bench.suite.entries import ALGORITHMS, TORSOS, Entry
from memorax_bench.suite.overrides import Selection
from memorax_bench.suite.schema import NetworkSettings, Protocol, Task, Tuning
from memorax_bench.suite.tracks import TrackChoice, entry_name
from memorax_bench.suite.user_torso import is_user_path
from memorax_bench.suite.variants import Variants
from memorax_bench.suite.yaml_source import Findings

HARNESS_MODULES = (
    *("memorax_bench.cell.build", "memorax_bench.cell.optimizers"),
    *("memorax_bench.cell.runner", "memorax_bench.cell.scoring"),
)
EXTRAPOLATES = "memorax_bench.cell.extrapolation"  # behind the cells that do
NO_ORACLE = "the suite does not say what its oracle sees"


@dataclass(frozen=True)
class Cell:
    """One task, algorithm and torso. `config` is plain data with every default filled in; `role` is `control`, `oracle`
    or None.

    `task` holds the bounds, which are not part of `config`: they judge numbers and do not change them. Nor is the
    `track`, which says how the settings were found; `tuning` is what that took (None on lr4: it was not done yet).
    """

    task_label: str
    algorithm_label: str
    torso_label: str
    role: str | None
    task: Task
    config: Mapping[str, Any]
    track: str = UNTUNED
    tuning: Tuning | None = None

    @property
    def labels(self) -> tuple[str, str, str]:
        """(task, algorithm, torso)."""
        return self.task_label, self.algorithm_label, self.torso_label

    @functools.cached_property
    def config_hash(self) -> str:
        """The identity of `config`."""
        return config_hash(self.config)


@dataclass(frozen=True)
class NotApplicable:
    """A combination that cannot exist, and why: of every torso, or of one."""

    task_label: str
    algorithm_label: str
    reason: str
    torso_label: str | None = None

    @property
    def name(self) -> str:
        """As on the screen: `swing ppo`, `swing ppo/oracle`."""
        return f"{self.task_label} {self.algorithm_label}{'' if self.torso_label is None else f'/{self.torso_label}'}"


@dataclass(frozen=True)
class Change:
    """A typed entry of `overrides`: `values` is (section, name) -> label -> value (label '' for network)."""

    when: Mapping[str, tuple[str, ...]]
    values: Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True)
class Parts:
    """The typed sections a grid is made of. Tasks are those that the catalogue knows, their keyword arguments typed."""

    protocol: Protocol
    tasks: Mapping[str, Task]
    network: NetworkSettings
    algorithms: Mapping[str, Entry]
    torsos: Mapping[str, Entry]
    changes: tuple["Change", ...]
    variants: Mapping[str, Variants]
    selections: Mapping[str, Selection]
    track: TrackChoice


def make_grid(
    parts: Parts, catalogue: Catalogue, findings: Findings
) -> tuple[tuple[Cell, ...], tuple[NotApplicable, ...]]:
    """The cells in the order task, algorithm, torso, and the combinations left out; problems go to `findings`."""
    chosen = {
        axis: [label for label in parts.selections[axis].apply(entries) if label in entries]
        for axis, entries in (("tasks", parts.tasks), ("algorithms", parts.algorithms), ("torsos", parts.torsos))
    }
    for axis, labels in chosen.items():
        if not labels and getattr(parts, axis):
            findings.add((), f"no {axis} left", fix=f"choose at least one of: {', '.join(getattr(parts, axis))}")
    cells, missing = [], []
    for task_label in chosen["tasks"]:
        for algorithm_label in chosen["algorithms"]:
            reason = why_not(parts.tasks[task_label], parts.algorithms[algorithm_label].type, catalogue)
            if reason is not None:
                missing.append(NotApplicable(task_label, algorithm_label, reason))
                continue
            for torso_label in chosen["torsos"]:
                labels = (task_label, algorithm_label, torso_label)
                if parts.torsos[torso_label].role == "oracle" and parts.variants[task_label].oracle is None:
                    missing.append(NotApplicable(task_label, algorithm_label, NO_ORACLE, torso_label))
                else:
                    cells.append(_cell(labels, parts))
    _refuse_empty_rows(chosen, [pair for pair in missing if pair.torso_label is None], parts, findings)
    _refuse_blind_oracles(chosen, parts, findings)
    configs = [(cell.algorithm_label, cell.config) for cell in cells]
    check_updates(configs, catalogue, findings)
    check_schedules(configs, findings)
    return tuple(cells), tuple(missing)


def cell_roots(cell: Cell, catalogue: Catalogue) -> tuple[str, ...]:
    """The code a cell is made of, as roots for `code_hash`."""
    algorithm, name = cell.config["algorithm"]["type"], cell.config["torso"]["type"]
    roots = [catalogue.tasks[cell.config["task"]["id"]].module, *HARNESS_MODULES]
    roots += [EXTRAPOLATES] if "extrapolate" in cell.config["task"] else []
    if is_user_path(algorithm):
        roots.append(algorithm)
    else:
        spec = catalogue.algorithms[algorithm]
        roots += [spec.class_path, spec.config_class]
    if is_user_path(name):
        return (*roots, name, *catalogue.wrappers.values())
    torso = catalogue.torsos[name]
    roots += [torso.class_path] if torso.wrapper is None else [torso.class_path, catalogue.wrappers[torso.wrapper]]
    return tuple(roots if torso.config_class is None else [*roots, torso.config_class])


def _cell(labels: tuple[str, str, str], parts: Parts) -> Cell:
    task_label, algorithm_label, torso_label = labels
    task, algorithm, torso = parts.tasks[task_label], parts.algorithms[algorithm_label], parts.torsos[torso_label]
    changed: dict[str, dict] = {"algorithm": {}, "torso": {}, "network": {}}
    where = dict(zip(("task", "algorithm", "torso"), labels, strict=True))
    for change in parts.changes:
        if all(where[axis] in wanted for axis, wanted in change.when.items()):
            for (section, name), values in change.values.items():
                label = where.get(section, "")
                if label in values:
                    changed[section][name] = values[label]
    network = {**parts.network.model_dump(mode="json"), **changed["network"]}
    protocol = parts.protocol.model_dump(mode="json", exclude={"min_seeds"})
    protocol["total_env_steps"] = task.total_env_steps or parts.protocol.total_env_steps
    protocol["inputs"] = list(torso.inputs or parts.protocol.inputs)
    config = {
        "task": _resolved_task(task, torso.role, parts.variants[task_label]),
        "algorithm": {"type": algorithm.type, "settings": algorithm.settings(changed["algorithm"], network["embed"])},
        "torso": {
            "type": torso.type,
            "settings": torso.settings(changed["torso"], network["embed"]),
            "inputs": protocol["inputs"],
        },
        "network": network,
        "protocol": protocol,
    }
    tuning = parts.track.apply(entry_name(algorithm_label, torso_label), config)
    return Cell(*labels, torso.role, task, config, parts.track.name, tuning)


def _resolved_task(task: Task, role: str | None, variants: Variants) -> dict[str, Any]:
    """What is computed of a task. Extrapolations are part of it where there are any; an oracle, which bounds what can
    be learnt, is not tested elsewhere."""
    oracle = role == "oracle"
    resolved = {"id": task.id, "kwargs": {**task.kwargs, **(variants.oracle or {})} if oracle else dict(task.kwargs)}
    resolved["task_version"] = task.task_version
    if variants.extrapolate and not oracle:
        resolved["extrapolate"] = {label: {**task.kwargs, **given} for label, given in variants.extrapolate.items()}
    return resolved


def why_not(task: Task, algorithm: str, catalogue: Catalogue) -> str | None:
    """Why an algorithm, by its type, cannot act in a task; None where it can."""
    kind, able = catalogue.tasks[task.id].action_kind, catalogue.algorithms[algorithm].actions
    return None if kind in able else f"{algorithm} acts in {' or '.join(able)} action spaces; {task.id} is {kind}"


def _refuse_empty_rows(chosen: Mapping, missing: list[NotApplicable], parts: Parts, findings: Findings) -> None:
    """A combination asked for by name, or an algorithm for which no task is left, is refused."""
    for pair in missing:
        task_named = pair.task_label in parts.selections["tasks"].named
        if task_named and pair.algorithm_label in parts.selections["algorithms"].named:
            findings.add(("tasks", pair.task_label), f"impossible with {pair.algorithm_label}: {pair.reason}")
    for algorithm in chosen["algorithms"]:
        reasons = [pair for pair in missing if pair.algorithm_label == algorithm]
        if reasons and len(reasons) == len(chosen["tasks"]):
            fix = f"add a task it can act in, or leave it out: ~algorithms.{algorithm}"
            findings.add((*ALGORITHMS, algorithm), f"no task is left: {reasons[0].reason}", fix=fix)


def _refuse_blind_oracles(chosen: Mapping, parts: Parts, findings: Findings) -> None:
    """An oracle with no task that can show it anything, or asked for by name where none can."""
    for torso in chosen["torsos"]:
        known = [task for task in chosen["tasks"] if task in parts.variants]
        if parts.torsos[torso].role == "oracle" and known and all(parts.variants[t].oracle is None for t in known):
            fix = "add to a task, such as one of popgym's, oracle: {observation: state}; or leave it out: "
            findings.add((*TORSOS, torso), f"no task is left: {NO_ORACLE}", fix=f"{fix}~torsos.{torso}")
