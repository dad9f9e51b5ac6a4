"""The record that is made of a job and of what its chunk measured."""

import pickle
from pathlib import Path

import pytest

from fixtures.submissions import CODE, make_course
from memorax_bench.cell.runner import ChunkResult
from memorax_bench.cell.scoring import curve_rows, results
from memorax_bench.code_hash import CodeHash
from memorax_bench.records.curves import encode_curves
from memorax_bench.records.store import Scan
from memorax_bench.running.assemble import make_record
from memorax_bench.running.job import jobs_of
from memorax_bench.running.plan import plan
from memorax_bench.suite.choices import choices_text
from memorax_bench.suite.load import load_suite
from memorax_bench.suite.schema import Tuned
from memorax_bench.suite.tracks import SUITE, settings_hash
from memorax_bench.suite.trials import tuning_on

SCORES = {1e-4: 0.1, 3e-4: 0.5, 1e-3: 0.2, 3e-3: 0.3}
CELL = ["torsos=gru", "tasks=higher-lower"]
COST = {"parameters": 2, "torso_parameters": 1, "state_bytes": 4, "flops_per_env_step": None, "temp_bytes": None}
TIMING = {"trace": 1.0, "compile": 1.0, "cache": "off", "steady": [1.0], "eval": 1.0}


@pytest.fixture
def record_of():
    """A resolved suite of one cell -> the record of its first chunk, after the way to a worker."""

    def record_of(suite):
        (cell,) = suite.cells
        made = plan(suite, Scan(), {cell.labels: CodeHash(CODE, {})}, "cpu")
        job = pickle.loads(pickle.dumps(jobs_of(suite, made.actions[0], Path("r"), ("suite=smoke",))[0]))
        course, seeds = make_course(cell, job.run.seeds), job.run.seeds
        measured = ChunkResult(
            steps_done=cell.config["protocol"]["total_env_steps"],
            results=results(course, seeds),
            curves=encode_curves(curve_rows(course, seeds)),
            gates={},
            cost=COST,
            timing=TIMING,
            steps_per_s=1.0,
            diverged={},
        )
        return make_record(job, "0" * 64, measured)

    return record_of


def test_a_record_says_its_track_and_what_finding_its_settings_took(record_of, tmp_path):
    fixed = record_of(load_suite("smoke", CELL))
    assert (fixed.cell.track, fixed.cell.tuning) == ("fixed", None)

    opened = record_of(
        load_suite("smoke", [*CELL, "track=open", "tuning={trials: 9, seeds: [1_000_000], env_steps: 1e6}"])
    )
    assert (opened.cell.track, opened.cell.tuning.trials) == ("open", 9)
    assert opened.cell.config_hash == fixed.cell.config_hash and opened.run_id != fixed.run_id

    tuning = tuning_on(load_suite(SUITE))
    (cell,) = load_suite("smoke", [*CELL, "track=lr4"]).cells
    chosen = Tuned(learning_rate=3e-4, scores=SCORES, settings=settings_hash(cell.config, tuning.benchmark_hash))
    (tmp_path / "tuned.yaml").write_text(choices_text("smoke", tuning, {"ppo/gru": chosen}))
    tuned = record_of(load_suite("smoke", [*CELL, "track=lr4", f"+include={tmp_path / 'tuned.yaml'}"]))
    assert (tuned.cell.track, tuned.cell.tuning.scores, tuned.cell.tuning.suite) == ("lr4", SCORES, "tuning@1")
    assert tuned.cell.config["algorithm"]["settings"]["learning_rate"] == 3e-4
