"""A report of many records: what grows with them is counted here; the seconds of ten thousand are a slow test."""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from memorax_bench.records.store import Store
from memorax_bench.report.frame import MOST_PANELS
from memorax_bench.report.write import write_report
from memorax_bench.stats import counting
from speed import reports
from speed.many_records import fill_all, make_suite

KEPT = 20_000  # bytes of memory for each record
SECONDS, MEGABYTES = 20, 700  # of processors, for a report of ten thousand; other work on the machine adds to them
ROOT = Path(__file__).parents[3]


def make(folder, *size, **settings):
    """(suite, results folder) of that size."""
    suite = make_suite(folder, *size, **settings)
    fill_all(folder / "results", suite)
    return suite, folder / "results"


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return make(tmp_path_factory.mktemp("few"), 3, 4, seeds=5, reps=200)


def bytes_kept(results, suite, whole):
    tracemalloc.start()
    scan = Store(results).scan(suite.label, whole=whole)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept / len(scan.records)


def test_what_is_kept_of_a_record_is_little_and_without_its_episodes(few):
    suite, results = few
    Store(results).scan(suite.label)  # what is loaded once
    brief, whole = bytes_kept(results, suite, whole=False), bytes_kept(results, suite, whole=True)
    assert brief < KEPT and brief < whole - 5 * 64 * 24  # 5 seeds, 64 episodes, 24 bytes a number
    for stored in Store(results).scan(suite.label, whole=False).records:
        assert stored.record.results.final_returns == () and stored.record.cell.config == {}


def test_every_file_is_read_once(tmp_path, few, monkeypatch):
    suite, results = few
    read, read_bytes = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path), read_bytes(path))[1])
    write_report(suite, Store(results).scan(suite.label, whole=False), tmp_path)
    mine = [path for path in read if results in path.parents]
    assert len(mine) == len(set(mine)) == 2 * len(suite.cells)


def test_more_rows_draw_no_more(tmp_path, few):
    """What is drawn to resample depends on tasks and seeds, not on how many are compared."""

    def drawn(suite, results, folder):
        counting.counts.cache_clear()
        write_report(suite, Store(results).scan(suite.label, whole=False), folder)
        return counting.counts.cache_info().misses

    more = make(tmp_path, 3, 9, seeds=5, reps=200)
    assert drawn(*few, tmp_path / "few") == drawn(*more, tmp_path / "more") > 0


def test_a_figure_has_no_more_panels_than_it_has_room_for(tmp_path, monkeypatch):
    suite, results = make(tmp_path, 33, 3, seeds=2, reps=100)
    counts, save = [], Figure.savefig

    def see(figure, *args, **settings):
        counts.append(len(figure.axes))
        return save(figure, *args, **settings)

    monkeypatch.setattr(Figure, "savefig", see)
    report = write_report(suite, Store(results).scan(suite.label, whole=False), tmp_path / "reports")
    assert max(counts) <= MOST_PANELS < 33
    written = {path.name: path.read_text() for path in report.paths if path.suffix in (".md", ".csv")}
    assert "33 tasks under 1 algorithms: a panel shows the mean over a family" in written["report.md"]
    assert "RepeatPrevious (3 tasks)" in written["curves.csv"] and "repeat-previous-easy" in written["scores.csv"]


@pytest.mark.slow
def test_a_report_of_ten_thousand_records(tmp_path):
    """In a process of its own, all processors together; docs/benchmarking.md says how long one waits."""
    folder = reports.make("10000", tmp_path)
    program = (
        "import json, resource, sys; from memorax_bench.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
        "seconds = [one.ru_utime + one.ru_stime for one in used]\n"
        "print(json.dumps([sum(seconds), max(one.ru_maxrss for one in used) / 1024]))"
    )
    paths = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "bench")))}
    done = subprocess.run(
        [sys.executable, "-c", program, "report", "suite=large.yaml"],
        cwd=folder, env=os.environ | paths, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, megabytes = json.loads(done.stdout.splitlines()[-1])
    assert seconds < SECONDS and megabytes < MEGABYTES, (seconds, megabytes)
