"""Runs on a real Slurm, brought up on this machine. What the launcher makes of each case: test_slurm_launcher.py."""

import json
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from fixtures import patience, runs, slurm
from fixtures.patience import wait_until
from memorax_bench.records.store import FAILURES, Store
from memorax_bench.running import slurm_launcher

MLP = ("tasks=higher-lower", "protocol.total_env_steps=131072", "protocol.eval_every=8192")
CELLS = (  # of each algorithm one that fails and one that waits; the two of a torso share their programs
    *("tasks=higher-lower", "torsos=[broken,patient]"),
    *("+torsos.broken=fixtures.patience:Broken", "+torsos.patient=fixtures.patience:Patient"),
    "+algorithms.slow={type: ppo, num_envs: 8, num_steps: 64, num_minibatches: 2, update_epochs: 2}",
    *runs.SHORT,
)


@pytest.fixture(scope="module")
def cluster():
    """A Slurm of two cores; ours are the commands that talk to it."""
    pytest.importorskip("submitit", reason="needs submitit: pip install 'memorax-bench[slurm]'")
    if slurm.missing():
        pytest.skip(f"needs a Slurm, of which {', '.join(slurm.missing())} is missing: apt-get install slurm-wlm munge")
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    with pytest.MonkeyPatch.context() as patch, slurm.running(folder) as variables:
        waits = folder / "patience"
        waits.mkdir()
        for name, value in {**variables, patience.FOLDER: str(waits)}.items():
            patch.setenv(name, value)
        patch.setattr(slurm_launcher, "READ_AGAIN", 0.2)
        patch.setattr(slurm_launcher, "ASK_AGAIN", 1.0)
        yield waits
    shutil.rmtree(folder, ignore_errors=True)


def training(results) -> list[Path]:
    return list(results.glob(".work/*/progress.json"))


def queue() -> list[str]:
    return subprocess.run(["squeue", "--me", "-h", "-r", "-o", "%i"], capture_output=True, text=True).stdout.split()


def test_a_task_that_slurm_ends_is_submitted_again_and_a_failing_cell_is_told(cluster, tmp_path, capfd):
    results, ended = tmp_path / "results", []

    def end() -> None:
        """Where the cells that fail are over, and the others wait."""
        wait_until(lambda: patience.waiting(cluster) and len(queue()) == 1)
        ended.extend(queue())
        subprocess.run(["scancel", *ended], check=True)
        wait_until(lambda: not set(ended) & set(queue()))
        patience.go(cluster)

    ender = threading.Thread(target=end)
    ender.start()
    code = runs.run(results, *CELLS, launcher="slurm", launcher_options={"jobs": "2", "time": "10", "device": "cpu"})
    ender.join()
    said = capfd.readouterr()
    assert f"Slurm task {ended[0]} ended early; 2 cells submitted again" in said.err
    assert code == 3
    assert " FAIL  higher-lower     ppo/broken      RuntimeError: no memory" in said.out
    assert "2 ok, 2 failed -> " in said.out

    stored = runs.records(results)
    assert [(s.record.cell.algorithm, s.record.cell.torso) for s in stored] == [("ppo", "patient"), ("slow", "patient")]
    assert Store(results).scan(stored[0].path.relative_to(results).parts[0]).invalid == ()
    (file,) = results.glob(f"*/higher-lower/ppo/broken/*/{FAILURES}/*.json")
    assert json.loads(file.read_text())["kind"] == "RuntimeError"
    assert not list(results.glob(".work/slurm/*"))
    wait_until(lambda: not queue())


@pytest.mark.slow
def test_tasks_outlive_the_process_that_submitted_them(cluster, tmp_path, capfd):
    """It is killed, and run again: what its tasks do is waited for, and done once."""
    arguments = ("suite=smoke", "torsos=mlp", *MLP, "--launcher", "slurm", "--launcher-options", "device=cpu")
    first = subprocess.Popen([runs.SCRIPT, "run", *arguments], cwd=tmp_path, env=runs.environment())
    results = tmp_path / "results"
    wait_until(lambda: training(results))
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert len(queue()) == 1
    assert runs.run(results, "torsos=mlp", *MLP, launcher="slurm") == 0
    assert "1 by other processes -> " in capfd.readouterr().out
    (stored,) = runs.records(results)
    assert stored.record.volatile.argv == arguments[:5]
    wait_until(lambda: not queue())
