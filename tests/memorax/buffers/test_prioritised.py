"""Priorities: what is drawn how often, which windows they belong to, and what they are computed from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from memorax.buffers import importance_weights, make_prioritised_episode_buffer, mixed_priority, sum_tree

EXPONENT = 0.6
NUM_ENVS, CAPACITY, LENGTH = 2, 6, 3
BUFFER = make_prioritised_episode_buffer(NUM_ENVS * CAPACITY, 1, 256, LENGTH, NUM_ENVS, priority_exponent=EXPONENT)
ADD, SAMPLE, SET = jax.jit(BUFFER.add), jax.jit(BUFFER.sample), jax.jit(BUFFER.set_priorities)
EVERY = jnp.zeros(256, jnp.int32)  # indices and priorities have one shape, so that there is one program


def grown(state, first, steps):
    """Steps are numbered 100 * environment + time."""
    for time in range(first, first + steps):
        state = ADD(state, 100 * jnp.arange(NUM_ENVS, dtype=jnp.int32)[:, None] + time, ())
    return state


@pytest.fixture(scope="module")
def full():
    """After 9 steps of each environment: windows of steps 3-5, 4-6, 5-7, 6-8."""
    return grown(BUFFER.init(jnp.int32(0), ()), 0, 9)


def of_windows(sample):
    """First step -> (index, probability)."""
    columns = (np.asarray(sample.experience)[:, 0], np.asarray(sample.indices), np.asarray(sample.probabilities))
    return {int(first): (int(index), float(probability)) for first, index, probability in zip(*columns, strict=True)}


def put(state, priorities):
    """`set_priorities` of {index: priority}."""
    indices, values = list(priorities), list(priorities.values())
    pad = 256 - len(indices)
    return SET(state, jnp.array(indices + indices[:1] * pad, jnp.int32), jnp.array(values + values[:1] * pad))


def same(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


# --- the tree ---


@settings(max_examples=5, derandomize=True, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 10), st.floats(0, 1e6)), min_size=4, max_size=4), max_size=20))
def test_every_sum_is_that_of_its_children_exactly(rounds):
    tree, model = sum_tree.empty(11), dict.fromkeys(range(11), np.float32(0))
    for pairs in rounds:
        leaves, weights = (jnp.array(column) for column in zip(*pairs, strict=True))
        tree = PUT(tree, leaves, weights.astype(jnp.float32), jnp.ones(4, bool))
        for leaf, _ in pairs:  # the largest of those that were set together
            model[leaf] = np.float32(max(weight for other, weight in pairs if other == leaf))
    nodes = np.asarray(tree)
    assert nodes.shape == (32,)
    np.testing.assert_array_equal(nodes[16:27], list(model.values()))
    np.testing.assert_array_equal(nodes[27:], 0)
    for node in range(1, 16):
        assert nodes[node] == nodes[2 * node] + nodes[2 * node + 1]


PUT = jax.jit(sum_tree.put)


def test_a_leaf_that_is_left_out_is_left_alone():
    tree = PUT(sum_tree.empty(11), jnp.arange(4), jnp.ones(4), jnp.ones(4, bool))
    same(PUT(tree, jnp.array([0, 1, 16, -3]), jnp.full(4, 9.0), jnp.zeros(4, bool)), tree)


def test_one_leaf_is_a_tree():
    tree = sum_tree.put(sum_tree.empty(1), jnp.array([0]), jnp.array([2.0]), jnp.array([True]))
    assert sum_tree.total(tree) == sum_tree.get(tree, jnp.array([0])) == 2
    assert sum_tree.draw(tree, jax.random.key(0), 3).tolist() == [0, 0, 0]


def test_an_empty_tree_has_a_leaf_to_draw():
    assert sum_tree.draw(sum_tree.empty(11), jax.random.key(0), 3).tolist() == [0, 0, 0]


def test_draws_follow_weights_over_many_magnitudes():
    weights = jnp.array([0.0, 1e6, 3e6, 0.0, 1e-30, 2e6, 0.0, 0.0, 4e6, 0.0, 0.0])
    tree = sum_tree.put(sum_tree.empty(11), jnp.arange(11), weights, jnp.ones(11, bool))
    drawn = np.bincount(np.asarray(sum_tree.draw(tree, jax.random.key(0), 20_000)), minlength=11)
    assert drawn[np.asarray(weights) < 1].sum() == 0
    assert chisquare(drawn[[1, 2, 5, 8]], [2000, 6000, 4000, 8000]).pvalue > 1e-3
    rare = sum_tree.put(tree, jnp.arange(11), jnp.where(weights > 1, 0.0, weights), jnp.ones(11, bool))
    assert set(np.asarray(sum_tree.draw(rare, jax.random.key(0), 100)).tolist()) == {4}


# --- the buffer ---


def test_draws_follow_priorities(full):
    windows = of_windows(SAMPLE(full, jax.random.key(0)))
    assert sorted(windows) == [3, 4, 5, 6, 103, 104, 105, 106]
    priorities = dict(zip(sorted(windows), [0.0, 1.0, 2.0, 3.0, 0.5, 10.0, 0.25, 7.0], strict=True))
    state = put(full, {windows[first][0]: priority for first, priority in priorities.items()})
    weights = {first: priority**EXPONENT for first, priority in priorities.items()}
    expected = {first: weight / sum(weights.values()) for first, weight in weights.items()}
    samples = [SAMPLE(state, jax.random.key(n)) for n in range(40)]
    for first, (_, probability) in of_windows(samples[0]).items():
        np.testing.assert_allclose(probability, expected[first], rtol=1e-6)
    drawn = np.concatenate([np.asarray(sample.experience)[:, 0] for sample in samples])
    counts = {first: (drawn == first).sum() for first in expected}
    assert counts.pop(3) == 0
    assert chisquare(list(counts.values()), [expected[first] * len(drawn) for first in counts]).pvalue > 1e-3


def test_new_windows_get_the_largest_priority_so_far(full):
    windows = of_windows(SAMPLE(full, jax.random.key(0)))
    state = put(full, {windows[3][0]: 4.7})  # overwritten by the next step, and still the largest
    state = put(state, {windows[6][0]: 0.1})
    largest, small = 4.7**EXPONENT, 0.1**EXPONENT
    windows = of_windows(SAMPLE(grown(state, 9, 1), jax.random.key(1)))
    weights = {4: 1, 5: 1, 6: small, 7: largest, 104: 1, 105: 1, 106: 1, 107: largest}
    assert sorted(windows) == sorted(weights)
    for first, (_, probability) in windows.items():
        np.testing.assert_allclose(probability, weights[first] / sum(weights.values()), rtol=1e-5)


@pytest.mark.parametrize("later", [1, 2, 5, 6, 7, 11, 12, 13, 30])
def test_an_index_never_speaks_of_another_window(full, later):
    """Steps later, windows that are still whole take their priority and those overwritten none."""
    old = of_windows(SAMPLE(full, jax.random.key(0)))
    state = grown(full, 9, later)
    new = put(state, {index: 5.0 for index, _ in old.values()})
    windows = of_windows(SAMPLE(new, jax.random.key(1)))
    weights = {first: 5.0**EXPONENT if first in old else 1.0 for first in windows}
    assert len(windows) == 8 and sum(first in old for first in windows) == 2 * max(0, 4 - later)
    for first, (_, probability) in windows.items():
        np.testing.assert_allclose(probability, weights[first] / sum(weights.values()), rtol=1e-5)
    if later >= 4:
        same(new, state)


def test_all_can_be_overwritten_at_once(full):
    old = of_windows(SAMPLE(full, jax.random.key(0)))
    steps = 100 * jnp.arange(NUM_ENVS, dtype=jnp.int32)[:, None] + jnp.arange(9, 9 + CAPACITY, dtype=jnp.int32)
    at_once = jax.jit(BUFFER.add)(full, steps, ())
    same(at_once, grown(full, 9, CAPACITY))
    same(put(at_once, {index: 5.0 for index, _ in old.values()}), at_once)


def test_numbers_of_windows_start_again(full):
    """A ring that was filled as often as can be counted goes on as one that was filled once."""
    worn = full.replace(lap=jnp.int32(BUFFER.laps - 1))
    before = of_windows(SAMPLE(worn, jax.random.key(0)))
    assert 2**31 - 2 * NUM_ENVS * CAPACITY < max(index for index, _ in before.values()) < 2**31
    worn, fresh = grown(worn, 9, 5), grown(full, 9, 5)
    assert worn.lap == 0
    after = of_windows(SAMPLE(worn, jax.random.key(1)))
    assert min(index for index, _ in after.values()) >= 0
    same(put(worn, {index: 5.0 for index, _ in before.values()}), worn)
    fresh_after = of_windows(SAMPLE(fresh, jax.random.key(1)))
    both = [put(worn, {after[9][0]: 5.0}), put(fresh, {fresh_after[9][0]: 5.0})]
    same(both[0].weights, both[1].weights)
    np.testing.assert_allclose(both[0].largest, 5.0**EXPONENT, rtol=1e-6)


@pytest.mark.parametrize("priority", [-1.0, np.nan, np.inf])
def test_what_is_no_priority_changes_nothing(full, priority):
    index = of_windows(SAMPLE(full, jax.random.key(0)))[4][0]
    same(put(full, {index: priority}), full)


def test_a_negative_priority_has_no_power():
    """Not even the first."""
    buffer = make_prioritised_episode_buffer(4, 1, 4, 4, 1, priority_exponent=1.0)
    state = jax.jit(buffer.add)(buffer.init(jnp.int32(0), ()), jnp.arange(4, dtype=jnp.int32)[None], ())
    same(buffer.set_priorities(state, jnp.zeros(4, jnp.int32), -jnp.ones(4)), state)


def test_an_index_that_was_never_sampled_changes_nothing(full):
    newest = 1 * NUM_ENVS * CAPACITY + 2  # of the step added last: its window is not whole
    same(put(full, {newest: 5.0}), full)


def test_of_two_priorities_for_one_window_the_larger_stays(full):
    index = of_windows(SAMPLE(full, jax.random.key(0)))[4][0]
    indices, halves = EVERY + index, jnp.where(jnp.arange(256) < 128, 3.0, 2.0)
    same(SET(full, indices, halves), SET(full, indices, halves[::-1]))
    np.testing.assert_allclose(SET(full, indices, halves).largest, 3.0**EXPONENT, rtol=1e-6)


def test_a_window_of_priority_zero_comes_back_when_it_is_set():
    buffer = make_prioritised_episode_buffer(4, 1, 4, 4, 1)
    state = jax.jit(buffer.add)(buffer.init(jnp.int32(0), ()), jnp.arange(4, dtype=jnp.int32)[None], ())
    indices = buffer.sample(state, jax.random.key(0)).indices
    none = buffer.set_priorities(state, indices, jnp.zeros(4))
    assert buffer.can_sample(state) and not buffer.can_sample(none)
    assert buffer.can_sample(buffer.set_priorities(none, indices, jnp.ones(4)))


# --- what an algorithm computes ---


def test_importance_weights_by_hand():
    probabilities = jnp.array([0.5, 0.125, 0.25])
    np.testing.assert_allclose(importance_weights(probabilities, 1.0), [0.25, 1.0, 0.5])
    np.testing.assert_allclose(importance_weights(probabilities, 0.5), [0.5, 1.0, 0.5**0.5])
    np.testing.assert_allclose(importance_weights(probabilities, 0.0), [1.0, 1.0, 1.0])


def test_importance_weights_undo_the_priorities(full):
    """At beta = 1 the weighted frequency of every window is the same."""
    windows = of_windows(SAMPLE(full, jax.random.key(0)))
    state = put(full, {index: 1.0 + first % 7 for first, (index, _) in windows.items()})
    probability = np.array([value for _, value in of_windows(SAMPLE(state, jax.random.key(0))).values()])
    weighted = probability * np.asarray(importance_weights(jnp.array(probability), 1.0))
    np.testing.assert_allclose(weighted, weighted[0], rtol=1e-5)


def test_mixed_priority_by_hand():
    errors = jnp.array([[1.0, -4.0, 1.0, 100.0], [5.0, 5.0, 5.0, 5.0], [2.0, -3.0, 0.0, 1.0]])
    mask = jnp.array([[True, True, True, False], [False] * 4, [True] * 4])
    np.testing.assert_allclose(mixed_priority(errors, mask), [0.9 * 4 + 0.1 * 2, 0.0, 0.9 * 3 + 0.1 * 1.5], rtol=1e-6)
    np.testing.assert_allclose(mixed_priority(errors, mask, eta=0.0), [2.0, 0.0, 1.5])
