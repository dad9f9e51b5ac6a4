"""A run on a Ray cluster of two nodes, one of which is lost. What the launcher makes of it: test_ray_launcher.py."""

import json
import threading
from pathlib import Path

import pytest

from fixtures import patience, runs
from memorax_bench.records.store import FAILURES, Store

CELLS = (  # of each algorithm one that fails and one that waits; the two of a torso share their programs
    *("tasks=higher-lower", "torsos=[broken,patient]"),
    *("+torsos.broken=fixtures.patience:Broken", "+torsos.patient=fixtures.patience:Patient"),
    "+algorithms.slow={type: ppo, num_envs: 8, num_steps: 64, num_minibatches: 2, update_epochs: 2}",
    *runs.SHORT,
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two nodes of one CPU each on this machine; ours are the processes that talk to it."""
    ray = pytest.importorskip("ray", reason="needs Ray: pip install 'memorax-bench[ray]'")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("patience")
        variables = {"RAY_USAGE_STATS_ENABLED": "0", patience.FOLDER: str(folder)}
        for name, value in variables.items():
            patch.setenv(name, value)
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        made.second, made.patience = made.add_node(num_cpus=1), folder
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


def test_cells_of_a_lost_node_go_to_another_and_a_failing_one_is_told(cluster, tmp_path, capfd):
    results, raylet = tmp_path / "results", cluster.second.all_processes["raylet"][0].process.pid

    def remove() -> None:
        """Where a cell waits on each node."""
        patience.wait_until(lambda: any(is_below(pid, raylet) for pid in patience.waiting(cluster.patience)))
        cluster.remove_node(cluster.second, allow_graceful=False)
        patience.go(cluster.patience)

    remover = threading.Thread(target=remove)
    remover.start()
    code = runs.run(results, *CELLS, launcher="ray")
    remover.join()
    said = capfd.readouterr()
    assert "lost the node or the process of higher-lower " in said.err
    assert code == 3
    assert " FAIL  higher-lower     ppo/broken      RuntimeError: no memory" in said.out
    assert "2 ok, 2 failed -> " in said.out

    stored = runs.records(results)
    assert [(s.record.cell.algorithm, s.record.cell.torso) for s in stored] == [("ppo", "patient"), ("slow", "patient")]
    assert Store(results).scan(stored[0].path.relative_to(results).parts[0]).invalid == ()
    (file,) = results.glob(f"*/higher-lower/ppo/broken/*/{FAILURES}/*.json")
    assert json.loads(file.read_text())["kind"] == "RuntimeError"
