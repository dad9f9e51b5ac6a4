"""Tier 0 of records on the track lr4: what they say of their learning rate."""

import pytest

from fixtures import submissions
from fixtures.submissions import altered, sealed_anew
from memorax_bench.submission.reading import read_submission
from memorax_bench.submission.tier0 import tier0
from memorax_bench.suite.choices import choices_text
from memorax_bench.suite.load import load_suite
from memorax_bench.suite.schema import Tuned
from memorax_bench.suite.tracks import SUITE, settings_hash
from memorax_bench.suite.trials import tuning_on

ARGUMENTS = ["track=lr4", "torsos=gru", "tasks=higher-lower"]
SCORES = {1e-4: 0.1, 3e-4: 0.5, 1e-3: 0.49, 3e-3: 0.2}


@pytest.fixture
def forge(tmp_path):
    """Changes one leaf of a valid record, makes every hash anew, and says what tier 0 finds."""
    tuning = tuning_on(load_suite(SUITE))
    (cell,) = load_suite("smoke", ARGUMENTS).cells
    settings = settings_hash(cell.config, tuning.benchmark_hash)
    chosen = {"ppo/gru": Tuned(learning_rate=3e-4, scores=SCORES, settings=settings)}
    (tmp_path / "tuned.yaml").write_text(choices_text("smoke", tuning, chosen))
    suite = load_suite("smoke", [*ARGUMENTS, f"+include={tmp_path / 'tuned.yaml'}"])
    (folder,) = submissions.fill(tmp_path / "results", suite)

    def forge(path, value) -> str:
        record, _ = submissions.make_record(suite, suite.cells[0])
        submissions.rewrite(folder, sealed_anew(altered(record, path, lambda _: value)))
        return "\n".join(map(str, tier0(read_submission(tmp_path / "results"), [suite])))

    return forge


def test_nothing_is_wrong(forge):
    assert forge("cell.track", "lr4") == ""


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ("cell.tuning.suite", "mine@1", "cell.tuning.suite: mine@1; on the track lr4 it is tuning@1"),
        ("cell.tuning.benchmark_hash", "0" * 64, "cell.tuning.benchmark_hash: 0000"),
        ("cell.tuning.trials", 40, "cell.tuning.trials: 40; on the track lr4 it is 4"),
        ("cell.tuning.seeds", [10**6], "cell.tuning.seeds: (1000000,); on the track lr4"),
        ("cell.tuning.env_steps", 1, "cell.tuning.env_steps: 1; on the track lr4 it is 3145728"),
        ("cell.tuning.scores", {"0.0003": 1.0, "0.5": 0.0}, "cell.tuning.scores: not those of 1e-4, 3e-4, 1e-3, 3e-3"),
        ("cell.tuning.scores.0.0001", 0.2, "cell.tuning.scores.0.0001: 0.2; smoke@0 says 0.1"),
    ],
)
def test_what_is_refused(forge, path, value, why):
    assert why in forge(path, value)
