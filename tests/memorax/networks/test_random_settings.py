"""The laws on settings that nobody chose: whatever a Config accepts has to work, and what cannot work it refuses."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.torso_laws import cell_of, laws
from memorax.networks import as_sequence_model
from memorax.networks.laws import TOLERANCE, variants
from memorax.networks.sequence_models.attention import POSITIONS
from memorax.networks.sequence_models.rtu import ACTIVATIONS
from memorax.registry import SEQUENCE_MODELS, resolve

TRIES = 3  # of each torso; every one is a program to compile

_WORDS = {"position": POSITIONS, "activation": tuple(ACTIVATIONS)}
# Heads of two or three values would be normalised to signs, whose rounding no tolerance describes.
_SIZES = {"features": (8, 12, 24), "head_dim": (4, 6, 8), "num_heads": (1, 2, 3), "memory_dim": (3, 5, 8)}
_SMALL = (1, 2, 3, 5, 7)


def settings_of(name):
    """Settings that the Config of a registered torso accepts; numbers that are not sizes keep their defaults."""
    config = next(field.type for field in dataclasses.fields(resolve(SEQUENCE_MODELS[name])) if field.name == "config")
    drawn = {}
    for field in dataclasses.fields(config):
        sizes = st.sampled_from(_SIZES.get(field.name, _SMALL))
        if field.type is int:
            drawn[field.name] = sizes
        elif field.type == int | None:
            drawn[field.name] = st.none() | sizes
        elif field.type is bool:
            drawn[field.name] = st.booleans()
        elif field.type is str:
            drawn[field.name] = st.sampled_from(_WORDS[field.name])

    def accepted(values):
        try:
            config(**values)
        except ValueError:
            return False
        return True

    return st.fixed_dictionaries(drawn).filter(accepted)


@pytest.mark.slow
@pytest.mark.parametrize("name", SEQUENCE_MODELS)
def test_laws_on_random_settings(name):
    @settings(max_examples=TRIES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(settings_of(name))
    def check(values):
        for strategy, model in variants(as_sequence_model(cell_of(name, values))).items():
            broken = {law: value for law, value in laws(model).items() if not value < TOLERANCE}
            assert broken == {}, (strategy, values)

    check()
