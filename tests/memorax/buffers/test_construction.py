"""What cannot work is refused where it is said, in words that tell what would."""

import jax.numpy as jnp
import pytest

from memorax.buffers import make_episode_buffer, make_prioritised_episode_buffer

MAKERS = [make_episode_buffer, make_prioritised_episode_buffer]
GOOD = {
    "max_length": 100_000,
    "min_length": 1000,
    "sample_batch_size": 32,
    "sample_sequence_length": 16,
    "add_batch_size": 8,
}


def flag(transitions):
    return transitions["start"]


@pytest.mark.parametrize("make", MAKERS)
def test_lengths_are_of_all_environments(make):
    ring = make(**GOOD).ring
    assert (ring.capacity, ring.min_blocks) == (12_500, 125)
    ring = make(**GOOD | {"period": 8, "max_length": 100_001, "min_length": 1025}).ring
    assert (ring.capacity, ring.min_blocks) == (1563, 17)  # of 64 transitions, rounded up


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_length": 0}, r"max_length = 0 must be a whole number of at least 1"),
        ({"min_length": 0}, r"min_length = 0 must be"),
        ({"sample_batch_size": 1.5}, r"sample_batch_size = 1.5 must be"),
        ({"sample_sequence_length": -1, "add_batch_size": True}, r"length = -1 must be .*; add_batch_size = True must"),
        ({"period": 0}, r"period = 0 must be"),
        ({"min_length": 100_001}, r"min_length = 100001 must be at most max_length = 100000"),
        ({"max_length": 1000, "sample_sequence_length": 126}, r"126 is longer .* 125 steps .* at least 1008"),
        ({"period": 17}, r"period = 17 must be at most sample_sequence_length = 16"),
        ({"max_length": 2**30}, r"max_length = 1073741824 makes 1073741824 windows, more than 536870912"),
        ({"starts": "first"}, r"starts = 'first' must be 'any' or 'episode'"),
        ({"starts": "episode"}, r"is_start = None is no function: pass one of transitions"),
        ({"starts": "episode", "is_start": "start"}, r"is_start = 'start' is no function"),
        ({"is_start": flag}, r"is_start has no effect with starts = 'any'"),
        ({"starts": "episode", "is_start": flag, "period": 2}, r"starts = 'episode' needs period = 1, got 2"),
    ],
)
def test_impossible_arguments(make, changes, message):
    with pytest.raises(ValueError, match=rf"^{make.__name__}: .*{message}"):
        make(**GOOD | changes)


@pytest.mark.parametrize("exponent", [-0.1, 1.1, True, float("nan")])
def test_impossible_exponents(exponent):
    with pytest.raises(ValueError, match=r"priority_exponent = .* must be between 0 and 1"):
        make_prioritised_episode_buffer(**GOOD, priority_exponent=exponent)


def test_the_longest_window_that_fits_is_allowed():
    make_episode_buffer(**GOOD | {"max_length": 1008, "sample_sequence_length": 126})


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("transitions", "carries", "message"),
    [
        ({"x": (2, 3)}, (2, 1), r"3 steps .* multiple of period = 2, from 2 up to the 8"),
        ({"x": (2, 0)}, (2, 0), r"0 steps"),
        ({"x": (2, 10)}, (2, 5), r"10 steps .* up to the 8"),
        ({"x": (3, 2)}, (2, 1), r"transitions\['x'\] is float32\[3, 2\]; it must be float32\[2, 2\]"),
        ({"y": (2, 2)}, (2, 1), r"transitions are PyTreeDef.*'y'.*init was shown PyTreeDef.*'x'"),
        ({"x": (2, 4)}, (2, 4), r"carries is float32\[2, 4\]; it must be float32\[2, 2\]: .*steps // period"),
    ],
)
def test_adding_something_else(make, transitions, carries, message):
    buffer = make(16, 1, 4, 4, 2, period=2)
    state = buffer.init({"x": jnp.float32(0)}, jnp.float32(0))
    with pytest.raises(ValueError, match=rf"add: .*{message}"):
        buffer.add(state, {name: jnp.zeros(shape) for name, shape in transitions.items()}, jnp.zeros(carries))


def test_numbers_are_not_converted():
    buffer = make_episode_buffer(16, 1, 4, 4, 2)
    state = buffer.init(jnp.int32(0), ())
    with pytest.raises(ValueError, match=r"transitions is float32\[2, 2\]; it must be int32\[2, 2\]"):
        buffer.add(state, jnp.zeros((2, 2)), ())


def test_a_start_that_is_no_flag():
    buffer = make_episode_buffer(16, 1, 4, 4, 2, starts="episode", is_start=lambda transitions: transitions)
    state = buffer.init(jnp.int32(0), ())
    with pytest.raises(ValueError, match=r"is_start returned int32.* must return bool"):
        buffer.add(state, jnp.zeros((2, 2), jnp.int32), ())
