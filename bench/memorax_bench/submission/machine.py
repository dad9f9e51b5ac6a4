"""Runs cells of a submission again, on this machine, by the ways of `run`. User's own code is never among them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from memorax_bench.code_hash import CodeHash
from memorax_bench.records.store import Store
from memorax_bench.report.recorded import as_recorded
from memorax_bench.running.engine import Engine, Policy, Screen
from memorax_bench.running.job import Question, jobs_of
from memorax_bench.running.launcher import Launcher
from memorax_bench.running.plan import Action, Plan, chunks, code_hashes, compile_group
from memorax_bench.submission.reading import Found, read_submission
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite


@dataclasses.dataclass(frozen=True)
class Machine:
    """Where cells are run: the device, the processes, a results folder of its own that is thrown away."""

    device_kind: str
    launcher: Launcher
    screen: Screen
    folder: Path


@dataclasses.dataclass(frozen=True)
class Again:
    """What became of a record's cell when it was run again with some seeds: records, or why there are none."""

    item: Found
    made: tuple[Found, ...]
    why: str = ""


def run_again(machine: Machine, suite: ResolvedSuite, items: Sequence[Found], seeds: Sequence[int] = ()) -> list[Again]:
    """The cells of these records with the seeds of each, or with `seeds`, at the width of the record."""
    actions, codes = [], {}
    for item in items:
        cell, code = _cell(suite, item)
        codes[cell.labels] = code
        actions.append(_action(machine, suite, cell, code, item, seeds))
    engine = Engine(Store(machine.folder), machine.launcher, machine.screen, (), machine.device_kind, Policy())
    engine.execute(Plan(suite, machine.device_kind, tuple(actions), None, ()), codes)
    made = {item.record.run_id: item for item in read_submission(machine.folder).found}
    failures = {one.failure.run_id: one.failure for one in Store(machine.folder).scan(suite.label).failures}
    found = []
    for item, action in zip(items, actions, strict=True):
        runs = [run.run_id for run in action.runs]
        missing = [run for run in runs if run not in made]
        why = failures[missing[0]].message if missing and missing[0] in failures else "not run" if missing else ""
        found.append(Again(item, () if missing else tuple(made[run] for run in runs), why))
    return found


def accounts(machine: Machine, suite: ResolvedSuite, items: Sequence[Found]) -> list[dict[str, Any] | None]:
    """Of each record's cell, traced at its width: the hash of its programs and its costs. Nothing is compiled."""
    asked: dict[tuple[str, int], Question] = {}
    for item in items:
        key = item.record.cell.config_hash, item.record.seed_batch
        if key not in asked:
            cell, code = _cell(suite, item)
            action = _action(machine, suite, cell, code, item, ())
            job = jobs_of(suite, action, machine.folder, ())[0]
            asked[key] = Question("account", job, item.record.seed_batch)
    answers = dict(zip(asked, machine.launcher.ask(list(asked.values())), strict=True))
    return [answers[item.record.cell.config_hash, item.record.seed_batch] for item in items]


def code_of(suite: ResolvedSuite, item: Found) -> str:
    """The hash of this installation's code behind a record's cell."""
    return _cell(suite, item)[1].value


def _cell(suite: ResolvedSuite, item: Found) -> tuple[Cell, CodeHash]:
    """The record's own cell, and the code behind it here."""
    alone = as_recorded(suite, [item.record])
    (code,) = code_hashes(alone).values()
    return alone.cells[0], code


def _action(
    machine: Machine, suite: ResolvedSuite, cell: Cell, code: CodeHash, item: Found, seeds: Sequence[int]
) -> Action:
    width, chosen = item.record.seed_batch, tuple(seeds or item.record.seeds)
    runs = chunks(suite.benchmark_hash, cell, code.value, machine.device_kind, width, chosen)
    group = compile_group(cell.config, width)
    return Action(cell, "new", chosen, "to verify it", width, code.value, runs, group, None)
