"""From a packed submission or a results folder to its records, read as what strangers have sent."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from memorax_bench.errors import Problem, UsageProblems
from memorax_bench.records.bounded import read_plain_file
from memorax_bench.records.curves import FILE as CURVES
from memorax_bench.records.curves import decode_curves
from memorax_bench.records.record import Adopted, InvalidRecord, Record, decode, decode_as
from memorax_bench.records.store import ADOPTED, RECORD, StoredRecord, why_misplaced
from memorax_bench.submission import archive, manifest
from memorax_bench.submission.findings import Finding, Refused, finding

MAX_RECORD = 2**20  # committed ones are below 50 KB
MAX_CURVES = 2**20
LIMITS = {RECORD: MAX_RECORD, CURVES: MAX_CURVES, ADOPTED: MAX_RECORD}


@dataclass(frozen=True)
class Found:
    """A record that could be read, with its curves and the bytes of both; `place` is the folder it lies in."""

    place: str
    stored: StoredRecord
    rows: tuple[Mapping[str, float], ...]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @property
    def record(self) -> Record:
        """The record itself."""
        return self.stored.record


@dataclass(frozen=True)
class Submission:
    """What was found at a path. `hash` names the whole of it; `findings` say what could not be read."""

    name: str
    hash: str
    found: tuple[Found, ...]
    findings: tuple[Finding, ...]

    @property
    def count(self) -> int:
        """Records, those that could not be read included."""
        return len({item.place for item in (*self.found, *self.findings)})


def read_submission(path: Path) -> Submission:
    """Of a packed file or a results folder. Raises UsageProblems where there is nothing, Refused where nothing can be
    read of it."""
    if path.is_dir():
        return _read(str(path), *_folder_files(path), packed=False)
    if not path.exists():
        fix = "a file made by memorax-bench board submit, or a results folder"
        raise UsageProblems([Problem(f"there is no {path}", fix=fix)])
    try:
        data = read_plain_file(path, archive.MAX_PACKED)
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: {error}") from error
    return read_packed(str(path), data)


def read_packed(name: str, data: bytes) -> Submission:
    """Of the bytes of a packed file; `name` is how it is called. Raises Refused where nothing can be read of it."""
    files = archive.unpack(data)
    if manifest.FILE not in files:
        raise Refused(f"the archive: it has no {manifest.FILE}")
    listed = manifest.decode_manifest(files.pop(manifest.FILE))
    _check_listed(listed, files)
    read = _read(name, files, (), packed=True)
    return dataclasses.replace(read, findings=(*read.findings, *_foreign(listed, read.found)))


def record_name(record: Record) -> str:
    """The folder of a record in an archive. Its configuration's hash, in results/, is left to the record."""
    return "/".join((record.cell.task, record.cell.algorithm, record.cell.torso, record.run_id))


def _check_listed(listed: manifest.Manifest, files: Mapping[str, bytes]) -> None:
    """Raises Refused unless the files are those that the manifest lists."""
    found = manifest.hashes(files)
    for name in sorted({*listed.files, *found}):
        if name not in found:
            raise Refused(f"{manifest.FILE} lists {name}, which is missing")
        if listed.files.get(name) != found[name]:
            raise Refused(f"{name} is not the file that {manifest.FILE} lists")


def _foreign(listed: manifest.Manifest, found: tuple[Found, ...]) -> Iterator[Finding]:
    for item in found:
        if item.record.suite != listed.suite:
            yield finding(item.place, "suite", f"not that of {manifest.FILE}, {listed.suite.label(None)}")


def _folder_files(root: Path) -> tuple[dict[str, bytes], list[Finding]]:
    """The files of the records below a results folder, or below one suite of it; others are not looked at."""
    inside = "@" in root.name
    base, labels = (root.parent, [root.name]) if inside else (root, sorted(path.name for path in root.glob("*@*")))
    files, findings = {}, []
    for path in sorted(path for label in labels for path in (base / label).glob(f"**/{RECORD}")):
        place = path.parent.relative_to(base).as_posix()
        for name, limit in LIMITS.items():
            try:
                files[f"{place}/{name}"] = read_plain_file(path.with_name(name), limit)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                findings.append(finding(place, "", f"{name}: {error}"))
    return files, findings


def _read(name: str, files: Mapping[str, bytes], findings: Sequence[Finding], packed: bool) -> Submission:
    folders: dict[str, dict[str, bytes]] = {}
    for path, data in files.items():
        place = PurePosixPath(path)
        folders.setdefault(str(place.parent), {})[place.name] = data
    found, findings = [], list(findings)
    for place, own in sorted(folders.items()):
        try:
            item = _found(place, own)
        except _Unreadable as error:
            findings.append(finding(place, error.leaf, str(error)))
            continue
        found.append(item)
        if (why := _misplaced(item, packed)) is not None:
            findings.append(finding(place, "", why))
    return Submission(name, manifest.submission_hash(manifest.hashes(files)), tuple(found), tuple(findings))


class _Unreadable(Exception):
    """Why a record cannot be used, and the value of it that says so."""

    def __init__(self, leaf: str, why: str):
        super().__init__(why)
        self.leaf = leaf


def _found(place: str, files: Mapping[str, bytes]) -> Found:
    """A record and its curves. Raises _Unreadable with the first reason why they cannot be read."""
    for name in files:
        if len(files[name]) > LIMITS.get(name, -1):
            raise _Unreadable("", f"{name} is not a file of a record, or too large for one")
    if RECORD not in files:
        raise _Unreadable("", f"no {RECORD}")
    try:
        record = decode(files[RECORD])
        adopted = decode_as(Adopted, files[ADOPTED]).adoptions if ADOPTED in files else ()
    except InvalidRecord as error:
        raise _Unreadable("", str(error)) from error
    curves = record.results.curves
    if curves.file != CURVES or CURVES not in files:
        raise _Unreadable("results.curves.file", f"the curves are to be in {CURVES} beside the record")
    if manifest.hashes(files)[CURVES] != curves.sha256:
        raise _Unreadable("results.curves.sha256", f"not that of {CURVES}: one of the two was altered")
    try:
        rows = decode_curves(files[CURVES])
    except ValueError as error:
        raise _Unreadable("results.curves", f"{CURVES}: {error}") from error
    return Found(place, StoredRecord(Path(place) / RECORD, record, adopted), tuple(rows), files)


def _misplaced(item: Found, packed: bool) -> str | None:
    """What the record says and its place does not."""
    if packed:
        expected = record_name(item.record)
        return None if item.place == expected else f"the record is about {expected}"
    label, *parts = item.place.split("/")
    return why_misplaced(tuple(parts), item.record, label)
