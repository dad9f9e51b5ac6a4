"""A small suite, a results folder with a record of each of its cells, and its submission."""

from types import SimpleNamespace

import pytest

from fixtures import submissions
from memorax_bench.records.store import Store
from memorax_bench.submission.packing import chosen_records, pack_records
from memorax_bench.suite.load import load_suite

SMOKE = load_suite("smoke", ["seeds=2"])


@pytest.fixture
def filled(tmp_path):
    """`results` with a record of each of four cells, their folders, and the bytes of the submission."""
    results = tmp_path / "results"
    folders = submissions.fill(results, SMOKE)
    chosen = chosen_records(SMOKE, Store(results).scan(SMOKE.label))
    return SimpleNamespace(results=results, folders=folders, suite=SMOKE, packed=pack_records(SMOKE, chosen))
