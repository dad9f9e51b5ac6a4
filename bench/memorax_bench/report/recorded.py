"""A suite with the cells that records have, whoever chose them: for records of others, and of other versions."""

import dataclasses
from collections.abc import Iterable

from memorax_bench.records.record import Record
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite


def as_recorded(suite: ResolvedSuite, records: Iterable[Record]) -> ResolvedSuite:
    """The suite's frozen part with a cell for every (task, algorithm, torso) that its records have, in the suite's
    order, and with all their seeds.

    Of several configurations of a cell counts the suite's own, else the newest. Records of another frozen part, and of
    tasks that the suite has not, do not enter.
    """
    own = {cell.labels: cell for cell in suite.cells}
    roles = {cell.torso_label: cell.role for cell in suite.cells}
    chosen: dict[tuple[str, str, str], Record] = {}
    seeds: set[int] = set()
    for record in records:
        labels = record.cell.task, record.cell.algorithm, record.cell.torso
        if record.suite.benchmark_hash != suite.benchmark_hash or record.cell.task not in suite.suite.tasks:
            continue
        seeds.update(record.seeds)
        known = own.get(labels)

        def preference(one: Record, known: Cell | None = known) -> tuple:
            usual = known is not None and known.config_hash == one.cell.config_hash
            return usual, one.volatile.created_utc, one.run_id

        chosen[labels] = max([record, *([chosen[labels]] if labels in chosen else [])], key=preference)
    place = {labels: number for number, labels in enumerate(own)}
    order = sorted(chosen, key=lambda labels: (place.get(labels, len(place)), labels))
    cells = tuple(_cell(suite, chosen[labels], own, roles) for labels in order)
    return dataclasses.replace(suite, cells=cells, seeds=tuple(sorted(seeds)), not_applicable=())


def _cell(suite: ResolvedSuite, record: Record, own: dict, roles: dict[str, str | None]) -> Cell:
    cell = record.cell
    known = own.get((cell.task, cell.algorithm, cell.torso))
    if known is not None and (known.config_hash, known.track) == (cell.config_hash, cell.track):
        return known
    task = suite.suite.tasks[cell.task]
    return Cell(
        task_label=cell.task,
        algorithm_label=cell.algorithm,
        torso_label=cell.torso,
        role=roles.get(cell.torso),
        task=task,
        config=cell.config,
        track=cell.track,
        tuning=cell.tuning,
    )
