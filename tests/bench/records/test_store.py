"""A record is there whole or not at all, whoever dies and whoever else is writing."""

import multiprocessing
import os
import shutil

import pytest

from memorax_bench.code_hash import CodeHash
from memorax_bench.records.record import Adoption, Failure, encode
from memorax_bench.records.store import Store, cell_path_parts, duplicate_seeds

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def case(tiny, make_record, tmp_path):
    """(store, path parts, record, files) for one cell."""
    cell = tiny.cells[2]
    record = make_record(tiny, cell)
    files = {"record.json": encode(record), "curves.csv.gz": b"curves"}
    return Store(tmp_path / "results"), cell_path_parts(tiny.label, cell), record, files


def failure(record, **changes) -> Failure:
    values = {
        "run_id": record.run_id,
        "config_hash": record.cell.config_hash,
        "code_hash": record.code.code_hash,
        "device_kind": "cpu",
        "seeds": record.seeds,
        "created_utc": "2026-11-02T00:00:00Z",
        "kind": "out of memory",
        "message": "",
    }
    return Failure(**(values | changes))


def test_publish_and_scan(case):
    store, parts, record, files = case
    published = store.publish(parts, record.run_id, files)
    assert published.ours
    assert published.path == store.root.joinpath(*parts, record.run_id)
    scan = store.scan("tiny@1")
    assert [stored.record for stored in scan.records] == [record]
    assert (scan.invalid, scan.misplaced, scan.failures) == ((), (), ())
    assert list(store.work.iterdir()) == []


def test_a_published_record_is_never_changed(case):
    store, parts, record, files = case
    store.publish(parts, record.run_id, files)
    again = store.publish(parts, record.run_id, {"record.json": b"other"})
    assert not again.ours
    assert (again.path / "record.json").read_bytes() == files["record.json"]
    assert list(store.work.iterdir()) == []


def test_an_empty_store(tmp_path):
    scan = Store(tmp_path / "nothing").scan("tiny@1")
    assert (scan.records, scan.invalid) == ((), ())


def _publish_when_told(store, parts, run_id, files, start, results):
    start.wait()
    results.put(store.publish(parts, run_id, files).ours)


def test_several_processes_publish_the_same_run(case):
    store, parts, record, files = case
    start, results = FORK.Event(), FORK.Queue()
    arguments = (store, parts, record.run_id, files, start, results)
    writers = [FORK.Process(target=_publish_when_told, args=arguments) for _ in range(4)]
    for writer in writers:
        writer.start()
    start.set()
    assert sorted(results.get(timeout=30) for _ in writers) == [False, False, False, True]
    for writer in writers:
        writer.join()
    assert [stored.record for stored in store.scan("tiny@1").records] == [record]
    assert list(store.work.iterdir()) == []


def _publish_and_die(store, parts, run_id, files, step):
    """Publishes, but the process is gone just before its `step`th call that changes the disk."""
    calls = 0

    def deadly(call):
        def run(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == step:
                os._exit(9)
            return call(*args, **kwargs)

        return run

    for name in ("mkdir", "open", "fsync", "rename"):
        setattr(os, name, deadly(getattr(os, name)))
    store.publish(parts, run_id, files)
    os._exit(0)


def test_killed_between_any_two_steps_of_publishing(case):
    store, parts, record, files = case
    step, before_rename, after_rename = 0, 0, 0
    while True:
        step += 1
        child = FORK.Process(target=_publish_and_die, args=(store, parts, record.run_id, files, step))
        child.start()
        child.join()
        scan = store.scan("tiny@1")
        assert (scan.invalid, scan.misplaced) == ((), ())
        assert len(scan.records) <= 1
        after_rename += len(scan.records)
        before_rename += not scan.records
        store.publish(parts, record.run_id, files)
        store.discard_work(record.run_id)
        assert [stored.record for stored in store.scan("tiny@1").records] == [record]
        assert (store.root.joinpath(*parts, record.run_id) / "curves.csv.gz").read_bytes() == b"curves"
        assert list(store.work.iterdir()) == []
        shutil.rmtree(store.root)
        if child.exitcode == 0:
            break
    assert before_rename > 10
    assert after_rename >= 2


def test_cleared_work_under_a_slower_writer(case, monkeypatch):
    store, parts, record, files = case
    rename = os.rename

    def other_first(source, target):
        monkeypatch.setattr(os, "rename", rename)
        assert store.publish(parts, record.run_id, files).ours
        store.discard_work(record.run_id)
        rename(source, target)

    monkeypatch.setattr(os, "rename", other_first)
    assert not store.publish(parts, record.run_id, files).ours


def test_a_full_disk_is_not_hidden(case, monkeypatch):
    store, parts, record, files = case

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space"):
        store.publish(parts, record.run_id, files)
    assert list(store.work.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"schema":1}'])
def test_bad_files_are_reported_and_do_not_count(case, data):
    store, parts, record, files = case
    store.publish(parts, record.run_id, files)
    store.publish(parts, "f" * 16, {"record.json": data})
    store.record_failure(parts, failure(record))
    (store.root.joinpath(*parts) / "failures" / "9.json").write_bytes(data)
    (store.root.joinpath(*parts, record.run_id) / "adopted.json").write_bytes(data)
    scan = store.scan("tiny@1")
    assert len(scan.records) == len(scan.failures) == 1
    assert sorted(bad.path.name for bad in scan.invalid) == ["9.json", "adopted.json", "record.json"]


def test_the_record_tells_what_it_is_and_not_its_path(case):
    store, parts, record, files = case
    store.publish((*parts[:3], "lru", parts[4]), record.run_id, files)
    scan = store.scan("tiny@1")
    assert [stored.record for stored in scan.records] == [record]
    assert "the record is about repeat/ppo/gru" in scan.misplaced[0].reason


def test_failures_are_numbered_and_kept(case):
    store, parts, record, _ = case
    paths = [store.record_failure(parts, failure(record, kind=str(number))) for number in range(3)]
    assert [path.name for path in paths] == ["1.json", "2.json", "3.json"]
    assert [stored.failure.kind for stored in store.scan("tiny@1").failures] == ["0", "1", "2"]


def test_failures_of_two_processes_do_not_overwrite(case):
    store, parts, record, _ = case
    writers = [FORK.Process(target=store.record_failure, args=(parts, failure(record))) for _ in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(store.scan("tiny@1").failures) == 6


def test_adoptions_add_up(case):
    store, parts, record, files = case
    path = store.publish(parts, record.run_id, files).path / "record.json"
    for code in ("d" * 64, "e" * 64, "d" * 64):
        store.record_adoption(
            path,
            Adoption(code_hash=code, program_hash="f" * 64, jaxlib="0.11.2", commit=None, created_utc="2026-11-02"),
        )
    (stored,) = store.scan("tiny@1").records
    assert stored.code_hashes == {record.code.code_hash, "d" * 64, "e" * 64}
    assert path.read_bytes() == files["record.json"]


def test_modules_are_remembered(case):
    store = case[0]
    store.remember_modules(CodeHash("a" * 64, {"memorax.lox": "1"}))
    store.remember_modules(CodeHash("a" * 64, {"memorax.lox": "1"}))
    (store.work / "code" / ("b" * 64 + ".json")).write_text("{")
    assert store.scan("tiny@1").modules == {"a" * 64: {"memorax.lox": "1"}}


def test_duplicate_seeds_are_named(case, tiny, make_record):
    store, parts, record, _ = case
    other = make_record(tiny, tiny.cells[2], seeds=(2, 3))
    elsewhere = make_record(tiny, tiny.cells[2], seeds=(2, 3), device="gpu")
    for made in (record, other, elsewhere):
        store.publish(parts, made.run_id, {"record.json": encode(made)})
    (sentence,) = duplicate_seeds(store.scan("tiny@1").records)
    assert "seed 2 is in" in sentence
    assert f"{min(record.run_id, other.run_id)} counts" in sentence


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0"])
def test_names_cannot_lead_elsewhere(case, name):
    store, parts, record, files = case
    for bad in ((parts, name, files), ((*parts[:-1], name), record.run_id, files)):
        with pytest.raises(ValueError, match="not a file name"):
            store.publish(*bad)
    with pytest.raises(ValueError, match="not a file name"):
        store.publish(parts, record.run_id, {name: b""})
