"""Where records live on disk, and how they get there whole or not at all.

    results/<suite label>/<task>/<algorithm>/<torso>/<config_hash8>/<run_id>/record.json
                                                                            curves.csv.gz, adopted.json
                                                                   /failures/<n>.json
    results/.work/<run_id>/             claims, checkpoint and progress of a run under way
                 /<run_id>.<uuid>/      a record being written
                 /code/<code_hash>.json the hashes of its modules, to name what changed

What a record is about is read from the record, never from its path. A published record is never changed.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from memorax_bench.code_hash import CodeHash
from memorax_bench.records.collecting import uncollected
from memorax_bench.records.durable import make_folder, plain_name, sync_folder, write_new
from memorax_bench.records.processes import share_out
from memorax_bench.records.record import (
    Adopted,
    Adoption,
    Failure,
    InvalidRecord,
    Record,
    brief,
    decode_as,
    encode,
    read_record,
)
from memorax_bench.suite.grid import Cell

RECORD = "record.json"
ADOPTED = "adopted.json"
FAILURES = "failures"
CHECKPOINT = "checkpoint"
PROGRESS = "progress.json"
_MANY = 1_000  # records from which on copying this process is worth while


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A valid record and the further code it was found to hold for."""

    path: Path
    record: Record
    adoptions: tuple[Adoption, ...] = ()

    @property
    def code_hashes(self) -> frozenset[str]:
        """Every code_hash for which the record counts."""
        return frozenset((self.record.code.code_hash, *(adoption.code_hash for adoption in self.adoptions)))


@dataclass(frozen=True)
class StoredFailure:
    """A run that ended without a record."""

    path: Path
    failure: Failure


@dataclass(frozen=True)
class Invalid:
    """A file that is not what its place says, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Scan:
    """Everything stored under one suite label. `misplaced` records count; their path tells something else."""

    records: tuple[StoredRecord, ...] = ()
    failures: tuple[StoredFailure, ...] = ()
    invalid: tuple[Invalid, ...] = ()
    misplaced: tuple[Invalid, ...] = ()
    modules: Mapping[str, Mapping[str, str]] | None = None


@dataclass(frozen=True)
class Published:
    """The directory of a run; `ours` is False where it had been published before and this copy was discarded."""

    path: Path
    ours: bool


def cell_path_parts(label: str, cell: Cell) -> tuple[str, ...]:
    """The folders of a cell below `results`."""
    return (label, *cell.labels, cell.config_hash[:8])


def duplicate_seeds(records: Iterable[StoredRecord]) -> tuple[str, ...]:
    """One sentence for every seed that two records of one configuration, code and device both have.

    It counts once, from the record with the smallest run_id.
    """
    owners: dict[tuple, list[Record]] = {}
    for stored in sorted(records, key=lambda stored: stored.record.run_id):
        record = stored.record
        for code in stored.code_hashes:
            for seed in record.seeds:
                key = (record.suite.benchmark_hash, record.cell.task, record.cell.algorithm, record.cell.torso)
                key += (record.cell.track, record.cell.config_hash, code, record.numerics.device_kind, seed)
                owners.setdefault(key, []).append(record)
    found = {}
    for (_, task, algorithm, torso, *_, seed), several in owners.items():
        if len(several) > 1:
            names = ", ".join(record.run_id for record in several)
            found[f"{task} {algorithm}/{torso}: seed {seed} is in {names}; {several[0].run_id} counts"] = None
    return tuple(found)


def why_misplaced(parts: tuple[str, ...], record: Record, label: str) -> str | None:
    """What the record says that its folders `parts` below `results/<label>` do not; None where they agree."""
    cell = record.cell
    expected = (cell.task, cell.algorithm, cell.torso, cell.config_hash[:8], record.run_id)
    if parts != expected:
        return f"the record is about {'/'.join(expected)}"
    base = f"{record.suite.name}@{record.suite.version}"
    if label not in (base, f"{base}+{record.suite.benchmark_hash[:8]}"):
        return f"the record belongs to {base}"
    return None


class Store:
    """The results folder. Reading never raises on a bad file; writing is atomic and never overwrites."""

    def __init__(self, results_dir: str | Path):
        self.root = Path(results_dir)
        self.work = self.root / ".work"

    def scan(self, label: str, *, whole: bool = True, own: bool = True, processes: int = 1) -> Scan:
        """Reads every record, failure and adoption below `results/<label>`; of many records, so many `processes` do.

        All are checked, those that are not one's `own` leaf by leaf. Of those that are not asked for `whole`, only what
        comparisons need is kept (`brief`).
        """
        with uncollected():
            return self._scan(label, whole, own, processes)

    def _scan(self, label: str, whole: bool, own: bool, processes: int) -> Scan:
        base = self.root / label
        found = _files(base)
        processes = processes if len(found.records) >= _MANY else 1
        parts = [found.records[first::processes] for first in range(processes)]
        read = share_out([partial(_read_records, part, whole, own) for part in parts], processes)
        by_path = sorted((one for part in read for one in part), key=lambda one: str(one.path))
        failures, invalid = [], [one for one in by_path if isinstance(one, Invalid)]
        records = [
            dataclasses.replace(one, adoptions=self._adoptions(one.path.with_name(ADOPTED), invalid))
            if one.path in found.adopted
            else one
            for one in by_path
            if isinstance(one, StoredRecord)
        ]
        misplaced = [
            Invalid(one.path, reason)
            for one in records
            if (reason := why_misplaced(_parts(one.path, base), one.record, label)) is not None
        ]
        for path in found.failures:
            try:
                failures.append(StoredFailure(path, decode_as(Failure, path.read_bytes())))
            except (InvalidRecord, OSError) as error:
                invalid.append(Invalid(path, str(error)))
        return Scan(tuple(records), tuple(failures), tuple(invalid), tuple(misplaced), self._modules())

    def publish(self, cell_path_parts: Sequence[str], run_id: str, files: Mapping[str, bytes]) -> Published:
        """Makes `<parts>/<run_id>/` appear with these files, complete and durable, or not at all.

        If it exists already, ours is discarded: equal run_ids promise equal results.
        """
        target = self._folder(cell_path_parts) / plain_name(run_id)
        if target.exists():
            return Published(target, False)
        staging = self.work / f"{run_id}.{uuid.uuid4().hex}"
        make_folder(staging)
        try:
            for name, data in files.items():
                write_new(staging / plain_name(name), data)
            sync_folder(staging)
            make_folder(target.parent)
            os.rename(staging, target)
        except OSError:
            # Another process was first: its folder is in the way, or it has already cleared the work of this run.
            shutil.rmtree(staging, ignore_errors=True)
            if not target.exists():
                raise
            return Published(target, False)
        sync_folder(target.parent)
        return Published(target, True)

    def record_failure(self, cell_path_parts: Sequence[str], failure: Failure) -> Path:
        """Keeps a failure as the next free `failures/<n>.json` of the cell."""
        folder = self._folder(cell_path_parts) / FAILURES
        make_folder(folder)
        number = 1 + max((int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal()), default=0)
        while True:
            path = folder / f"{number}.json"
            try:
                write_new(path, encode(failure))
            except FileExistsError:
                number += 1
                continue
            sync_folder(folder)
            return path

    def record_adoption(self, record_path: Path, adoption: Adoption) -> None:
        """Notes beside a record that it holds for another code, too."""
        path = record_path.with_name(ADOPTED)
        known = tuple(other for other in self._adoptions(path, []) if other.code_hash != adoption.code_hash)
        temporary = path.with_name(f".{ADOPTED}.{uuid.uuid4().hex}")
        write_new(temporary, encode(Adopted(adoptions=(*known, adoption))))
        os.replace(temporary, path)
        sync_folder(path.parent)

    def remember_modules(self, code: CodeHash) -> None:
        """Keeps the hashes of a code's modules on this machine, so that `plan` can later name what changed."""
        path = self.work / "code" / f"{code.value}.json"
        if not path.exists():
            make_folder(path.parent)
            temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
            temporary.write_text(json.dumps(dict(code.modules)), encoding="utf-8")
            os.replace(temporary, path)

    def note_progress(self, run_id: str, note: Mapping[str, Any]) -> None:
        """Says in the work folder of a run how far it is, for `memorax-bench status`."""
        path = self.work / plain_name(run_id) / PROGRESS
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        with contextlib.suppress(FileNotFoundError):  # published and cleared by another process
            temporary.write_text(json.dumps(note), encoding="utf-8")
            os.replace(temporary, path)

    def work_dir(self, run_id: str) -> Path:
        """The folder of a run's claims and checkpoints, made if need be."""
        path = self.work / plain_name(run_id)
        make_folder(path)
        return path

    def discard_work(self, run_id: str) -> None:
        """Removes claims, checkpoints and abandoned copies of a run that has been published."""
        for path in (self.work / plain_name(run_id), *self.work.glob(f"{run_id}.*")):
            shutil.rmtree(path, ignore_errors=True)

    def _folder(self, parts: Sequence[str]) -> Path:
        return self.root.joinpath(*map(plain_name, parts))

    def _adoptions(self, path: Path, invalid: list[Invalid]) -> tuple[Adoption, ...]:
        try:
            return decode_as(Adopted, path.read_bytes()).adoptions
        except FileNotFoundError:
            return ()
        except (InvalidRecord, OSError) as error:
            invalid.append(Invalid(path, str(error)))
            return ()

    def _modules(self) -> dict[str, dict[str, str]]:
        known = {}
        for path in (self.work / "code").glob("[0-9a-f]*.json"):
            try:
                known[path.stem] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # a convenience only: without it, `plan` says that code changed and not which
        return known


def _read_records(paths: Sequence[Path], whole: bool, own: bool) -> list["StoredRecord | Invalid"]:
    found: list[StoredRecord | Invalid] = []
    for path in paths:
        try:
            record = read_record(path, own)
        except InvalidRecord as error:
            found.append(Invalid(path, str(error)))
        else:
            found.append(StoredRecord(path, record if whole else brief(record)))
    return found


def _parts(path: Path, base: Path) -> tuple[str, ...]:
    """The folders below `base`; `relative_to` takes longer than reading a record."""
    return tuple(str(path)[len(str(base)) + 1 :].split(os.sep)[:-1])


class _Files(NamedTuple):
    """What lies below a suite's folder, sorted: records, which of them have adoptions beside them, failures."""

    records: list[Path]
    adopted: frozenset[Path]
    failures: list[Path]


def _files(base: Path) -> _Files:
    """In one walk: a folder of ten thousand runs has some forty thousand folders."""
    records, adopted, failures = [], [], []
    for folder, _, names in os.walk(base):
        if RECORD in names:
            records.append(f"{folder}{os.sep}{RECORD}")
            adopted += [records[-1]] * (ADOPTED in names)
        if os.path.basename(folder) == FAILURES:
            failures += [f"{folder}{os.sep}{name}" for name in names if name.endswith(".json")]
    return _Files([*map(Path, sorted(records))], frozenset(map(Path, adopted)), [*map(Path, sorted(failures))])
