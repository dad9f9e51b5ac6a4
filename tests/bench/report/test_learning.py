"""Learning curves: what is read is what was written, and what is drawn is what stands in curves.csv."""

import gzip
import hashlib

import numpy as np
import pytest

from memorax_bench.records.curves import decode_curves, decode_means, encode_curves
from memorax_bench.records.record import dump, seal
from memorax_bench.records.store import Store
from memorax_bench.report.frame import frame_of
from memorax_bench.report.learning import read_learning
from memorax_bench.report.sections import curves as section
from memorax_bench.report.sections.panels import task_panels
from memorax_bench.report.sections.scores import score_rows
from memorax_bench.report.tables import build_table
from speed.made_up import make_curves, make_record
from tests.bench.synthetic import FINALS, fill, find_cell, publish, resolve

DIVERGED = FINALS | {("repeat-previous", "gru"): (0.97, None, 0.96)}


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    return resolve(tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="module")
def table(tmp_path_factory, resolved):
    return build_table(resolved, fill(tmp_path_factory.mktemp("results"), resolved, DIVERGED))


@pytest.fixture(scope="module")
def learning(table):
    return read_learning(table)[0]


@pytest.fixture(scope="module")
def lines(table, learning):
    frame = frame_of(table)
    return section.lines_of(table, frame, task_panels(table, frame)[0], learning)


def line_of(lines, task, torso):
    return next(line for line in lines if (line.panel.title, line.torso) == (task, torso))


def test_means_are_those_of_all_columns(resolved):
    cell = find_cell(resolved, "repeat-previous", "gru")
    rows = list(reversed(make_curves(cell, (0.9, None), (3, 1))))
    data = encode_curves(rows)
    found = decode_means(data)
    assert sorted(found) == [1, 3] and all(list(curve) == sorted(curve) for curve in found.values())
    for row in decode_curves(data):
        np.testing.assert_equal(found[row["seed"]][row["env_step"]], row["mean"])


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", *(gzip.compress(text, mtime=0) for text in (b"", b"seed,env_step\n1,2\n", b"\xff")),
     encode_curves([])[:-9], gzip.compress(b"seed,env_step,n,mean,sd,min,max,length\n0,1,x\n", mtime=0)],
)  # fmt: skip
def test_what_is_no_table_of_curves_is_refused(data):
    with pytest.raises(ValueError):
        decode_means(data)


def test_curves_are_those_on_disk(resolved, learning):
    assert len(learning) == 10
    gru = learning["repeat-previous", "ppo", "mamba2"]
    cell = find_cell(resolved, "repeat-previous", "mamba2")
    rows = make_curves(cell, FINALS["repeat-previous", "mamba2"], range(3))
    np.testing.assert_array_equal(gru.returns, np.array([row["mean"] for row in rows]).reshape(3, -1))
    assert list(gru.env_steps) == list(range(0, 2**20 + 1, 2**17)) and gru.device == "cpu"
    np.testing.assert_allclose(gru.scores, (gru.returns + 0.5) / 1.5)
    np.testing.assert_allclose(gru.seconds[:, -1], 2**20 / 22e3)


def test_diverged_seed_counts_as_the_hard_minimum_from_then_on(learning):
    gru = learning["repeat-previous", "ppo", "gru"]
    assert gru.diverged[1].tolist() == [False] * 4 + [True] * 5
    assert (gru.returns[1, 4:] == -1).all() and not gru.diverged[[0, 2]].any()


def test_last_point_of_a_diverged_seed_counts_even_where_its_returns_were_finite(tmp_path, resolved):
    """NaN parameters still act: the returns of such an agent are numbers, and no score."""
    cell = find_cell(resolved, "higher-lower", "gru")
    record, _ = make_record(resolved, cell, (0.4, None))
    curves = encode_curves(make_curves(cell, (0.4, 0.3), (0, 1)))
    data = dump(record)
    data["results"]["curves"] |= {"sha256": hashlib.sha256(curves).hexdigest()}
    publish(tmp_path, resolved, seal(data), curves)
    (only,) = read_learning(build_table(resolved, Store(tmp_path).scan(resolved.label)))[0].values()
    assert only.returns[1, -1] == -1 and only.diverged[1].tolist() == [False, False, True]


def test_last_point_of_the_curves_is_the_score_of_the_table(table, lines):
    for line in lines:
        task = table.suite.tasks[line.panel.title]
        estimate = table.estimates[line.panel.title, "ppo", line.torso]
        last = (np.array([line.mean[-1], line.low[-1], line.high[-1]]) - task.floor) / (task.ceiling - task.floor)
        np.testing.assert_allclose(last, [estimate.value, estimate.low, estimate.high])


def test_curve_rows_hold_every_line_and_seed(lines):
    rows = section.curve_rows(lines)
    assert len(rows) == 5 * 9 + 5 * 3  # 5 torsos x 9 evaluations, 5 x 3
    last = next(r for r in rows if (r["task"], r["torso"], r["env_step"]) == ("repeat-previous", "gru", 2**20))
    assert last["mean"] == pytest.approx((0.97 - 1 + 0.96) / 3) and last["diverged"] == 1
    assert (last["seed_0"], last["seed_1"], last["n"]) == (0.97, -1.0, 3)


def test_score_rows_hold_every_seed_and_its_run(table):
    rows = score_rows(table)
    assert len(rows) == 30
    gru = [row for row in rows if (row["task"], row["torso"]) == ("repeat-previous", "gru")]
    assert [row["final_return"] for row in gru] == [0.97, None, 0.96]
    np.testing.assert_allclose([row["score"] for row in gru], [0.98, -1 / 3, 0.973333], atol=1e-6)
    assert len({row["run_id"] for row in rows}) == 10 and {row["device"] for row in rows} == {"cpu"}
    assert {row["torso"] for row in rows if row["role"] == "control"} == {"mlp", "mlp-prev"}


def test_unreadable_curves_are_named_and_the_rest_is_read(tmp_path, resolved):
    scan = fill(tmp_path, resolved)
    broken = {stored.record.cell.torso: stored.path.with_name("curves.csv.gz") for stored in scan.records
              if stored.record.cell.task == "repeat-previous"}  # fmt: skip
    broken["gru"].unlink()
    broken["lru"].write_bytes(gzip.compress(b"seed,env_step\n", mtime=0))
    learning, problems = read_learning(build_table(resolved, scan))
    assert len(learning) == 8
    assert any("ppo/gru: no curve drawn" in problem and "cannot be read" in problem for problem in problems)
    assert any("ppo/lru" in problem and "not the one it was published with" in problem for problem in problems)


def test_seeds_of_several_records_are_one_line(tmp_path, resolved):
    cell = find_cell(resolved, "higher-lower", "gru")
    for seeds, finals in (([0, 1], (0.4, 0.45)), ([2], (0.5,))):
        publish(tmp_path, resolved, *make_record(resolved, cell, finals, seeds=seeds))
    (only,) = read_learning(build_table(resolved, Store(tmp_path).scan(resolved.label)))[0].values()
    assert only.seeds == (0, 1, 2) and only.returns[:, -1].tolist() == [0.4, 0.45, 0.5]
