"""What may be asked of a cluster, and what is said where it has not what it needs."""

import sys

import pytest

from memorax_bench.errors import UsageProblems
from memorax_bench.running import slurm_queue
from memorax_bench.running.launchers import make_launcher, parse_options
from memorax_bench.running.slurm_launcher import SlurmArrays


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        ((), {}),
        (("partition=gpu,time=60",), {"partition": "gpu", "time": "60"}),
        (("nodelist=n1,n2,cpus-per-task=4",), {"nodelist": "n1,n2", "cpus_per_task": "4"}),
        (("gres=gpu:1", "time=1-00:00:00"), {"gres": "gpu:1", "time": "1-00:00:00"}),
    ],
)
def test_options_are_read(texts, options):
    assert parse_options(texts) == options


@pytest.mark.parametrize("text", ["partition", "=gpu", "partition="])
def test_options_that_are_none(text):
    with pytest.raises(UsageProblems, match="is not KEY=VALUE"):
        parse_options([text])


@pytest.mark.parametrize(
    ("name", "package", "install"), [("ray", "ray", "[ray]"), ("slurm", "submitit", "[slurm]")], ids=["ray", "slurm"]
)
def test_a_missing_package_says_what_to_install(name, package, install, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageProblems) as raised:
        make_launcher(name, results=tmp_path)
    assert f"pip install 'memorax-bench{install}'" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "options", "timeout", "said"),
    [
        ("local", {"partition": "gpu"}, None, "local has no options of its own; allowed: with ray, with slurm"),
        ("ray", {"adress": "x"}, None, "no option 'adress'; allowed: address, accelerator\n  did you mean 'address'?"),
        ("slurm", {}, 60.0, "--launcher-options time=HH:MM:SS"),
        ("slurm", {"jobs": "some"}, None, "jobs is a number from 1 up"),
    ],
)
def test_what_a_launcher_does_not_take(name, options, timeout, said, tmp_path):
    with pytest.raises(UsageProblems) as raised:
        make_launcher(name, options=options, results=tmp_path, timeout=timeout)
    assert said in str(raised.value)


def test_slurm_says_which_command_is_missing_and_what_is_not_to_be_set(monkeypatch, tmp_path):
    pytest.importorskip("submitit", reason="needs submitit: pip install 'memorax-bench[slurm]'")
    monkeypatch.setattr(slurm_queue.shutil, "which", lambda name: None)
    with pytest.raises(UsageProblems) as raised:
        SlurmArrays(tmp_path, {"array": "0-3"})
    assert "'array' is set by the launcher" in str(raised.value)
    assert "sbatch, squeue, scancel, srun: no such command here" in str(raised.value)
