"""Bounds of tasks: the data, the document and the suites agree, and the numbers come out again."""

import jax.numpy as jnp
import numpy as np
import pytest

from memorax.environments import make
from memorax_bench.measured import bounding, oracles
from memorax_bench.measured.bounds import DOCUMENT, Bound, Bounds, document, key, load_bounds
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.load import load_suite, shipped_suites

BOUNDS = load_bounds()


def test_the_document_is_made_of_the_data():
    assert DOCUMENT.read_text(encoding="utf-8") == document(BOUNDS), "run: memorax-bench bounds --write"


def test_the_data_holds_every_bounded_task_and_every_popgym_task_is_bounded():
    assert list(BOUNDS) == bounding.names()
    ids = {name for name in load_catalogue().tasks if name.startswith("popgym::")}
    assert ids - BOUNDS.keys() == {name for name in ids if not name.endswith(("Easy", "Medium", "Hard"))}


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_are_in_order_and_random_play_meets_an_exact_floor(name):
    bounds = BOUNDS[name]
    values = [bounds.hard_min, bounds.floor.value, *([bounds.ceiling.value] if bounds.ceiling else []), bounds.hard_max]
    assert values == sorted(values)
    assert bounds.random.n == (256 if name.startswith("brax::") else bounding.EPISODES)
    if bounds.floor.kind == "exact":
        assert abs(bounds.random.value - bounds.floor.value) < 4 * bounds.random.standard_error + 1e-4
    else:
        assert bounds.floor == bounds.random


@pytest.mark.parametrize("name", shipped_suites())
def test_suites_repeat_the_data(name):
    """Drafts to the digit; a published suite keeps the numbers it was published with, as long as they are true."""
    suite = load_suite(name).suite
    for label, task in suite.tasks.items():
        known = BOUNDS.get(key(task.id, task.kwargs))
        assert known is not None, f"{label}: no bounds are known of {key(task.id, task.kwargs)}"
        assert (task.hard_min, task.hard_max) == (known.hard_min, known.hard_max), label
        for value, bound in ((task.floor, known.floor), (task.ceiling, known.ceiling)):
            if bound is None or suite.version == 0:
                assert value == (bound and bound.value), label
            else:
                assert value == pytest.approx(bound.value, abs=4 * (bound.standard_error or 0)), label
        if known.ceiling is None:
            assert not task.rank, f"{label} has no ceiling, so it cannot be ranked"
        elif suite.version == 0:
            found = (task.kind, task.n, task.standard_error)
            assert found == (known.ceiling.kind, known.ceiling.n, known.ceiling.standard_error), label


@pytest.mark.parametrize("name", ["popgym::HigherLowerEasy", "gymnax::MetaMaze-misc"])
def test_measuring_again_gives_the_same(name):
    (again,) = bounding.measure([name]).values()
    for one, other in ((again.random, BOUNDS[name].random), (again.ceiling, BOUNDS[name].ceiling)):
        assert one.value == pytest.approx(other.value, abs=0.1 * other.standard_error)
        assert (one.n, one.kind, one.source) == (other.n, other.kind, other.source)


def test_the_way_through_a_maze_by_hand():
    """######
    #  # #   the right room is reached by the row below
    #    #
    ######"""
    free = np.array([[0, 0, 0, 0, 0, 0], [0, 1, 1, 0, 1, 0], [0, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 0]])
    steps = oracles._distances(free)
    assert steps[1, 1, 1, 4] == 5
    assert steps[1, 1, 1, 1] == 0
    assert steps[1, 2, 2, 2] == 1
    assert jnp.isinf(steps[1, 1, 1, 3])


def test_what_is_revealed_has_no_space():
    env, params = make("gymnax::MetaMaze-misc")
    with pytest.raises(ValueError, match="has no space"):
        oracles.Revealed(env, lambda state: state.goal).observation_space(params)


def test_the_document_says_what_is_known_and_what_is_not():
    random = Bound(value=0.12345678, kind="measured", source="uniform random play", n=10_000, standard_error=0.0123)
    text = document({"a::b": Bounds(hard_min=-1, hard_max=1000, floor=random, random=random)})
    assert text.splitlines()[-1] == (
        "| `a::b` | -1 .. 1000 | 0.1235 (0.0123) | 0.1235 (random) | - | - | - | no ceiling is known |"
    )
