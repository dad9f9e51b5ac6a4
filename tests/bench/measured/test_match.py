"""Torsos of one size: the shipped widths are what the search finds, and cost what they say."""

import dataclasses

import flax.linen as nn
import pytest

from memorax.networks.sequence_models.base import as_sequence_model
from memorax.registry import SEQUENCE_MODELS, resolve
from memorax_bench.cell.build import build, build_torso
from memorax_bench.cell.cost import torso_cost
from memorax_bench.measured.matched import (
    INPUTS,
    MATCHED_FILE,
    OBSERVED,
    TOLERANCE,
    TRACKS,
    encode_matches,
    load_matches,
    track_text,
)
from memorax_bench.measured.matching import match
from memorax_bench.suite.load import load_suite, suites_folder


@pytest.mark.parametrize("track", TRACKS)
def test_every_torso_is_listed_and_costs_what_is_said(track):
    found = load_matches()[track]
    assert set(found) == {*SEQUENCE_MODELS, "mlp-prev"}
    for label, entry in found.items():
        torso = build_torso({"type": entry.entry.get("type", label), "settings": entry.settings})
        cost = torso_cost(torso, OBSERVED if entry.entry.get("inputs") == ["observation"] else INPUTS)
        assert dataclasses.asdict(cost) == entry.model_dump(include={"parameters", "flops", "state_bytes"}), label
        assert abs(getattr(cost, track) / TRACKS[track] - 1) <= TOLERANCE, label


@pytest.mark.parametrize("name", ["gru", "lru", "mamba2"])
def test_the_search_finds_the_shipped_width(name):
    for track, found in load_matches().items():
        assert match(resolve(SEQUENCE_MODELS[name]), track) == found[name]


def test_no_other_width_is_nearer():
    settings = match(resolve(SEQUENCE_MODELS["gru"]), "parameters").settings
    off = {
        features: abs(
            torso_cost(build_torso({"type": "gru", "settings": {"features": features}}), INPUTS).parameters - 50_000
        )
        for features in range(settings["features"] - 2, settings["features"] + 3)
    }
    assert min(off, key=off.get) == settings["features"]


def test_the_files_are_written_from_the_data():
    assert encode_matches(load_matches()) == MATCHED_FILE.read_text(encoding="utf-8")
    for track, found in load_matches().items():
        assert track_text(track, found) == (suites_folder() / "torsos" / f"{track}.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(("suite", "algorithms"), [("memory", "memory"), ("navix", "memory"), ("control", "control")])
@pytest.mark.parametrize("track", TRACKS)
def test_torsos_of_the_suites_are_matched(suite, algorithms, track):
    """The inputs that a torso reads there are those that it was matched at."""
    include = f"include=[algorithms/{algorithms}.yaml,torsos/{track}.yaml]"
    cells = load_suite(suite, [include, "torsos=[mlp,gru]"]).cells[:2]
    for cell in cells:
        experiment = build(cell.config)
        assert experiment.torso_inputs == (OBSERVED if cell.torso_label == "mlp" else INPUTS)
        cost = torso_cost(experiment.torso, experiment.torso_inputs)
        assert abs(getattr(cost, track) / TRACKS[track] - 1) <= TOLERANCE


class Stubborn(nn.Module):
    """Of one size, whatever its width."""

    features: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(7)(x)


def test_a_torso_that_cannot_be_of_that_size_is_refused():
    assert torso_cost(as_sequence_model(Stubborn(3)), INPUTS).parameters == 7 * INPUTS + 7
    with pytest.raises(
        ValueError, match=r"Stubborn: no features give 50,000 parameters within 5%; nearest: 1,358 with"
    ):
        match(Stubborn, "parameters")
