"""The table of costs, by hand: ranges over tasks, medians of times, units, and what is not known."""

import pytest

from memorax_bench.records.store import Store
from memorax_bench.report import costs
from memorax_bench.report.tables import build_table
from memorax_bench.report.write import write_report
from speed.made_up import make_record
from tests.bench.synthetic import find_cell, publish, resolve

GRU = [  # task, cost, timing: observations of the second task are wider, and its program came from a cache
    ("repeat-previous", {"parameters": 33_000, "torso_parameters": 25_000, "state_bytes": 256, "temp_bytes": 1_000_000,
                         "flops_per_env_step": {"value": 300_000.0, "by": "jaxpr@1"}},
     {"step": 100e-6, "compile": 4.0, "cache": "miss"}),
    ("higher-lower", {"parameters": 34_500, "torso_parameters": 25_000, "state_bytes": 256, "temp_bytes": 3_000_000,
                      "flops_per_env_step": {"value": 450_000.0, "by": "jaxpr@1"}},
     {"step": 300e-6, "compile": 0.1, "cache": "hit"}),
]  # fmt: skip
TEXT = """\
 torso  params   torso params  state B  step us  train FLOPs/step  temp B   compile s  steps/s
 gru    33k-34k  25k           256      200      300k-450k         1M-3M    4.0        84k
 mlp    12k      4.2k          0        —        —                 —        —          190k"""


@pytest.fixture
def results(tmp_path):
    resolved = resolve(tmp_path)
    for task, cost, timing in GRU:
        cell = find_cell(resolved, task, "gru")
        publish(tmp_path, resolved, *make_record(resolved, cell, (0.4, 0.3, 0.2), cost=cost, timing=timing))
    mlp = find_cell(resolved, "repeat-previous", "mlp")  # of a version that measured less, and from the cache
    publish(tmp_path, resolved, *make_record(resolved, mlp, (0, 0, 0), timing={"cache": "hit"}))
    return resolved, Store(tmp_path).scan(resolved.label)


def test_text_by_hand(results):
    text = costs.cost_text(build_table(*results))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[:3] == [" ".join(line.split()) for line in TEXT.splitlines()]
    assert max(map(len, text.splitlines())) <= 120
    for unit in ("microseconds", "bytes", "floating-point operations", "seconds", "a second"):
        assert unit in costs.LEGEND


def test_rows_in_full_precision(results):
    gru, mlp = costs.cost_csv(build_table(*results))
    assert (gru["parameters_min"], gru["parameters_max"]) == (33_000, 34_500)
    assert gru["step_us"] == pytest.approx(200.0)  # the median of 100 and 300
    assert (gru["compile_s"], gru["seed_batch_min"], gru["steps_per_s"], gru["device"]) == (4.0, 4, 84e3, "cpu")
    assert (gru["flops_per_env_step_min"], gru["temp_bytes_max"]) == (300_000.0, 3_000_000)
    assert [mlp[name] for name in ("step_us", "compile_s", "temp_bytes_min", "flops_per_env_step_max")] == [None] * 4


def test_the_report_has_them(results, tmp_path):
    report = write_report(*results, tmp_path / "reports", ["suite=tiny.yaml"])
    text = report.paths[0].read_text()
    assert "\n\n| torso | params | torso params | state B | step us |" in text.partition("## Costs\n")[2]
    assert "| gru | 33k-34k | 25k | 256 | 200 | 300k-450k | 1M-3M | 4.0 | 84k |" in text
    assert report.costs.startswith(" torso  params")
    (file,) = (path for path in report.paths if path.name == "costs.csv")
    header, first, *_ = file.read_text().splitlines()
    assert header.startswith("algorithm,torso,parameters_min,parameters_max,") and first.startswith("ppo,gru,33000,")
