"""The figures: the numbers drawn are those of the CSV and of the table, and equal data give equal bytes."""

import gzip
import hashlib
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.image import imread

from memorax_bench.records.curves import encode_curves
from memorax_bench.records.record import dump, seal
from memorax_bench.records.store import Store
from memorax_bench.report import figures
from memorax_bench.report.figure_data import curve_rows, figure_data, score_rows
from memorax_bench.report.tables import build_table
from tests.bench.synthetic import FINALS, SUITE, fill, find_cell, make_curves, make_record, publish, resolve

DIVERGED = FINALS | {("repeat-previous", "gru"): (0.97, None, 0.96)}


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    return resolve(tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="module")
def table(tmp_path_factory, resolved):
    return build_table(resolved, fill(tmp_path_factory.mktemp("results"), resolved, DIVERGED))


@pytest.fixture(scope="module")
def data(table):
    return figure_data(table)


def line_of(data, task, torso):
    return next(line for line in data.lines if (line.task, line.torso) == (task, torso))


def test_lines_hold_the_curves_on_disk(resolved, data):
    assert len(data.lines) == 10 and data.problems == ()
    line = line_of(data, "repeat-previous", "mamba2")
    cell = find_cell(resolved, "repeat-previous", "mamba2")
    rows = make_curves(cell, FINALS["repeat-previous", "mamba2"], range(3))
    written = np.array([row["mean"] for row in rows]).reshape(3, -1)
    np.testing.assert_array_equal(line.returns, written)
    np.testing.assert_allclose(line.mean, written.mean(0))
    assert list(line.env_steps) == list(range(0, 2**20 + 1, 2**17))
    assert ((line.low <= line.mean) & (line.mean <= line.high)).all()


def test_diverged_seed_counts_as_the_hard_minimum_from_then_on(data):
    line = line_of(data, "repeat-previous", "gru")
    assert line.diverged[1].tolist() == [False] * 4 + [True] * 5
    assert (line.returns[1, 4:] == -1).all() and not line.diverged[[0, 2]].any()


def test_last_point_of_a_diverged_seed_counts_even_where_its_returns_were_finite(tmp_path, resolved):
    """NaN parameters still act: the returns of such an agent are numbers, and no score."""
    cell = find_cell(resolved, "higher-lower", "gru")
    record, _ = make_record(resolved, cell, (0.4, None))
    curves = encode_curves(make_curves(cell, (0.4, 0.3), (0, 1)))
    described = dump(record)["results"]["curves"] | {"sha256": hashlib.sha256(curves).hexdigest()}
    data = dump(record)
    data["results"]["curves"] = described
    publish(tmp_path, resolved, seal(data), curves)
    (line,) = figure_data(build_table(resolved, Store(tmp_path).scan(resolved.label))).lines
    assert line.returns[1, -1] == -1 and line.diverged[1].tolist() == [False, False, True]


def test_last_point_of_the_curves_is_the_score_of_the_table(table, data):
    for line in data.lines:
        task = table.suite.tasks[line.task]
        row = next(row for row in table.rows if row.torso == line.torso)
        cell = row.cells[0 if line.task == "repeat-previous" else 1].estimate
        last = (np.array([line.mean[-1], line.low[-1], line.high[-1]]) - task.floor) / (task.ceiling - task.floor)
        np.testing.assert_allclose(last, [cell.value, cell.low, cell.high])


def test_csv_rows_are_what_is_drawn(tmp_path, monkeypatch, data):
    """Every mean curve handed to matplotlib is in the rows of curves.csv, and the other way round."""
    drawn = []
    plot = Axes.plot
    monkeypatch.setattr(Axes, "plot", lambda ax, *args, **kw: (drawn.append((args, kw)), plot(ax, *args, **kw))[1])
    figures.save_curves(data, tmp_path / "curves")
    means = {tuple(np.asarray(args[1])) for args, kw in drawn if kw.get("lw", 0) > 1}
    seeds = {tuple(np.asarray(args[1])) for args, kw in drawn if kw.get("lw") == 0.6}
    rows = curve_rows(data)
    cells = {(row["task"], row["torso"]) for row in rows}
    in_csv = {tuple(r["mean"] for r in rows if (r["task"], r["torso"]) == cell) for cell in cells}
    assert means == in_csv
    assert seeds == {
        tuple(row[f"seed_{seed}"] for row in rows if (row["task"], row["torso"]) == cell)
        for cell in cells
        for seed in range(3)
    }


def test_score_rows_hold_every_seed_and_its_run(table, data):
    rows = score_rows(table, data)
    assert len(rows) == 30
    gru = [row for row in rows if (row["task"], row["torso"]) == ("repeat-previous", "gru")]
    assert [row["final_return"] for row in gru] == [0.97, None, 0.96]
    np.testing.assert_allclose([row["score"] for row in gru], [0.98, -1 / 3, 0.973333], atol=1e-6)
    assert len({row["run_id"] for row in rows}) == 10 and {row["device"] for row in rows} == {"cpu"}
    assert {row["torso"] for row in rows if row["role"] == "control"} == {"mlp", "mlp-prev"}


@pytest.mark.parametrize("save", [figures.save_curves, figures.save_scores])
def test_figures_are_files_of_fixed_bytes_without_dates(tmp_path, data, save):
    before = dict(mpl.rcParams)
    png, svg = save(data, tmp_path / "one")
    with mpl.rc_context({"font.size": 20, "svg.hashsalt": "other", "lines.linewidth": 9}):
        again = save(data, tmp_path / "two")
    assert (png.name, svg.name) == ("one.png", "one.svg")
    assert svg.read_bytes() == again[1].read_bytes()
    np.testing.assert_array_equal(imread(png), imread(again[0]))
    assert ElementTree.parse(svg).getroot().tag.endswith("svg") and "dc:date" not in svg.read_text()
    height, width, _ = imread(png).shape
    assert width > 1000 and height > 400 and np.std(imread(png)) > 0.05
    assert dict(mpl.rcParams) == before


def test_unreadable_curves_are_named_and_the_rest_is_drawn(tmp_path, resolved):
    scan = fill(tmp_path, resolved)
    broken = {stored.record.cell.torso: stored.path.with_name("curves.csv.gz") for stored in scan.records
              if stored.record.cell.task == "repeat-previous"}  # fmt: skip
    broken["gru"].unlink()
    broken["lru"].write_bytes(gzip.compress(b"seed,env_step\n"))
    data = figure_data(build_table(resolved, scan))
    assert len(data.lines) == 8 and len(data.dots) == 10
    assert any("ppo/gru: no curve drawn" in problem and "cannot be read" in problem for problem in data.problems)
    assert any("ppo/lru" in problem and "not the one it was published with" in problem for problem in data.problems)
    figures.save_curves(data, tmp_path / "curves")


def test_seeds_of_several_records_are_one_line(tmp_path, resolved):
    cell = find_cell(resolved, "higher-lower", "gru")
    for seeds, finals in (([0, 1], (0.4, 0.45)), ([2], (0.5,))):
        publish(tmp_path, resolved, *make_record(resolved, cell, finals, seeds=seeds))
    data = figure_data(build_table(resolved, Store(tmp_path).scan(resolved.label)))
    (line,) = data.lines
    assert line.seeds == (0, 1, 2) and line.returns[:, -1].tolist() == [0.4, 0.45, 0.5]


def test_one_seed_draws_no_band(tmp_path, resolved):
    data = figure_data(build_table(resolved, fill(tmp_path, resolved, {key: v[:1] for key, v in FINALS.items()})))
    assert np.isnan(data.lines[0].low).all()
    figures.save_curves(data, tmp_path / "curves")
    figures.save_scores(data, tmp_path / "scores")


def test_several_algorithms_have_panels_of_their_own(tmp_path):
    text = SUITE.replace("  algorithms: {", "  algorithms: {slow: {type: ppo, learning_rate: 1e-5}, ")
    resolved = resolve(tmp_path, text=text)
    data = figure_data(build_table(resolved, fill(tmp_path / "results", resolved)))
    assert data.algorithms == ("ppo", "slow")
    wide = imread(figures.save_curves(data, tmp_path / "curves")[0]).shape
    assert wide[0] > 900  # 2 tasks x 2 algorithms: a second row of panels


def test_colours_are_fixed_by_label_and_differ():
    few = figures.colours(["gru", "mlp", "my-own"], ["mlp"])
    more = figures.colours(["lru", "my-own", "gru", "mamba2", "mlp-prev", "mlp"], ["mlp", "mlp-prev"])
    assert few["gru"] == more["gru"] and few["my-own"] == more["my-own"]
    assert len(set(more.values())) == len(more)
    assert more["mlp"] in figures.CONTROL_GREYS and more["mlp-prev"] in figures.CONTROL_GREYS
    assert len(set(figures.colours([f"torso-{i}" for i in range(10)]).values())) == 10
    assert len(figures.colours([f"torso-{i}" for i in range(25)])) == 25
