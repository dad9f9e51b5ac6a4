"""A defect in a memory task shows in its comparison with the original, and in nothing but what it touches."""

import dataclasses

import jax
import numpy as np
import pytest

from memorax.environments import make
from memorax.environments.popgym import autoencode, concentration, count_recall

pytest.importorskip("popgym", reason="the original popgym (extra 'popgym') is not installed: nothing to compare with")

from parity import FAMILIES
from parity.comparison import mismatches, play_ours
from parity.recording import record


def recorded(family):
    return record(FAMILIES[family], "Easy", 3)


def found(family, env=None, params=None, **changes):
    """The mismatches of `env` (default: ours), where `changes` to what was recorded are what it is given."""
    if env is None:
        env, params = FAMILIES[family].build("Easy")
    given = dataclasses.replace(recorded(family), **changes)
    return mismatches(play_ours(FAMILIES[family], env, params, given), recorded(family))


def test_a_lag_off_by_one_is_caught():
    assert found("RepeatPrevious", *make("popgym::RepeatPrevious", k=5)).keys() == {"reward"}


def test_a_deck_dealt_from_the_wrong_end_is_caught():
    order = recorded("HigherLower").hidden["order"][:, ::-1]
    assert found("HigherLower", hidden={"order": order}).keys() >= {"observation", "reward"}


def test_an_episode_of_another_length_is_caught():
    order = np.tile(recorded("RepeatFirst").hidden["order"], 2)
    env, params = make("popgym::RepeatFirst", num_decks=2)
    assert found("RepeatFirst", env, params, hidden={"order": order}).keys() == {"terminated", "reward"}


def test_a_mode_one_step_late_is_caught():
    class Late(autoencode.Autoencode):
        def step_env(self, key, state, action, params):
            (_, suit), *rest = super().step_env(key, state, action, params)
            num_cards = 52 * params.num_decks
            mode = jax.numpy.where(state.deck.dealt == num_cards, autoencode.PLAY, autoencode.WATCH)
            return (mode.astype(np.int32), suit), *rest

    num_episodes = len(recorded("Autoencode").first)
    assert found("Autoencode", Late(), autoencode.AutoencodeParams()) == {"observation": num_episodes}


def test_answers_in_dealing_order_are_caught():
    assert found("Autoencode", action=recorded("Autoencode").action[:, ::-1]).keys() == {"reward"}


def test_a_count_without_the_card_shown_is_caught():
    class Before(count_recall.CountRecall):
        def _due(self, state):
            value = state.values.order[state.values.dealt - 1]
            return super()._due(state) - (value == state.query)

    assert found("CountRecall", Before(), count_recall.CountRecallParams()).keys() == {"reward"}


def test_a_pair_that_is_never_visible_is_caught():
    class Hidden(concentration.Concentration):
        def step_env(self, key, state, action, params):
            _, state, *rest = super().step_env(key, state, action, params)
            full = self.full_state(state, params)
            visible = (full["face_up"] == 1) | (np.arange(self.num_cards) == state.first)
            return jax.numpy.where(visible, full["cells"], self.num_types), state, *rest

    env = Hidden(1, "colors")
    assert found("Concentration", env, concentration.ConcentrationParams()).keys() == {"observation"}


def test_one_draw_off_is_caught():
    draws = np.roll(recorded("MultiarmedBandit").inputs["draw"], 1, axis=1)
    assert found("MultiarmedBandit", inputs={"draw": draws}).keys() == {"observation", "reward"}


@pytest.mark.parametrize("difficulty", ["Easy", "Medium", "Hard"])
def test_an_agent_that_remembers_pairs_up_more_than_a_random_one(difficulty):
    """So that the comparison of Concentration sees boards in all stages of being cleared."""
    recording = record(FAMILIES["Concentration"], difficulty, 3)
    returns = (recording.shown["reward"] * recording.played).sum(1).reshape(3, -1).T
    by_policy = dict(zip(FAMILIES["Concentration"].policies, returns, strict=True))
    assert (by_policy["remember"] > by_policy["random"] + 0.3).all()
