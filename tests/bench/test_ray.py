"""A run on a Ray cluster of two nodes, one of which is lost. What the launcher makes of each case: test_clusters.py."""

import contextlib
import json
import threading
import time
from pathlib import Path

import pytest

from fixtures import runs
from memorax_bench.store import FAILURES, Store

CELLS = (  # of each algorithm one that fails and one that takes seconds; the two of a torso share their programs
    *("tasks=higher-lower", "+torsos.mine=ray_torso:Cell", "torsos=[mine,mlp]"),
    "+algorithms.slow={type: ppo, num_envs: 8, num_steps: 64, num_minibatches: 2, update_epochs: 2}",
    *("protocol.total_env_steps=131072", "protocol.eval_every=8192"),
)
BROKEN = """
import flax.linen as nn


class Cell(nn.Module):
    features: int = 4

    @nn.compact
    def __call__(self, x):
        raise RuntimeError("no memory")
"""


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one CPU each on this machine; ours are the processes that talk to it."""
    ray = pytest.importorskip("ray", reason="needs Ray: pip install 'memorax-bench[ray]'")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**runs.QUICKLY, "RAY_USAGE_STATS_ENABLED": "0"}.items():
            patch.setenv(name, value)
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        made.second = made.add_node(num_cpus=1)
        ray.init(address=made.address, log_to_driver=False)
        yield made
        ray.shutdown()
        made.shutdown()


def is_below(pid: int, ancestor: int) -> bool:
    """Whether a process was started by another, or by one that it started."""
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return False


def on_node(results, node) -> list[str]:
    """The runs that are training on a node."""
    raylet = node.all_processes["raylet"][0].process.pid
    found = []
    for progress in results.glob(".work/*/progress.json"):
        claim = json.loads((progress.parent / "claim.1").read_text())
        found += [progress.parent.name] * is_below(claim["process"]["pid"], raylet)
    return found


def test_cells_of_a_lost_node_go_to_another_and_a_failing_one_is_told(cluster, tmp_path, monkeypatch, capfd):
    (tmp_path / "ray_torso.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    results, hit = tmp_path / "results", []

    def remove() -> None:
        until = time.monotonic() + 90
        while not hit and time.monotonic() < until:
            time.sleep(0.05)
            with contextlib.suppress(OSError, ValueError):  # it has just ended
                hit.extend(on_node(results, cluster.second))
        cluster.remove_node(cluster.second, allow_graceful=False)

    remover = threading.Thread(target=remove)
    remover.start()
    code = runs.run(results, *CELLS, launcher="ray")
    remover.join()
    said = capfd.readouterr()
    assert len(hit) == 1, "the node was in the middle of a cell"
    assert "lost the node or the process of higher-lower " in said.err
    assert code == 3
    assert " FAIL  higher-lower     ppo/mine        RuntimeError: no memory" in said.out
    assert "2 ok, 2 failed -> " in said.out

    stored = runs.records(results)
    assert [(s.record.cell.algorithm, s.record.cell.torso) for s in stored] == [("ppo", "mlp"), ("slow", "mlp")]
    assert hit[0] in {s.record.run_id for s in stored}
    assert Store(results).scan(stored[0].path.relative_to(results).parts[0]).invalid == ()
    (file,) = results.glob(f"*/higher-lower/ppo/mine/*/{FAILURES}/*.json")
    assert json.loads(file.read_text())["kind"] == "RuntimeError"
