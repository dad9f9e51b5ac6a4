"""The verb `ls`."""

from collections.abc import Iterable
from pathlib import Path

from memorax_bench.alignment import columns
from memorax_bench.errors import Problem, UsageProblems, did_you_mean
from memorax_bench.measured.bounds import load_bounds
from memorax_bench.measured.matched import INPUTS, TRACKS, load_latency, load_matches
from memorax_bench.records.pooling import seed_ranges
from memorax_bench.records.store import Store
from memorax_bench.suite.catalogue import FieldSpec, TaskSpec, load_catalogue
from memorax_bench.suite.load import load_suite, shipped_suites

LISTS = ("suites", "tasks", "algorithms", "torsos", "results")


def listing(kind: str, results: Path, containing: str = "") -> str:
    """One line a thing; of tasks only those whose id contains the text, of such torsos their settings."""
    if kind == "tasks":
        return _tasks(containing)
    if kind == "torsos" and containing:
        return _one_torso(containing)
    if kind == "torsos":
        return _torsos()
    rows = {"suites": _suites, "algorithms": _algorithms, "results": lambda: _results(results)}[kind]()
    return columns(list(rows)) or f"no {kind} yet"


def _suites() -> Iterable[tuple[str, ...]]:
    yield "suite", "cells", "seeds", "about"
    for name in shipped_suites():
        try:
            suite = load_suite(name)
        except UsageProblems as error:
            yield name, "-", "-", str(error).splitlines()[0]
            continue
        draft = " (draft: never ranked)" if suite.version == 0 else ""
        yield suite.label, str(len(suite.cells)), str(len(suite.seeds)), suite.suite.description + draft


def _tasks(containing: str) -> str:
    """Tasks whose id contains the text, under a heading for each source."""
    bounds, groups = load_bounds(), {}
    for name, task in sorted(load_catalogue().tasks.items(), key=_by_difficulty):
        if containing in name:
            groups.setdefault((name.partition("::")[0], task.source), []).append((name, task))
    if not groups:
        fix = did_you_mean(containing, load_catalogue().tasks)
        raise UsageProblems([Problem(f"no task's id contains '{containing}'", fix=fix or "memorax-bench ls tasks")])
    head = ("task", "observation", "action", "steps", "random", "ceiling", "has to be remembered")
    rows = [head]
    for tasks in groups.values():
        for name, task in tasks:
            known = bounds.get(name)
            random = f"{known.random.value:z.2f}" if known else "-"
            ceiling = f"{known.ceiling.value:z.2f}" if known and known.ceiling else "-"
            steps = str(task.episode_length or "?")
            rows.append((name, task.observation, task.action, steps, random, ceiling, task.memory or "-"))
    lines = iter(columns(rows).splitlines())
    text = [next(lines)]
    for (_, source), tasks in groups.items():
        text += ["", f"# {source}", *(next(lines) for _ in tasks)]
    return "\n".join([*text, "", "options, quirks and an episode drawn: memorax-bench show TASK"])


def _by_difficulty(item: tuple[str, TaskSpec]) -> tuple[str, int]:
    """POPGym's difficulties in their order, everything else by its name."""
    name = item[0]
    for place, difficulty in enumerate(("Easy", "Medium", "Hard"), 1):
        if name.endswith(difficulty):
            return name.removesuffix(difficulty), place
    return name, 0


def _algorithms() -> Iterable[tuple[str, ...]]:
    catalogue = load_catalogue()
    yield "algorithm", "setting", "default", "meaning"
    for name, algorithm in catalogue.algorithms.items():
        yield name, "", "", f"{algorithm.class_path}; acts in: {', '.join(algorithm.actions)}"
        yield from (("", *row) for row in _settings(catalogue.algorithm_fields(name)))


_KINDS = {"rnn": "recurrent", "memoroid": "memoroid", "memoryless": "no memory", None: "sequence"}


def _torsos() -> str:
    """What each costs where all have as many parameters."""
    matches, latency = load_matches()["parameters"], load_latency()
    rows = [("torso", "kind", "parameters", "state bytes", "step", "paper")]
    for name, torso in load_catalogue().torsos.items():
        match, step = matches[name], latency and latency.milliseconds.get(name)
        cost = f"{match.parameters:,}", f"{match.state_bytes:,}", f"{1000 * step:.0f} us" if step else "-"
        rows.append((name, _KINDS[torso.wrapper], *cost, torso.paper or "-"))
    notes = [f"At the width of `memorax-bench match`: {TRACKS['parameters']:,} parameters, reading {INPUTS} numbers."]
    if latency:
        notes.append(
            f"Step: of {latency.batch} environments at once, at width {latency.features}, on {latency.device}, "
            f"{latency.date}."
        )
    notes.append(
        "Settings of one: memorax-bench ls torsos mamba2. Does it keep its laws: memorax-bench check-torso mamba2."
    )
    return "\n".join([columns(rows), "", *notes])


def _one_torso(containing: str) -> str:
    """What the torsos are whose name contains the text, and their settings."""
    found = {name: torso for name, torso in load_catalogue().torsos.items() if containing in name}
    if not found:
        fix = did_you_mean(containing, load_catalogue().torsos)
        raise UsageProblems([Problem(f"no torso's name contains '{containing}'", fix=fix or "memorax-bench ls torsos")])
    parts = []
    for name, torso in found.items():
        rows = [("setting", "default", "meaning"), *_settings(torso.fields)]
        parts.append("\n".join([f"{name}  {torso.class_path}", torso.about, torso.paper, columns(rows)]))
    return "\n\n".join(parts)


def _settings(fields: dict[str, FieldSpec]) -> Iterable[tuple[str, str, str]]:
    for name, spec in fields.items():
        default = "required" if spec.required else "null" if spec.default is None else str(spec.default)
        yield name, default, spec.doc


def _results(results: Path) -> Iterable[tuple[str, ...]]:
    labels = sorted(path.name for path in results.glob("*@*") if path.is_dir())
    store = Store(results)
    rows = []
    for label in labels:
        scan = store.scan(label)
        for stored in scan.records:
            record = stored.record
            cell = f"{record.cell.task} {record.cell.algorithm}/{record.cell.torso}"
            made = f"{record.volatile.created_utc[:10]} on {record.numerics.device_kind}"
            rows.append((label, cell, f"seeds {seed_ranges(record.seeds)}", record.run_id, made))
        rows += [(label, str(bad.path), "not valid", "", bad.reason) for bad in scan.invalid]
    return [("suite", "cell", "seeds", "run", "made"), *rows] if rows else []
