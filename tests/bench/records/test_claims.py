"""Claims: one holder, taken over only from the dead, the silent and the finished."""

import multiprocessing
import os
import threading
from dataclasses import replace

import pytest

from memorax_bench.records import claims
from memorax_bench.records.claims import Observer, acquire, heartbeat, is_dead, this_process

ELSEWHERE = replace(this_process(), host="another host")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_one_holds_and_the_other_waits(tmp_path, clock):
    claim = acquire(tmp_path, Observer(1, clock))
    assert claim.number == 1
    assert claim.holds()
    assert acquire(tmp_path, Observer(1, clock), ELSEWHERE) is None


def test_a_silent_holder_elsewhere_is_replaced_after_three_intervals(tmp_path, clock):
    silent = acquire(tmp_path, Observer(1, clock), ELSEWHERE)
    observer = Observer(1, clock)
    for now, free in ((100, False), (102.9, False), (103, True)):
        clock.now = now
        claim = acquire(tmp_path, observer)
        assert (claim is not None) is free
    assert claim.number == 2
    assert not silent.holds()
    silent.beat()
    assert not silent.holds()
    assert claim.holds()


def test_a_beating_holder_is_never_replaced(tmp_path, clock):
    holder = acquire(tmp_path, Observer(1, clock), ELSEWHERE)
    observer = Observer(1, clock)
    for _ in range(10):
        clock.now += 2.5
        holder.beat()
        assert acquire(tmp_path, observer) is None
    assert holder.holds()


def test_a_dead_process_of_this_host_frees_at_once(tmp_path, clock):
    child = multiprocessing.get_context("fork").Process(target=acquire, args=(tmp_path, Observer(1)))
    child.start()
    child.join()
    assert acquire(tmp_path, Observer(1, clock)).number == 2


def test_death_is_told_by_pid_and_start_time():
    me = this_process()
    assert not is_dead(me)
    assert is_dead(replace(me, started="1"))
    assert is_dead(replace(me, pid=2**22 + 1))
    assert not is_dead(replace(me, pid=2**22 + 1, host="another host"))
    assert not is_dead(replace(me, pid=2**22 + 1, host=None))


def test_a_released_claim_frees_at_once(tmp_path, clock):
    first = acquire(tmp_path, Observer(1, clock), ELSEWHERE)
    first.release()
    first.beat()
    assert acquire(tmp_path, Observer(1, clock)).number == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"process": {}}'])
def test_a_claim_whose_maker_died_while_writing_goes_stale(tmp_path, clock, content):
    (tmp_path / "claim.4").write_bytes(content)
    observer = Observer(1, clock)
    assert acquire(tmp_path, observer) is None
    clock.now = 3
    assert acquire(tmp_path, observer).number == 5


def test_of_many_only_one_takes_over(tmp_path):
    acquire(tmp_path, Observer(1), ELSEWHERE).release()
    barrier = threading.Barrier(8)
    won = []

    def race():
        barrier.wait()
        won.append(acquire(tmp_path, Observer(1), ELSEWHERE))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [claim.number for claim in won if claim is not None] == [2]


def test_heartbeat_beats_and_stops(tmp_path):
    claim = acquire(tmp_path, Observer(1))
    before = claim.path.read_bytes()
    with heartbeat(claim, 0.01):
        for _ in range(200):
            if claim.path.read_bytes() != before:
                break
            threading.Event().wait(0.01)
    after = claim.path.read_bytes()
    assert after != before
    threading.Event().wait(0.05)
    assert claim.path.read_bytes() == after


def test_a_cleared_work_folder_ends_the_claim(tmp_path):
    work = tmp_path / "run"
    work.mkdir()
    claim = acquire(work, Observer(1))
    claim.path.unlink()
    os.rmdir(work)
    claim.beat()
    assert not claim.holds()


def test_a_folder_that_is_cleared_meanwhile_is_no_error(tmp_path, monkeypatch):
    """Another process has published the run, at any point of `acquire`: whoever asks sees that it is not his."""
    folder = tmp_path / "run"
    assert acquire(folder, Observer(5.0)) is None  # before it looks
    folder.mkdir()
    newest = claims._newest
    monkeypatch.setattr(claims, "_newest", lambda work_dir: (newest(work_dir), work_dir.rmdir())[0])
    assert acquire(folder, Observer(5.0)) is None  # between looking and claiming
