"""Why `plan` does what it does, in a few words each."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from memorax_bench.code_hash import CodeHash, changed_modules
from memorax_bench.records.pooling import seed_ranges
from memorax_bench.records.store import Scan, StoredFailure, StoredRecord
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite


def where(wanted: Iterable[int], seeds: Mapping[int, StoredRecord], code: CodeHash, device: str | None) -> str:
    """Which records already hold these seeds."""
    used = {seed: seeds[seed] for seed in wanted}
    names = dict.fromkeys(stored.record.run_id[:4] for stored in used.values())
    adopted = any(stored.record.code.code_hash != code.value for stored in used.values())
    why = "adopted: same program" if adopted else "same code"
    on = f", on {device}" if device else ""
    return f"seeds {seed_ranges(used)} in {', '.join(names)} ({why}{on})"


def code_changed(newest: StoredRecord, code: CodeHash, scan: Scan) -> str:
    """Which modules are not those of the newest record, where this machine still knows."""
    old = (scan.modules or {}).get(newest.record.code.code_hash)
    if old is None:
        commit = newest.record.code.commit
        return f"the code changed since {commit[:8]}" if commit else "the code changed"
    names = [name.removeprefix("memorax.").replace(".", "/") + ".py" for name in changed_modules(old, code.modules)]
    shown = ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")
    return f"{shown or 'the class of a name'} changed"


def failed(failures: Sequence[StoredFailure]) -> str:
    """The newest of these failures."""
    failure = max(failures, key=lambda stored: stored.failure.created_utc).failure
    return f"failed: {failure.kind}, {_day(failure.created_utc)}"


def why_new(by_device: Mapping, named: Sequence[StoredRecord], cell: Cell, suite: ResolvedSuite) -> str:
    """What is stored of the cell, if anything, and why it does not count."""
    for device, seeds in by_device.items():
        return f"only seeds {seed_ranges(seeds)} on {device}"
    same_config = [stored for stored in named if stored.record.cell.config_hash == cell.config_hash]
    if any(stored.record.cell.track == cell.track for stored in same_config):
        return "the suite's frozen part changed"
    if same_config:
        return f"only on the track {newest_of(same_config).record.cell.track}"
    if named:
        keys = config_changes(newest_of(named).record.cell.config, cell.config)
        return f"{', '.join(keys[:2])}{' ...' if len(keys) > 2 else ''} changed"
    return "no record"


def config_changes(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The dotted keys in which two configurations differ."""
    found = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            found += config_changes(before, after, f"{prefix}{key}.")
        elif before != after:
            found.append(f"{prefix}{key}".replace("settings.", ""))
    return found


def newest_of(records: Sequence[StoredRecord]) -> StoredRecord:
    """The record created last."""
    return max(records, key=lambda stored: (stored.record.volatile.created_utc, stored.record.run_id))


def _day(created_utc: str) -> str:
    try:
        moment = datetime.fromisoformat(created_utc)
    except ValueError:
        return created_utc
    return f"{moment.day} {moment:%b}"
