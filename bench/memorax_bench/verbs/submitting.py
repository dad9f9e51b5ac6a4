"""The verb `board submit`: verify, pack, say what is in it and what is missing."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from memorax_bench import errors
from memorax_bench.records.store import Store
from memorax_bench.submission.contents import contents
from memorax_bench.submission.packing import chosen_records, pack_records
from memorax_bench.submission.reading import read_packed
from memorax_bench.submission.tier0 import tier0
from memorax_bench.suite.load import ResolvedSuite, shipped_suites
from memorax_bench.verbs.verifying_screen import contents_text, count, findings_text, refused_values


def submit_records(suite: ResolvedSuite, arguments: Sequence[str], results: Path, out: Path | None) -> int:
    """Writes the chosen cells' records to `out`; returns the exit code. Nothing that is refused is written."""
    chosen = chosen_records(suite, Store(results).scan(suite.label, own=False))
    if not chosen:
        command = shlex.join(["memorax-bench", "run", *arguments])
        print(f"no record of {suite.label} in {results}\n  make them: {command}", file=sys.stderr)
        return errors.EXIT_NOTHING_MEASURED
    data = pack_records(suite, chosen)
    out = out or Path(f"{suite.label}.tar.gz")
    read = read_packed(str(out), data)  # as who receives it will
    refused = tier0(read, [suite])
    if refused:
        print(findings_text(read, refused))
        print(f"not written: {refused_values(refused)} refused (exit {errors.EXIT_INVALID})")
        return errors.EXIT_INVALID
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    temporary.write_bytes(data)
    os.replace(temporary, out)
    print(f"{suite.label}  {count(len(chosen), 'record')}, submission {read.hash[:8]}")
    print(contents_text(contents(suite, chosen)))
    print(f" tier 0: {count(len(chosen), 'record')} computed anew, nothing refused")
    known = suite.name in shipped_suites() and not suite.frozen_changed
    command = shlex.join(["memorax-bench", "board", "verify", str(out), *(() if known else arguments)])
    print(f"written: {out} ({len(data) / 1024:,.0f} KB). To verify it: {command}")
    return errors.EXIT_OK
