"""Checks that compare parts of a suite with one another: bounds, budgets, batches, rankings."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from memorax_bench.errors import did_you_mean
from memorax_bench.suite.catalogue import Catalogue
from memorax_bench.suite.entries import ALGORITHMS
from memorax_bench.suite.schema import Protocol, Ranking, Task
from memorax_bench.suite.yaml_source import Findings, KeyPath


def check_bounds(tasks: Mapping[str, Task], protocol: Protocol | None, findings: Findings) -> None:
    """Bounds in order, and budgets that end on an evaluation point."""
    for label, task in tasks.items():
        path = ("tasks", label)
        if task.hard_min >= task.hard_max:
            findings.add((*path, "hard_min"), f"must be below hard_max = {task.hard_max}", task.hard_min)
        if task.ceiling is not None and task.floor >= task.ceiling:
            findings.add((*path, "floor"), f"must be below ceiling = {task.ceiling}", task.floor)
        for name in ("floor", "ceiling"):
            value = getattr(task, name)
            if value is not None and not task.hard_min <= value <= task.hard_max:
                message = f"outside of hard_min = {task.hard_min} and hard_max = {task.hard_max}"
                findings.add((*path, name), message, value)
        if protocol is not None and task.total_env_steps is not None:
            _check_total((*path, "total_env_steps"), task.total_env_steps, protocol, findings)
    if protocol is not None:
        _check_total(("protocol", "total_env_steps"), protocol.total_env_steps, protocol, findings)


def check_horizons(tasks: Mapping[str, Task], findings: Findings) -> None:
    """Each length once in a family, on normalised scores; the bounds of extrapolations in order, and known at all."""
    seen: dict[tuple[str, int], str] = {}
    for label, task in tasks.items():
        path = ("tasks", label)
        for key in ("horizon", "extrapolate"):
            if getattr(task, key) and task.ceiling is None:
                findings.add((*path, key), "compares normalised scores, and the task has no ceiling", fix="add one")
        if task.horizon is not None and (other := seen.setdefault((task.family, task.horizon), label)) != label:
            message = f"'{other}' of the family {task.family} has this length, too"
            findings.add((*path, "horizon"), message, task.horizon, fix="one task a length, or another family")
        if task.ceiling is not None:
            for name in task.extrapolate or {}:
                there, where = task.bounded(name), (*path, "extrapolate", name)
                if not there.hard_min <= there.floor < there.ceiling <= there.hard_max:
                    bounds = f"{there.hard_min}, {there.floor}, {there.ceiling}, {there.hard_max}"
                    findings.add(where, f"hard_min, floor, ceiling, hard_max are not in this order: {bounds}")


def _check_total(path: KeyPath, total: int, protocol: Protocol, findings: Findings) -> None:
    if total % protocol.eval_every:
        low = total // protocol.eval_every * protocol.eval_every
        nearest = [str(n) for n in (low, low + protocol.eval_every) if n > 0]
        message = f"not a multiple of eval_every = {protocol.eval_every}"
        findings.add(path, message, total, fix=f"nearest: {' or '.join(nearest)}")


def check_ranking(ranking: Ranking, tasks: Mapping, algorithms: Mapping, torsos: Mapping, findings: Findings) -> None:
    """A ranking names what the suite has, and only tasks that can be ranked."""
    path = ("rankings", "torsos")
    named = (("tasks", ranking.tasks, tasks), ("algorithms", ranking.algorithms, algorithms))
    baseline = () if ranking.baseline is None else (ranking.baseline,)
    for key, labels, known in (*named, ("baseline", baseline, torsos)):
        for label in labels:
            if label not in known:
                kind = "torso" if key == "baseline" else key[:-1]
                findings.add((*path, key), f"no {kind} '{label}'", label, list(known), did_you_mean(label, known))
    for label in ranking.tasks:
        task = tasks.get(label)
        if task is not None and (task.ceiling is None or not task.rank):
            why = "has no ceiling" if task.ceiling is None else "says rank: false"
            findings.add((*path, "tasks"), f"'{label}' cannot be ranked: it {why}", label, fix="take it out of the set")


# settings of algorithms that count environment steps of a training
_SCHEDULES = ("learning_starts", "epsilon_steps", "anneal_steps")


def check_schedules(cells: Sequence[tuple[str, Mapping[str, Any]]], findings: Findings) -> None:
    """What an algorithm begins or ends after so many steps happens within the budget; (label, config) of every cell."""
    budgets: dict[tuple[str, str, int], int] = {}
    for label, config in cells:
        for name in _SCHEDULES:
            steps = config["algorithm"]["settings"].get(name)
            if steps is not None:
                total = config["protocol"]["total_env_steps"]
                budgets[label, name, steps] = min(total, budgets.get((label, name, steps), total))
    for (label, name, steps), total in budgets.items():
        if steps > total:
            message = f"longer than the smallest budget of its tasks, total_env_steps = {total}"
            findings.add((*ALGORITHMS, label, name), message, steps, fix=f"use at most {total}, or train longer")


def check_updates(cells: Sequence[tuple[str, Mapping[str, Any]]], catalogue: Catalogue, findings: Findings) -> None:
    """Minibatches fit into a batch and updates into `eval_every`, for (algorithm label, config) of every cell."""
    seen = set()
    for label, config in cells:
        settings = config["algorithm"]["settings"]
        spec = catalogue.algorithms[config["algorithm"]["type"]]
        path = (*ALGORITHMS, label)
        names = tuple(dict.fromkeys((*spec.update_size, *spec.divides, *spec.divides.values())))
        facts = (label, *(settings[name] for name in names))
        if facts in seen:
            continue
        seen.add(facts)
        small = [name for name in names if settings[name] < 1]
        for name in small:
            findings.add((*path, name), "must be at least 1", settings[name])
        if small:
            continue
        for divisor, whole in spec.divides.items():
            if settings[whole] % settings[divisor]:
                allowed = [str(n) for n in range(1, settings[whole] + 1) if settings[whole] % n == 0]
                message = f"{whole} = {settings[whole]} is not a multiple of {divisor} = {settings[divisor]}"
                findings.add((*path, divisor), message, settings[divisor], allowed)
        _check_eval_every(label, config, spec.update_size, findings)


def _check_eval_every(label: str, config: Mapping[str, Any], names: tuple[str, ...], findings: Findings) -> None:
    settings, protocol = config["algorithm"]["settings"], config["protocol"]
    size = prod(settings[name] for name in names)
    every, total = protocol["eval_every"], protocol["total_env_steps"]
    if every % size == 0:
        return
    product = " * ".join(f"{name} {settings[name]}" for name in names)
    nearest = _nearest_multiples(every, size, total)
    findings.add(
        ("protocol", "eval_every"),
        f"not a multiple of one update of {label}: {product} = {size} steps",
        every,
        fix=f"nearest: {' or '.join(map(str, nearest))}" + ("" if total % nearest[0] == 0 else _also_total(nearest[0])),
    )


def _nearest_multiples(every: int, size: int, total: int) -> list[int]:
    """The multiples of `size` around `every`; where some divide `total`, the nearest of those."""
    fitting = (
        [n * size for n in range(1, total // size + 1) if total % (n * size) == 0] if total // size < 10**6 else []
    )
    candidates = fitting or [every // size * size, every // size * size + size]
    below = [n for n in candidates if 0 < n < every][-1:]
    return below + [n for n in candidates if n > every][:1]


def _also_total(every: int) -> str:
    return f"; total_env_steps must then be a multiple of it, such as {8 * every}"
