"""How the runs on a results folder are getting on, from any terminal or machine that sees the folder. No jax.

A run under way notes its progress beside its claim; what is done or failed is read from the records.
"""

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from memorax_bench.cell.progress import Progress
from memorax_bench.records import claims
from memorax_bench.records.store import PROGRESS, Store
from memorax_bench.running.plan import Plan
from memorax_bench.verbs.plan_screen import duration
from memorax_bench.verbs.screen import progress_line

WIDTH = 120
_SILENT = 60.0  # seconds without a note after which it is told how long ago the last one was


@dataclass(frozen=True)
class Underway:
    """A run under way, as it was `age` seconds ago."""

    suite: str
    cell: tuple[str, str, str]
    seeds: tuple[int, ...]
    progress: Progress
    age: float
    since: float  # seconds since it began or was taken up again

    @property
    def left(self) -> float | None:
        """Seconds, at the rate so far; None where nothing is measured yet."""
        rate = self.progress.steps_per_s / max(len(self.seeds), 1)
        return (self.progress.total_env_steps - self.progress.env_step) / rate if rate else None


def underway(store: Store, clock: Callable[[], float] = time.time) -> list[Underway]:
    """Every run whose claim is held and that has noted its progress, by suite and cell."""
    found = []
    for folder in store.work.iterdir() if store.work.is_dir() else ():
        try:
            note = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
            noted = (folder / PROGRESS).stat().st_mtime
            began = min(path.stat().st_ctime for path in folder.glob("claim.*"))
            seeds = tuple(note.pop("seeds"))
            suite, cell = note.pop("suite"), tuple(note.pop("cell"))
            progress = Progress(**{**note, "returns": tuple(note["returns"])})
        except (OSError, ValueError, KeyError, TypeError):
            continue  # it has ended meanwhile, or its first evaluation is still to come
        if claims.is_held(folder):
            found.append(Underway(suite, cell, seeds, progress, clock() - noted, clock() - began))
    return sorted(found, key=lambda run: (run.suite, run.cell, run.seeds))


def tally(plan: Plan, running: Iterable[Underway]) -> dict[str, int]:
    """Cells by what has become of them; each counts once."""
    busy = {run.cell for run in running if run.suite == plan.suite.label}
    counts = {"done": 0, "running": 0, "failed": 0, "left": 0}
    for action in plan.actions:
        if not action.to_do:
            counts["done"] += 1
        elif action.cell.labels in busy:
            counts["running"] += 1
        else:
            counts["failed" if action.action == "retry" else "left"] += 1
    return counts


def status_text(store: Store, plan: Plan | None) -> str:
    """The screen of `memorax-bench status`."""
    running = underway(store)
    lines = []
    if plan is not None:
        running = [run for run in running if run.suite == plan.suite.label]
        counts = tally(plan, running)
        shown = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
        left = f"; {duration(plan.estimate)} of one device left" if plan.to_do and plan.estimate is not None else ""
        lines.append(f"{plan.suite.label}: {len(plan.actions)} cells: {shown}{left}")
    for run in running:
        task, algorithm, torso = run.cell
        name = f"{task:<16} {algorithm + '/' + torso:<14}"
        place = f" {name}" if plan is not None else f" {run.suite:<12} {name}"
        line = progress_line(place, run.progress, duration(run.left), duration(run.since), WIDTH)
        lines.append(line + (f"  (said {duration(run.age)} ago)" if run.age > _SILENT else ""))
    return "\n".join(lines) or f"nothing is running in {store.root}"


def status_json(store: Store, plan: Plan | None) -> str:
    """The same for machines; a number that is not finite is null."""
    running = [run for run in underway(store) if plan is None or run.suite == plan.suite.label]
    data: dict[str, Any] = {"running": [_plain(run) for run in running]}
    if plan is not None:
        data |= {"suite": plan.suite.label, "cells": tally(plan, running), "seconds_left": plan.estimate}
    return json.dumps(data, indent=1)


def _plain(run: Underway) -> dict[str, Any]:
    task, algorithm, torso = run.cell
    progress = run.progress
    return {
        "suite": run.suite,
        "task": task,
        "algorithm": algorithm,
        "torso": torso,
        "seeds": run.seeds,
        "env_step": progress.env_step,
        "total_env_steps": progress.total_env_steps,
        "returns": [value if math.isfinite(value) else None for value in progress.returns],
        "steps_per_s": progress.steps_per_s,
        "seconds_left": run.left,
        "seconds_since_said": run.age,
    }
