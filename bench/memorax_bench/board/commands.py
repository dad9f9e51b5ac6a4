"""The exact command behind an entry."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from memorax_bench.board.rankings import Entry, Ranking
from memorax_bench.board.recorded import type_of
from memorax_bench.records.record import Record
from memorax_bench.report.write import row_command


def command(ranking: Ranking, entry: Entry) -> str:
    """What makes the entry's records again, quoted for a shell: suite, seeds and, of an outsider, what it is."""
    known, arguments = ranking.table.suite.entries, list(ranking.arguments)
    seeds = sorted({seed for record in entry.records for seed in record.seeds})
    if seeds != list(ranking.table.seeds):
        arguments = [argument for argument in arguments if not argument.startswith("seeds=")]
        arguments.append(f"seeds={json.dumps(seeds, separators=(',', ':'))}")
    if ranking.track != known.track:
        arguments.append(f"track={ranking.track}")
    config = entry.records[0].cell.config
    for part, label, labels in (
        ("algorithm", entry.name[0], known.algorithms),
        ("torso", entry.name[1], known.torsos),
    ):
        if label not in labels:
            arguments.append(f"+{part}s.{label}={json.dumps(_settings(config, part))}")
    return row_command(arguments, *entry.name)


def checkout(records: tuple[Record, ...]) -> str | None:
    """The command that brings the code to the commit of the records; None where they have several, or none."""
    commits = {record.code.commit for record in records}
    commit = commits.pop() if len(commits) == 1 else None
    return shlex.join(["git", "switch", "--detach", commit]) if commit else None


def _settings(config: Mapping[str, Any], part: str) -> dict[str, Any]:
    """An algorithm or torso as the command line takes it."""
    section = config.get(part)
    given = section.get("settings") if isinstance(section, Mapping) else None
    inputs = {"inputs": section["inputs"]} if isinstance(section, Mapping) and "inputs" in section else {}
    return {"type": type_of(config, part), **inputs, **(given if isinstance(given, Mapping) else {})}
