"""Disks that are full or cannot be written, files that are not what they should be, clocks that jump: nothing is lost,
nothing counts twice, and one line says what is the matter."""

import dataclasses
import errno
import json
import os
import shutil
import time

import pytest
from typer.main import get_command

from fixtures import runs
from memorax_bench.cell import course
from memorax_bench.cli import app
from memorax_bench.records import claims, store
from memorax_bench.records.store import FAILURES, RECORD, Store
from memorax_bench.running import work
from memorax_bench.running.plan import code_hashes, plan
from memorax_bench.suite.load import load_suite

ONE = ("tasks=higher-lower", "torsos=mlp", *runs.SHORT)
TWO = ("torsos=mlp", *runs.SHORT)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two cells, as they are when nothing goes wrong."""
    results = tmp_path_factory.mktemp("whole") / "results"
    assert runs.run(results, *TWO) == 0
    return results


@pytest.fixture
def results(whole, tmp_path):
    """A copy to do damage to."""
    shutil.copytree(whole, tmp_path / "results")
    return tmp_path / "results"


def raising(number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    return refuse


FULL = {"full": errno.ENOSPC, "over the quota": errno.EDQUOT, "read-only": errno.EROFS, "not ours": errno.EACCES}


@pytest.mark.parametrize("number", FULL.values(), ids=FULL)
def test_what_cannot_be_published_stops_the_run_and_is_no_failure(tmp_path, monkeypatch, capsys, whole, number):
    with monkeypatch.context() as patch:
        patch.setattr(store, "write_new", raising(number))
        assert runs.run(tmp_path / "r", *TWO) == 7
    shown = capsys.readouterr()
    assert f"stopped: {tmp_path / 'r'} cannot be written: {os.strerror(number)}; what is done is kept" in shown.err
    assert "0 ok -> " in shown.out
    assert list(tmp_path.rglob(FAILURES)) == list(tmp_path.rglob(RECORD)) == []
    assert runs.run(tmp_path / "r", *TWO) == 0
    assert runs.result_hashes(tmp_path / "r") == runs.result_hashes(whole)


def test_a_disk_that_is_full_from_the_beginning(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(store.Store, "remember_modules", raising(errno.ENOSPC))
    assert runs.run(tmp_path, *ONE) == 7
    assert "No space left on device" in capsys.readouterr().err


def test_a_disk_on_which_nothing_can_be_adopted(results, tmp_path, monkeypatch, capsys):
    """The records are of other code that compiles to the same program: noting it stops the run as publishing does."""
    monkeypatch.setattr("memorax_bench.verbs.run.code_hashes", other_code)
    monkeypatch.setattr(work.Workbench, "_check_code", lambda *_: None)
    with monkeypatch.context() as patch:
        patch.setattr(store.Store, "record_adoption", raising(errno.ENOSPC))
        assert runs.run(results, *TWO) == 7
    assert "No space left on device" in capsys.readouterr().err
    assert runs.run(results, *TWO) == 0
    assert "2 adopted" in capsys.readouterr().out


def other_code(suite):
    """As if a comment had been a statement."""
    return {labels: dataclasses.replace(code, value="f" * 64) for labels, code in code_hashes(suite).items()}


def test_a_disk_that_fills_up_with_checkpoints(tmp_path, monkeypatch, capsys, whole):
    """What was done before is gone on from when there is room again."""
    saved = []
    save = course.Checkpoints.save

    def once(self, state, seen):
        if saved:
            raise ValueError("RESOURCE_EXHAUSTED: Error writing file: No space left on device")
        saved.append(seen.points[-1].env_step)
        save(self, state, seen)

    with monkeypatch.context() as patch:
        patch.setattr(course.Checkpoints, "save", once)
        assert runs.run(tmp_path / "r", *ONE, checkpoint_every=0.0) == 7
    assert "no space left for a checkpoint" in capsys.readouterr().err
    assert list(tmp_path.rglob(FAILURES)) == []
    assert runs.run(tmp_path / "r", *ONE) == 0
    (stored,) = runs.records(tmp_path / "r")
    assert stored.record.volatile.resumed_at == tuple(saved)
    assert stored.record.result_hash in runs.result_hashes(whole)


def damage_cut(file):
    file.write_bytes(file.read_bytes()[:-200])


def damage_tampered(file):
    text = file.read_text()
    changed = text.replace('"steps_done":1024', '"steps_done":1025')
    assert changed != text
    file.write_text(changed)


def damage_newer(file):
    file.write_text(file.read_text().replace('"schema":1', '"schema":2'))


def damage_empty(file):
    file.write_bytes(b"")


def damage_foreign(file):
    file.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")


DAMAGE = {f.__name__.removeprefix("damage_"): f for f in (damage_cut, damage_tampered, damage_newer, damage_empty)}
DAMAGE["foreign"] = damage_foreign


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_record_does_not_count_and_is_named(results, capsys, damage):
    first, second = runs.records(results)
    damage(first.path)
    suite = load_suite("smoke", TWO)
    made = plan(suite, Store(results).scan(suite.label), code_hashes(suite), "cpu")
    actions = {action.cell.labels: action.action for action in made.actions}
    cell = first.record.cell
    assert actions.pop((cell.task, cell.algorithm, cell.torso)) in ("new", "add")
    assert list(actions.values()) == ["reuse"]
    (warning,) = [warning for warning in made.warnings if "not valid" in warning]
    assert str(first.path) in warning and "delete it to run it again" in warning
    before = second.path.read_bytes()
    shutil.rmtree(first.path.parent)
    assert runs.run(results, *TWO) == 0
    assert second.path.read_bytes() == before
    assert len(runs.records(results)) == 2


def test_foreign_files_do_no_harm(results, whole, capsys):
    first, _ = runs.records(results)
    (results / "notes.txt").write_text("mine")
    (first.path.parents[4] / ".DS_Store").write_bytes(b"\0")
    (first.path.parent / "model.ckpt").write_bytes(b"\0" * 100)
    (first.path.parents[1] / "half").mkdir()
    (results / ".work" / "0123456789abcdef.half-written").mkdir()
    (results / ".work" / "code" / "x.json").write_text("{")
    assert runs.run(results, *TWO) == 0
    assert "2 cells: 2 reuse; nothing to do" in capsys.readouterr().out
    assert {s.record.result_hash for s in runs.records(results, first.path.relative_to(results).parts[0])} == (
        runs.result_hashes(whole)
    )
    assert (results / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0], ids=["back", "forward"])
def test_clocks_that_jump(tmp_path, monkeypatch, jump):
    """A claim is judged by the observer's monotonic clock alone."""
    folder = tmp_path / "run"
    folder.mkdir()
    held = claims.acquire(folder, claims.Observer(5.0), claims.Process("elsewhere", 1, "1"))
    observer = claims.Observer(5.0)
    assert claims.acquire(folder, observer) is None
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + jump)
    os.utime(held.path, (clock() + jump, clock() + jump))
    assert claims.acquire(folder, observer) is None
    held.beat()
    assert held.holds()


def test_a_claim_that_was_taken_over_is_waited_for(tmp_path, monkeypatch, capsys, whole):
    """A process that was suspended for long wakes up and finds its run in other hands: it publishes nothing."""
    run_chunk, taken = work.run_chunk, {"process": {"host": "x", "pid": 1, "started": "1"}, "beat": 3, "released": True}

    def slow(*arguments):
        result = run_chunk(*arguments)
        for folder in (tmp_path / "r" / ".work").glob("????????????????"):
            if not (folder / "claim.2").exists():
                (folder / "claim.2").write_text(json.dumps(taken))  # of another process, which then ends
        return result

    with monkeypatch.context() as patch:
        patch.setattr(work, "run_chunk", slow)
        assert runs.run(tmp_path / "r", *ONE) == 0
    assert "1 ok -> " in capsys.readouterr().out
    (stored,) = runs.records(tmp_path / "r")
    assert stored.record.result_hash in runs.result_hashes(whole)


def test_the_command_line_names_the_exit_codes():
    command = get_command(app).commands["run"]
    for part in ("3 some cells failed", "7 stopped because nothing can be written", "130 interrupted"):
        assert part in command.epilog
