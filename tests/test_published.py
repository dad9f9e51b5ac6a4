"""The numbers in the repository: reports are those of the records beside them, and records those of training."""

import datetime
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fixtures.quick import UNOPTIMISED, XLA_FLAGS
from memorax_bench.board.build import build_board
from memorax_bench.records.curves import FILE, decode_curves
from memorax_bench.records.store import Store, StoredRecord
from memorax_bench.report.write import write_report
from memorax_bench.suite.load import load_suite
from memorax_bench.suite.tracks import SUITE as TRIALS

ROOT = Path(__file__).parents[1]
RESULTS, REPORTS, SITE = ROOT / "results", ROOT / "reports", ROOT / "reports" / "site"
LABELS = sorted(path.name for path in RESULTS.iterdir() if "@" in path.name)
SUITES = [label for label in LABELS if label.partition("@")[0] != TRIALS]  # those that have a report
EARLY = 1  # evaluations after the one before training, to which a cell is run again


def files(folder: Path) -> dict[str, bytes]:
    """Of a report, all but the pictures in pixels, which another compression would change."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".png"
    }


def test_every_published_suite_has_its_report():
    assert SUITES
    assert [path.name for path in sorted(REPORTS.iterdir()) if path.is_dir() and "@" in path.name] == SUITES


@pytest.mark.parametrize("label", SUITES)
def test_reports_are_those_of_the_records(label, tmp_path):
    resolved = load_suite(label.partition("@")[0])
    assert resolved.label == label
    scan = Store(RESULTS).scan(label, whole=False)
    assert not (scan.invalid or scan.failures)
    write_report(resolved, scan, tmp_path, [f"suite={resolved.name}"])
    made, published = files(tmp_path / label), files(REPORTS / label)
    assert made.keys() == published.keys()
    assert [name for name in made if made[name] != published[name]] == []


def test_the_site_is_that_of_the_records(tmp_path):
    shutil.copytree(SITE, tmp_path / "site")  # its pictures of tasks are not drawn again
    build_board([], RESULTS, tmp_path / "site", say=lambda _: None)
    made, published = files(tmp_path / "site"), files(SITE)
    assert made.keys() == published.keys()
    assert [name for name in made if made[name] != published[name]] == []


@pytest.mark.parametrize("label", LABELS)
def test_records_are_valid(label):
    from memorax_bench.verbs.verifying import Asked, verify_path

    assert verify_path(RESULTS, [load_suite(label.partition("@")[0])], Asked(0, 1, None, None)) == 0


def records() -> list[StoredRecord]:
    """All that are published, in an order of their own; not those of one seed, whose spread nobody knows."""
    found = [one for label in SUITES for one in sorted(Store(RESULTS).scan(label).records, key=lambda one: one.path)]
    return [one for one in found if len(one.record.seeds) > 1]


def begin_again(stored: StoredRecord) -> list[dict[str, float]]:
    """The first rows of its curves, trained anew by programs as users have them."""
    others = {name: value for name, value in os.environ.items() if name not in UNOPTIMISED}
    flags = " ".join(flag for flag in others.get("XLA_FLAGS", "").split() if flag not in XLA_FLAGS)
    command = [sys.executable, "-m", "fixtures.again", str(stored.path), str(EARLY)]
    folders = [str(ROOT / "tests"), *sys.path]
    env = {**others, "XLA_FLAGS": flags, "PYTHONPATH": os.pathsep.join(filter(None, folders))}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_training_again_begins_as_a_published_curve_does():
    """One cell, another one on each day. Other machines round otherwise, and learn alike but not the same."""
    stored = random.Random(datetime.date.today().isoformat()).choice(records())
    task = load_suite(stored.record.suite.name).suite.tasks[stored.record.cell.task]
    made = begin_again(stored)
    published = decode_curves(stored.path.with_name(FILE).read_bytes())
    steps = sorted({row["env_step"] for row in made})
    assert len(steps) == EARLY + 1
    published = [row for row in published if row["env_step"] in steps]
    assert [(row["seed"], row["env_step"], row["n"]) for row in made] == [
        (row["seed"], row["env_step"], row["n"]) for row in published
    ]
    where = str(stored.path.parent.relative_to(RESULTS))
    for step in steps:
        a, b = (np.array([row["mean"] for row in rows if row["env_step"] == step]) for rows in (made, published))
        spread = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
        slack = (0.002 if step == 0 else 0.02) * (task.hard_max - task.hard_min)
        assert abs(a.mean() - b.mean()) <= 4 * spread * (step > 0) + slack, (where, step, a, b)
