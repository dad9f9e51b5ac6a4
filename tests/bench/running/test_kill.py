"""SIGKILL at random moments of real runs, then the same command again: the results are those of an undisturbed run.

Runs are watched through a terminal of their own, so that it is known where they were hit.
"""

import os
import pty
import random
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

from fixtures import runs
from memorax_bench.records.store import RECORD, Store

PROGRESS = re.compile(rb"\[(\d+)/(\d+)\] ([^\x1b]*?) +[#-]{10} +(\d+)%")


class Watched:
    """A process on a pseudo-terminal; `place` is what its progress line said last: cell and percent."""

    def __init__(self, command, cwd):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command, cwd=cwd, env=runs.environment(TERM="xterm"), stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.text = b""

    def read(self, seconds):
        """Takes in what is written in the next `seconds`; False at the end."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    data = os.read(self.master, 65536)
                except OSError:  # the other side is closed
                    return False
                if not data:
                    return False
                self.text += data
        return True

    @property
    def place(self):
        found = PROGRESS.findall(self.text)
        return f"{b' '.join(found[-1][2].split()).decode()} at {found[-1][3].decode()}%" if found else None

    @property
    def progress(self):
        """Cells done and the part of the one under way; below 0 before any training."""
        here = PROGRESS.findall(self.text.rpartition(b" done ")[2])
        return self.text.count(b" done ") + (int(here[-1][3]) / 100 if here else -0.01)

    def wait_until(self, condition, seconds=120.0):
        """Reads until the condition holds; False if the process ended before."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, self.text.decode()
            if not self.read(0.02):
                return False
        return True

    def kill(self, number):
        """Sends a signal and returns the exit code."""
        if self.process.poll() is None:
            os.kill(self.process.pid, number)
        while self.read(1.0):
            pass
        os.close(self.master)
        return self.process.wait()


def disturb(command, folder, points):
    """Starts the command once for each point and kills it there; -> where it was hit.

    A point is how much of the work a process may do: .3 is 30% of the cell that it trains first, 1.2 lets it finish
    that one. A process that ends before is no kill, and the last.
    """
    places = []
    for point in points:
        watched = Watched(command, folder)
        if watched.wait_until(lambda watched=watched, point=point: watched.progress >= point) and watched.read(0.1):
            place = watched.place
            if watched.kill(signal.SIGKILL) == -signal.SIGKILL:
                places.append(place)
                continue
        break
    return places


def check_whole(results, undisturbed):
    """Equal results, every record whole, nothing of the killed processes among them."""
    assert runs.result_hashes(results) == runs.result_hashes(undisturbed)
    for label in (path.name for path in results.glob("*@*")):
        scan = Store(results).scan(label)
        assert scan.invalid == scan.misplaced == ()
        assert len(scan.records) == len({s.record.run_id for s in scan.records})
        assert {path.name for s in scan.records for path in s.path.parent.iterdir()} == {RECORD, "curves.csv.gz"}
    assert not [path for path in (results / ".work").iterdir() if path.name != "code"]


QUICK = ["tasks=higher-lower", "torsos=mlp", "protocol.total_env_steps=262144", "protocol.eval_every=8192"]

ENDLESS = [*QUICK[:2], "protocol.total_env_steps=67108864", "protocol.eval_every=65536"]  # a signal finds it training


def program(*arguments):
    return [runs.SCRIPT, "run", "suite=smoke", *arguments]


def test_killed_in_training(tmp_path):
    places = disturb(program(*QUICK), tmp_path, [0.2])
    assert len(places) == 1
    assert runs.records(tmp_path / "results") == []
    (claim,) = (tmp_path / "results" / ".work").glob("*/claim.1")
    assert claim.is_file()
    assert runs.run(tmp_path / "results", *QUICK, launcher="local") == 0  # at once: a dead holder's claim is free
    assert runs.run(tmp_path / "undisturbed", *QUICK, launcher="local") == 0
    check_whole(tmp_path / "results", tmp_path / "undisturbed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_interrupted_in_training(tmp_path, number):
    watched = Watched(program(*ENDLESS), tmp_path)
    assert watched.wait_until(lambda: watched.place is not None)
    assert watched.kill(number) == 130
    last = watched.text.decode().replace("\r", "").strip().splitlines()[-1]
    assert last == "interrupted; what is done is kept: run the same command to go on"
    assert "Traceback" not in watched.text.decode()
    (claim,) = (tmp_path / "results" / ".work").glob("*/claim.1")
    assert '"released": true' in claim.read_text()


def test_killed_half_way_it_goes_on_from_a_checkpoint(tmp_path):
    """And ends with the numbers of a run that was left alone."""
    places = disturb(program(*QUICK, "--checkpoint-every", "0"), tmp_path, [0.3])
    assert len(places) == 1
    assert runs.run(tmp_path / "results", *QUICK, launcher="local") == 0
    assert runs.run(tmp_path / "undisturbed", *QUICK, launcher="local") == 0
    check_whole(tmp_path / "results", tmp_path / "undisturbed")
    (stored,) = runs.records(tmp_path / "results")
    assert stored.record.volatile.resumed_at[0] >= 0.2 * 262144


KILLS = 50


@pytest.mark.usefixtures("optimised")
@pytest.mark.slow
def test_fifty_kills(tmp_path):
    """The whole suite, as a user starts it, killed at times that are uniform over the undisturbed run."""
    longer = ["protocol.total_env_steps=262144", "protocol.eval_every=8192"]
    undisturbed, folder = tmp_path / "undisturbed", tmp_path / "killed"
    undisturbed.mkdir(), folder.mkdir()
    begin = time.monotonic()
    assert runs.command("run", "suite=smoke", *longer, cwd=undisturbed).returncode == 0
    whole, chance, kills, places = time.monotonic() - begin, random.Random(1), 0, []
    command = program(*longer, "--checkpoint-every", "2")
    while kills < KILLS:
        watched = Watched(command, folder)
        alive = watched.read(chance.uniform(0.0, whole))
        places.append(watched.place or "before any training")
        watched.kill(signal.SIGKILL)
        kills += alive
        if not alive and len(runs.records(folder / "results")) == 4:  # all is done: begin again with less
            for stored in runs.records(folder / "results")[kills % 4 :: 2]:
                shutil.rmtree(stored.path.parent)
    print("\n".join(["", f"{kills} kills in {len(places)} runs, one takes {whole:.0f} s:", *places]))
    done = runs.command("run", "suite=smoke", *longer, cwd=folder)
    assert done.returncode == 0, done.stderr
    check_whole(folder / "results", undisturbed / "results")
    again = runs.command("run", "suite=smoke", *longer, cwd=folder)
    assert again.returncode == 0
    assert "4 cells: 4 reuse; nothing to do" in again.stdout
    check_whole(folder / "results", undisturbed / "results")
