"""Both buffers against lists: what is sampled was added, and all of it that is still whole can be sampled."""

import functools
import io

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from memorax.buffers import make_episode_buffer, make_prioritised_episode_buffer

MAKERS = {"uniform": make_episode_buffer, "prioritised": make_prioritised_episode_buffer}
SIZES = {  # of the ring, in blocks: 7, 4, 4
    "steps": {"max_length": 14, "min_length": 9, "add_batch_size": 2, "sample_sequence_length": 3, "period": 1},
    "cut": {"max_length": 21, "min_length": 1, "add_batch_size": 3, "sample_sequence_length": 5, "period": 2},
    "whole": {"max_length": 12, "min_length": 12, "add_batch_size": 1, "sample_sequence_length": 12, "period": 3},
}
CASES = [
    *((kind, size, "any") for kind in MAKERS for size in SIZES),
    ("uniform", "steps", "episode"),
    ("prioritised", "steps", "episode"),
]
DRAWS = 16  # samples of 64 windows, of at most 10 to choose from


@functools.cache
def made(kind, size, starts):
    """(buffer, its compiled functions); windows are drawn `DRAWS` times."""
    flag = {"is_start": lambda transitions: transitions["start"]} if starts == "episode" else {}
    buffer = MAKERS[kind](**SIZES[size], sample_batch_size=64, starts=starts, **flag)

    def draw(state, key):
        samples = jax.vmap(buffer.sample, in_axes=(None, 0))(state, jax.random.split(key, DRAWS))
        return buffer.can_sample(state), jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), samples)

    return buffer, jax.jit(buffer.add), jax.jit(draw)


def empty(buffer):
    return buffer.init({"id": jnp.int32(0), "start": jnp.array(False)}, (jnp.zeros(2),))


class History:
    """What a buffer should hold: for each environment a list of blocks, each its carry and its steps."""

    def __init__(self, size, starts):
        self.size, self.starts = SIZES[size], starts
        self.capacity = -(-self.size["max_length"] // (self.size["add_batch_size"] * self.size["period"]))
        self.rows = [[] for _ in range(self.size["add_batch_size"])]
        self.added = 0

    def add(self, blocks):
        """-> (transitions, carries) as a buffer takes them."""
        period = self.size["period"]
        steps = np.arange(self.added, self.added + blocks * period)
        ids = np.array([1000 * environment + steps for environment in range(len(self.rows))], np.int32)
        self.added += len(steps)
        for row, new in zip(self.rows, ids, strict=True):
            row += [(float(block[0]), block.tolist()) for block in new.reshape(-1, period)]
            del row[: -self.capacity]
        carries = np.repeat(ids[:, ::period, None], 2, axis=2).astype(np.float32)
        return {"id": ids, "start": ids % 3 == 0}, (carries,)

    def windows(self):
        """First step -> (carry, steps)."""
        found, length = {}, self.size["sample_sequence_length"]
        for row in self.rows:
            for block in range(len(row)):
                steps = [step for _, steps in row[block:] for step in steps][:length]
                if len(steps) == length and (self.starts == "any" or steps[0] % 3 == 0):
                    found[steps[0]] = row[block][0], steps
        return found

    def can_sample(self):
        stored = sum(len(steps) for row in self.rows for _, steps in row)
        return stored >= self.size["min_length"] and len(self.windows()) > 0


def check_windows(history, can_sample, sample):
    assert can_sample == history.can_sample()
    if not can_sample:
        return
    windows = history.windows()
    ids, starts, carries = (np.asarray(x) for x in (sample.experience["id"], sample.experience["start"], *sample.carry))
    assert set(ids[:, 0].tolist()) == set(windows)  # all and only
    assert all(windows[steps[0]][1] == steps for steps in np.unique(ids, axis=0).tolist())
    assert (starts == (ids % 3 == 0)).all()
    assert (carries == np.array([[windows[first][0]] for first in ids[:, 0].tolist()])).all()


def against_lists(case, sizes, key=0):
    buffer, add, draw = made(*case)
    state, history = empty(buffer), History(*case[1:])
    for n, blocks in enumerate(sizes):
        state = add(state, *history.add(blocks))
        check_windows(history, *draw(state, jax.random.fold_in(jax.random.key(key), n)))


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_every_window_is_a_slice_of_what_was_added(case):
    @settings(max_examples=6, derandomize=True, deadline=None)
    @given(st.lists(st.integers(1, 3), min_size=8, max_size=14))
    def check(sizes):
        against_lists(case, sizes)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_every_window_is_a_slice_of_what_was_added_at_length(case):
    @settings(max_examples=200, derandomize=True, deadline=None)
    @given(st.lists(st.integers(1, 4), min_size=1, max_size=30), st.integers(0, 99))
    def check(sizes, key):
        against_lists(case, sizes, key)

    check()


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_windows_are_equally_probable(case):
    """Also in the prioritised buffer, where new ones are alike."""
    buffer, add, draw = made(*case)
    state, history = empty(buffer), History(*case[1:])
    for blocks in (3, 2, 3, 3):
        state = add(state, *history.add(blocks))
    samples = [draw(state, jax.random.key(n))[1] for n in range(10)]
    drawn = np.concatenate([np.asarray(sample.experience["id"][:, 0]) for sample in samples])
    counts = [int((drawn == first).sum()) for first in history.windows()]
    assert sum(counts) == 10 * DRAWS * 64
    assert len(counts) == 1 or chisquare(counts).pvalue > 1e-3


def test_windows_go_on_into_the_next_episode():
    buffer, add, draw = made("uniform", "steps", "any")
    state, history = empty(buffer), History("steps", "any")
    for _ in range(3):
        state = add(state, *history.add(3))
    _, sample = draw(state, jax.random.key(0))
    assert np.asarray(sample.experience["start"])[:, 1:].any()


@pytest.mark.parametrize("kind", MAKERS)
def test_scanned_and_vmapped_adds_are_adds(kind):
    buffer, add, _ = made(kind, "steps", "any")
    history = History("steps", "any")
    steps = [history.add(2) for _ in range(5)]
    one_by_one = [empty(buffer)] * 2
    for step in steps:
        one_by_one = [add(state, *moved(step, offset)) for state, offset in zip(one_by_one, (0, 50), strict=True)]

    def collect(state, offset):
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *steps)
        return jax.lax.scan(lambda state, step: (buffer.add(state, *moved(step, offset)), None), state, stacked)[0]

    @jax.jit
    def seeds(offsets):
        states = jax.vmap(collect, in_axes=(None, 0))(empty(buffer), offsets)
        return states, jax.vmap(buffer.sample)(states, jax.random.split(jax.random.key(0), 2))

    states, samples = seeds(jnp.array([0, 50], jnp.int32))
    jax.tree.map(np.testing.assert_array_equal, states, jax.tree.map(lambda *leaves: jnp.stack(leaves), *one_by_one))
    first = np.asarray(samples.experience["id"][:, :, 0])
    assert set(first[0].tolist()) == set(history.windows()) == {step - 50 for step in first[1].tolist()}


def moved(step, offset):
    """The same steps of another seed."""
    transitions, carries = step
    return {**transitions, "id": transitions["id"] + offset}, carries


@pytest.mark.parametrize("kind", MAKERS)
def test_a_saved_state_goes_on_bit_for_bit(kind):
    buffer, add, draw = made(kind, "steps", "any")
    state, history = empty(buffer), History("steps", "any")
    for blocks in (3, 3, 2):
        state = add(state, *history.add(blocks))
    file = io.BytesIO()
    np.savez(file, *jax.tree.leaves(state))
    file.seek(0)
    restored = jax.tree.unflatten(jax.tree.structure(empty(buffer)), [*map(jnp.asarray, np.load(file).values())])
    more = history.add(1)
    outcomes = [draw(add(one, *more), jax.random.key(3)) for one in (state, restored)]
    jax.tree.map(np.testing.assert_array_equal, *outcomes)


@pytest.mark.parametrize("starts", ["any", "episode"])
@pytest.mark.parametrize("kind", MAKERS)
def test_an_add_copies_nothing_but_what_it_writes(kind, starts):
    """The compiled program keeps the donated buffer where it is, and needs the same space whatever its length."""
    flag = {"is_start": lambda transitions: transitions["start"]} if starts == "episode" else {}
    scratch = []
    for max_length in (8_000, 64_000):
        buffer = MAKERS[kind](max_length, 100, 32, 16, 8, starts=starts, **flag)
        transition = {"observation": jnp.zeros(16), "start": jnp.array(False)}
        state = jax.eval_shape(buffer.init, transition, jnp.zeros(32))
        rows = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((8, 2, *leaf.shape), leaf.dtype), transition)
        carries = jax.ShapeDtypeStruct((8, 2, 32), jnp.float32)
        used = jax.jit(buffer.add, donate_argnums=0).lower(state, rows, carries).compile().memory_analysis()
        size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state))
        assert used.alias_size_in_bytes >= size
        scratch.append(used.temp_size_in_bytes)
    assert scratch[1] < scratch[0] + 10_000
