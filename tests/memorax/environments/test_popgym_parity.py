"""Every POPGym task of ours equals the installed original in every step, and docs/popgym-parity.md says so."""

import dataclasses
import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("popgym", reason="the original popgym (extra 'popgym') is not installed: nothing to compare with")

from memorax.environments import popgym
from parity import FAMILIES, TASKS
from parity.comparison import SEEDS, compare, different_spaces, mismatches, play_ours, unlike
from parity.document import DRAWN, PAGE, VERSION, committed_rows, document, row
from parity.family import NOTHING
from parity.recording import record

REGENERATE = "run: PYTHONPATH=tests python -m parity --write"


@pytest.mark.parametrize(("family", "difficulty"), TASKS, ids="".join)
def test_every_step_equals_the_original(family, difficulty):
    comparison = compare(FAMILIES[family], difficulty)
    assert comparison.mismatches == {}
    assert comparison.unlike == ()
    env, params = FAMILIES[family].build(difficulty)
    assert record(FAMILIES[family], difficulty, SEEDS).played.shape[1] == env.max_episode_steps(params)
    assert row(comparison) == committed_rows().get(comparison.task), REGENERATE


def test_the_page_is_up_to_date():
    """Around its rows, each of which is compared where its task is: a whole that no process has to compute."""
    rows = committed_rows()
    assert list(rows) == ["".join(task) for task in TASKS], REGENERATE
    assert document(rows.values()) == PAGE.read_text(encoding="utf-8"), REGENERATE


def test_the_page_is_about_every_task_and_the_installed_original():
    assert {"".join(task) for task in TASKS} | FAMILIES.keys() == popgym.TASKS.keys()
    assert importlib.metadata.version("popgym") == VERSION
    assert {family for _, families, *_ in DRAWN for family in families} == FAMILIES.keys()


def test_the_tests_that_the_page_names_exist():
    for _, _, file, tests in DRAWN:
        text = (Path(__file__).parent / file).read_text(encoding="utf-8")
        for test in tests:
            assert f"def {test}(" in text, (file, test)


def test_other_spaces_are_caught():
    family = FAMILIES["CountRecall"]
    env, params = family.build("Easy")
    # Medium has more types, but as many actions; Hard has other actions as well.
    assert different_spaces(env, params, family.build_original("Medium")) == 1
    assert different_spaces(env, params, family.build_original("Hard")) == 2


def test_episodes_unlike_what_their_policy_is_for_are_caught():
    family = FAMILIES["RepeatFirst"]
    hopeless = dataclasses.replace(family, policies=family.policies | {"perfect": NOTHING})
    assert unlike(hopeless, record(family, "Easy", 2)) == ("perfect",)


def test_one_different_entry_is_one_mismatch_and_after_the_end_there_is_none():
    family = FAMILIES["NoisyPositionOnlyCartPole"]
    recording = record(family, "Easy", 1)
    ours = play_ours(family, *family.build("Easy"), recording)
    assert mismatches(ours, recording) == {}
    for name, change in {"observation": 2e-6, "reward": np.nan, "terminated": True}.items():
        one = {**ours, name: ours[name].copy()}
        one[name][0, 3] = one[name][0, 3] + change
        assert mismatches(one, recording) == {name: 1}
        after = {**ours, name: ours[name].copy()}
        after[name][~recording.played] = 9
        assert mismatches(after, recording) == {}
