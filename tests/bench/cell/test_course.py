"""Checkpoints of a chunk: going on from one gives the numbers of a run that was never interrupted."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from memorax_bench.cell.course import SHARE, Checkpoints, Course, Point, decode_course

STATE = {"weights": jnp.arange(6.0).reshape(2, 3), "step": jnp.int32([512, 512])}


def course(step=512, divergence=None):
    rng = np.random.default_rng(0)
    points = [
        Point(at, rng.normal(size=(2, 3)).astype(np.float32), rng.integers(1, 9, (2, 3)).astype(np.int32))
        for at in (0, step)
    ]
    gates = {"replay_equals_rollout": {"pass": True, "max_rel": 1e-7}}
    return Course(points, [0.1, 0.2], 0.3, {} if divergence is None else {1: divergence}, gates)


def same(found, expected):
    for one, other in zip(found.points, expected.points, strict=True):
        assert one.env_step == other.env_step
        assert (one.returns.dtype, one.lengths.dtype) == (np.float32, np.int32)
        np.testing.assert_array_equal(one.returns, other.returns)
        np.testing.assert_array_equal(one.lengths, other.lengths)
    assert (found.steady, found.evaluating, found.diverged, found.gates) == (
        (expected.steady, expected.evaluating, expected.diverged, expected.gates)
    )


def test_a_course_comes_back_bit_for_bit():
    written = course(divergence=512)
    written.points[1].returns[0, 0] = math.nan
    same(decode_course(written.encode()), written)


def test_the_last_checkpoint_comes_back(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoint", ("program",))
    checkpoints.save(STATE, course(512))
    later = {"weights": STATE["weights"] + 1, "step": STATE["step"] * 2}
    checkpoints.save(later, course(1024))
    state, found = Checkpoints(tmp_path / "checkpoint", ("program",)).restore(STATE)
    same(found, course(1024))
    assert found.resumed_at == (1024,)
    for name in STATE:
        np.testing.assert_array_equal(state[name], later[name])
    assert len(list((tmp_path / "checkpoint").glob("course.*.json"))) == 1


def test_of_another_program_there_is_none(tmp_path):
    Checkpoints(tmp_path / "checkpoint", ("program", "0.11")).save(STATE, course())
    assert Checkpoints(tmp_path / "checkpoint", ("program", "0.12")).restore(STATE) is None


def test_where_nothing_was_saved_there_is_none(tmp_path):
    assert Checkpoints(tmp_path / "checkpoint", ()).restore(STATE) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut course", "no course", "empty course", "no state", "cut state", "other shapes"])
def test_a_damaged_one_is_none(tmp_path, damage):
    folder = tmp_path / "checkpoint"
    checkpoints = Checkpoints(folder, ())
    checkpoints.save(STATE, course())
    file = folder / "course.512.json"
    like = STATE
    match damage:
        case "cut course":
            file.write_bytes(file.read_bytes()[:-10])
        case "empty course":
            file.write_text("{}")
        case "no course":
            file.unlink()
        case "no state":
            for path in sorted((folder / "states").rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
        case "cut state":
            for path in (folder / "states").rglob("*"):
                if path.is_file() and path.parent.name == "d":
                    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        case "other shapes":
            like = {"weights": jnp.zeros(3), "step": STATE["step"]}
    assert Checkpoints(folder, ()).restore(like) is None


def test_a_state_without_its_course_is_not_gone_on_from(tmp_path):
    """Killed between the two: the course of the next checkpoint is there, and its state is not."""
    checkpoints = Checkpoints(tmp_path / "checkpoint", ())
    checkpoints.save(STATE, course(512))
    checkpoints._course_file(1024).write_text('{"program": [], "course": "{}"}')
    _, found = checkpoints.restore(STATE)
    same(found, course(512))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_checkpoints_take_a_small_share_of_the_time(tmp_path, monkeypatch):
    clock, saved = Clock(), []
    checkpoints = Checkpoints(tmp_path, (), interval=60.0, clock=clock)

    def save(state, course):
        saved.append(clock.now)
        clock.now += 3.0

    monkeypatch.setattr(checkpoints, "save", save)
    while clock.now < 600:
        clock.now += 10
        checkpoints.offer(STATE, course())
    assert saved[0] == 60
    gaps = np.diff(saved)
    assert (gaps >= 3.0 / SHARE).all()
    assert len(saved) == 4
