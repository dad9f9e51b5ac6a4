"""From a results folder to a packed submission, and from a submission into a results folder."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from memorax_bench.records.curves import FILE as CURVES
from memorax_bench.records.pooling import pool_grid
from memorax_bench.records.record import SuiteRef, read_record
from memorax_bench.records.store import ADOPTED, RECORD, Scan, Store, StoredRecord, cell_path_parts
from memorax_bench.report.recorded import as_recorded
from memorax_bench.submission import archive, manifest
from memorax_bench.submission.reading import Found, record_name
from memorax_bench.suite.load import ResolvedSuite


def chosen_records(suite: ResolvedSuite, scan: Scan) -> tuple[StoredRecord, ...]:
    """The records that a report on the suite's chosen cells would pool, each once."""
    same = [stored for stored in scan.records if stored.record.suite.benchmark_hash == suite.benchmark_hash]
    pools = pool_grid(suite.cells, same, suite.seeds)
    found = {record_name(stored.record): stored for pool in pools.values() for stored in pool.stored}
    return tuple(found[name] for name in sorted(found))


def pack_records(suite: ResolvedSuite, chosen: Sequence[StoredRecord]) -> bytes:
    """The bytes of a submission: the same for the same records. Raises OSError where one cannot be read."""
    files: dict[str, bytes] = {}
    for stored in chosen:
        for name in (RECORD, CURVES, ADOPTED):
            file = stored.path.with_name(name)
            if name == RECORD or file.is_file():
                files[f"{record_name(stored.record)}/{name}"] = file.read_bytes()
    reference = SuiteRef(name=suite.name, version=suite.version, benchmark_hash=suite.benchmark_hash)
    listed = manifest.Manifest(suite=reference, files=manifest.hashes(files))
    return archive.pack({manifest.FILE: manifest.encode_manifest(listed), **files})


@dataclass(frozen=True)
class Kept:
    """How many records a results folder did not have yet, and those that it has with other numbers, by their place."""

    new: int
    contradicted: tuple[str, ...]


def keep_records(suite: ResolvedSuite, found: Iterable[Found], results: Path) -> Kept:
    """Puts records where `run` would have. What is there is never changed."""
    store, new, contradicted = Store(results), 0, []
    for item in found:
        (cell,) = as_recorded(suite, [item.record]).cells
        published = store.publish(cell_path_parts(suite.label, cell), item.record.run_id, item.files)
        new += published.ours
        if read_record(published.path / RECORD).result_hash != item.record.result_hash:
            contradicted.append(item.place)
    return Kept(new, tuple(contradicted))
