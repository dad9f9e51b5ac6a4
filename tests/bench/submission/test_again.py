"""A cell that was really trained, submitted, verified by training it again, and with seeds that nobody knew."""

import shutil

import pytest

from fixtures import runs, submissions
from memorax_bench import errors
from memorax_bench.suite.load import load_suite
from memorax_bench.verbs.submitting import submit_records
from memorax_bench.verbs.verifying import Asked, verify_path

ARGUMENTS = ("tasks=higher-lower", "torsos=[gru]", *runs.SHORT)


@pytest.fixture(scope="module")
def suite():
    return load_suite("smoke", ARGUMENTS)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    assert runs.run(results, *ARGUMENTS, seed_batch=3) == errors.EXIT_OK
    return results


def test_what_was_trained_is_verified_by_training_it_again(results, suite, tmp_path, capsys):
    file = tmp_path / "mine.tar.gz"
    assert submit_records(suite, ["suite=smoke", *ARGUMENTS], results, file) == errors.EXIT_OK
    assert verify_path(file, [suite], Asked(tier=2, seed=1, launcher="inline")) == errors.EXIT_OK
    said = capsys.readouterr().out
    assert "tier 0: 1 record computed anew, nothing refused" in said
    assert "tier 1: 1 record traced: 1 with the programs and costs of this code" in said
    assert "higher-lower ppo/gru  0-1    the same, bit for bit" in said
    assert "tier 2: fresh seeds" in said and "stands" in said


def test_what_tier_0_cannot_tell_tier_1_does(results, suite, tmp_path, capsys):
    (stored,) = runs.records(results)
    halved = submissions.altered(stored.record, "gates.replay_equals_rollout.max_rel", lambda error: error / 2)
    forged = submissions.sealed_anew({**halved, "cost": {**halved["cost"], "parameters": 9999}})
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    submissions.rewrite(tmp_path / stored.path.parent.relative_to(results), forged)
    assert verify_path(tmp_path, [suite], Asked()) == errors.EXIT_OK
    assert verify_path(tmp_path, [suite], Asked(tier=1, launcher="inline")) == errors.EXIT_INVALID
    said = capsys.readouterr().out
    assert "cost.parameters: 9999; of this configuration it is" in said
    assert "gates.replay_equals_rollout.max_rel: " in said and "; run again it is " in said
