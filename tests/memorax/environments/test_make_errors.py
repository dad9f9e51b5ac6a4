import pytest

from memorax import registry
from memorax.environments import make


def message(error, name, **kwargs):
    with pytest.raises(error) as caught:
        make(name, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "kwargs", "words"),
    [
        ("RepeatPreviousEasy", {}, ["'RepeatPreviousEasy'", "namespace::id", "popgym::RepeatPreviousEasy"]),
        ("popgim::RepeatPreviousEasy", {}, ["namespace", "'popgim'", "Did you mean 'popgym'", "gymnax"]),
        ("popgym::RepeatPreviusEasy", {}, ["'RepeatPreviusEasy'", "Did you mean 'RepeatPreviousEasy'", "HigherLower"]),
        ("popgym::", {}, ["popgym task", "''", "Known:", "RepeatFirst"]),
        ("gymnax::CartPole", {}, ["'CartPole'", "Did you mean 'CartPole-v1'", "MemoryChain-bsuite"]),
        ("popgym::RepeatPrevious", {"lag": 3}, ["RepeatPrevious", "'lag'", "capacity, k, num_decks"]),
        ("popgym::RepeatPreviousEasy", {"lag": 3}, ["RepeatPreviousEasy", "'lag'", "Known: capacity"]),
        ("popgym::RepeatPreviousEasy", {"k": 8}, ["fixes k=4", "popgym::RepeatPrevious'"]),
        ("popgym::HigherLower", {"num_deck": 3}, ["'num_deck'", "Did you mean 'num_decks'"]),
        (
            "gymnax::MemoryChain-bsuite",
            {"memory": 3},
            ["'memory'", "memory_length", "num_bits", "max_steps_in_episode"],
        ),
        ("gymnax::MountainCar-v0", {"args": 3}, ["'args'", "gravity"]),
        ("gymnax::MemoryChain-bsuite", {"memory_length": 1000}, ["1000", "max_steps_in_episode=1001"]),
        ("popgym::RepeatPrevious", {"k": 0}, ["RepeatPrevious", "k is 0", ">= 1"]),
        ("popgym::RepeatPrevious", {"k": 2.0}, ["k is 2.0", "integer"]),
        ("popgym::RepeatPrevious", {"k": 52}, ["k is 52", "1 deck", "below 52", "raise num_decks"]),
        ("popgym::RepeatPrevious", {"k": 8, "capacity": 7}, ["k is 8", "capacity 7", "at least 8"]),
        ("popgym::RepeatPrevious", {"k": 1, "capacity": 0}, ["capacity is 0", ">= 1"]),
        ("popgym::RepeatPrevious", {"num_decks": 0}, ["num_decks is 0", ">= 1"]),
        ("popgym::RepeatFirst", {"num_decks": -1}, ["RepeatFirst", "num_decks is -1", ">= 1"]),
        ("popgym::HigherLower", {"num_decks": True}, ["HigherLower", "num_decks is True", "integer"]),
    ],
)
def test_errors_name_the_value_what_is_allowed_and_the_fix(name, kwargs, words):
    text = message(ValueError, name, **kwargs)
    assert all(word in text for word in words), text


@pytest.mark.parametrize(
    ("namespace", "fix"),
    [("navix", "pip install 'memorax-bench[navix]'"), ("mine", "pip install 'a_library_nobody_has'")],
)
def test_a_missing_library_says_what_to_install(namespace, fix, monkeypatch):
    def adapter(environment_id):
        import a_library_nobody_has  # noqa: F401

    monkeypatch.setitem(registry.ENVIRONMENTS, namespace, "adapter")
    monkeypatch.setattr(registry, "resolve", lambda path: adapter)
    text = message(ModuleNotFoundError, f"{namespace}::Memory")
    assert all(word in text for word in (f"'{namespace}::Memory'", "'a_library_nobody_has'", "not installed", fix)), (
        text
    )


def test_options_and_fixed_options_combine():
    env, params = make("popgym::RepeatPreviousEasy", capacity=64)
    assert (env.capacity, params.k, params.num_decks) == (64, 4, 1)
    env, params = make("popgym::RepeatPrevious", k=8, num_decks=1)
    assert (env.capacity, params.k, params.num_decks) == (8, 8, 1)
    assert make("popgym::RepeatFirst", num_decks=16) == make("popgym::RepeatFirstHard")
