"""States that were saved are those that are restored, to the bit."""

import os
import shutil
import subprocess
import sys
import time
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from memorax.loggers import CheckpointLogger

pytest.importorskip("orbax.checkpoint", reason="CheckpointLogger writes with orbax-checkpoint, which is not installed")


class Pair(NamedTuple):
    left: jax.Array
    right: tuple


@flax.struct.dataclass
class State:
    """All kinds of leaves."""

    step: jax.Array
    key: jax.Array
    pair: Pair
    rest: dict


@jax.jit
def first(seed):
    key = jax.random.key(seed)
    rest = {
        "keys": jax.random.split(jax.random.key(seed, impl="rbg"), 3),
        "odd values": jnp.array([jnp.nan, -jnp.inf, -0.0, 1e-45]),
        "half": jnp.arange(3, dtype=jnp.bfloat16) / 3,
        "empty": jnp.zeros((0, 4)),
        "flag": jnp.array([True, False]),
        "none": None,
    }
    return State(jnp.int32(0), key, Pair(jnp.arange(6.0).reshape(2, 3) + seed, ()), rest)


@jax.jit
def train(state):
    """Some steps that use the key."""

    def step(state, _):
        key, noise = jax.random.split(state.key)
        left = state.pair.left + jax.random.normal(noise, state.pair.left.shape)
        return state.replace(step=state.step + 1, key=key, pair=state.pair._replace(left=left)), None

    return jax.lax.scan(step, state, length=5)[0]


def assert_same_bits(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert isinstance(x, jax.Array) and isinstance(y, jax.Array) and (x.dtype, x.shape) == (y.dtype, y.shape)
        x, y = (jax.random.key_data(k) if jax.dtypes.issubdtype(k.dtype, jax.dtypes.prng_key) else k for k in (x, y))
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


def test_training_goes_on_bit_for_bit(tmp_path):
    state = train(first(0))
    with CheckpointLogger(tmp_path / "run") as logger:
        logger.checkpoint(state, step=state.step)
    with CheckpointLogger(tmp_path / "run") as logger:
        for like in (first(1), jax.eval_shape(first, 0)):
            restored = logger.restore(like)
            assert_same_bits(restored, state)
        assert_same_bits(train(restored), train(state))


def test_states_of_seeds(tmp_path):
    seeds = jnp.arange(2)
    states = jax.jit(jax.vmap(lambda seed: train(first(seed))))(seeds)
    with CheckpointLogger(tmp_path) as logger:
        logger.checkpoint(states, step=states.step, score=jnp.float32(0.5))
        assert logger.saved() == {"last": 5, "best": 5}
        assert_same_bits(logger.restore(jax.eval_shape(jax.vmap(first), seeds)), states)


def test_the_last_and_the_best_are_kept(tmp_path):
    with CheckpointLogger(tmp_path) as logger:
        assert logger.saved() == {}
        with pytest.raises(FileNotFoundError, match="no 'last' checkpoint; it has none"):
            logger.restore({})
        logger.checkpoint({"x": np.array([0])}, step=0)
        assert logger.saved() == {"last": 0}
        with pytest.raises(FileNotFoundError, match=r"no 'best' checkpoint; it has \['last'\]"):
            logger.restore({"x": np.array([0])}, "best")
        for step, score in [(10, 0.5), (20, float("nan")), (30, 0.9), (40, -float("inf"))]:
            logger.checkpoint({"x": np.array([step])}, step, score)
        assert logger.saved() == {"last": 40, "best": 30}
    with CheckpointLogger(tmp_path) as logger:  # which is best is known to the next process too
        logger.checkpoint({"x": np.array([50])}, 50, 0.7)
        assert logger.saved() == {"last": 50, "best": 30}
        logger.checkpoint({"x": np.array([45])}, 45)  # a run that went back: last is what came last
        assert logger.saved() == {"last": 45, "best": 30}
        assert [logger.restore({"x": np.array([0])}, which)["x"] for which in ("last", "best")] == [45, 30]
    assert len(list(tmp_path.iterdir())) == 2


def test_another_agent_is_an_error_that_names_the_leaves(tmp_path):
    logger = CheckpointLogger(tmp_path)
    logger.checkpoint({"w": jnp.zeros((2, 3)), "key": jax.random.key(0, impl="rbg"), "old": 1}, step=1)
    with pytest.raises(ValueError) as error:
        logger.restore({"w": jnp.zeros((2, 4)), "key": jax.random.key(0, impl="unsafe_rbg"), "new": jnp.zeros(0)})
    for part in (
        "['w']: stored float32[2, 3], `like` has float32[2, 4]",
        "['old']: stored int64[], `like` has nothing",
    ):
        assert part in str(error.value)
    assert "['key'] key<rbg>: stored uint32[4], `like` has nothing" in str(error.value)
    logger.close()


PROGRAM = """
import itertools, sys, numpy as np
from memorax.loggers import CheckpointLogger
logger = CheckpointLogger(sys.argv[1])
for step in itertools.count():
    logger.checkpoint({"x": np.full(200_000, step)}, step, score=step % 3)
    print(step, flush=True)
"""


def test_a_process_that_is_killed_leaves_whole_checkpoints(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )  # fmt: skip
    said = [int(process.stdout.readline()) for _ in range(4)]
    time.sleep(0.05)  # somewhere within a later one
    process.kill()
    said += [int(line) for line in process.stdout.read().splitlines()]
    with CheckpointLogger(tmp_path) as logger:
        assert logger.saved()["last"] in (said[-1], said[-1] + 1)
        for which in ("last", "best"):
            x = logger.restore({"x": np.zeros(200_000, int)}, which)["x"]
            assert (x == logger.saved()[which]).all()


def test_one_that_was_being_deleted_is_not_there(tmp_path):
    """Files go one by one: a process killed meanwhile leaves some of a checkpoint that is no longer wanted."""
    state = first(0)
    with CheckpointLogger(tmp_path) as logger:
        logger.checkpoint(state, 1, 2.0)
        logger.checkpoint(train(state), 2, 1.0)
        assert logger.saved() == {"last": 2, "best": 1}
    shutil.rmtree(tmp_path / "checkpoint_0" / "metrics")
    (tmp_path / "checkpoint_0" / "_CHECKPOINT_METADATA").unlink()
    with CheckpointLogger(tmp_path) as logger:
        assert logger.saved() == {"last": 2, "best": 2}
        logger.checkpoint(state, 3, 3.0)
        assert logger.saved() == {"last": 3, "best": 3}


def test_a_state_that_cannot_be_saved_does_not_stop_training(tmp_path):
    with CheckpointLogger(tmp_path) as logger:
        with pytest.warns(RuntimeWarning, match="CheckpointLogger.*could not save"):
            logger.checkpoint({"x": object()}, step=1)
        logger.checkpoint({"x": np.ones(2)}, step=2)
        assert logger.saved() == {"last": 2}
