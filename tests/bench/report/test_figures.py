"""The figures: what is drawn is what stands in the CSV, equal data give equal bytes, many methods stay readable."""

import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.image import imread

from memorax_bench.records.store import Store
from memorax_bench.report import frame as frames
from memorax_bench.report.contents import sections_of
from memorax_bench.report.figures import canvas, style
from memorax_bench.report.figures.labels import Point, place_names
from memorax_bench.report.sections.panels import task_panels
from memorax_bench.report.standings import standings
from memorax_bench.report.tables import build_table
from speed import many_records
from tests.bench.synthetic import FINALS, SUITE, fill, resolve

NAMES = ("ranking", "improvement", "profiles", "efficiency", "pareto", "heatmap", "curves", "scores")


@pytest.fixture(scope="module")
def sections(table, frame, learning):
    return {section.name: section for section in sections_of(table, frame, standings(table), learning)}


def test_every_figure_is_made(sections):
    assert tuple(sections) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_files_of_fixed_bytes_without_dates(tmp_path, sections, name):
    before = dict(mpl.rcParams)
    png, svg = sections[name].save(tmp_path / "one")
    with mpl.rc_context({"font.size": 20, "svg.hashsalt": "other", "lines.linewidth": 9}):
        again = sections[name].save(tmp_path / "two")
    assert (png.name, svg.name) == ("one.png", "one.svg")
    assert svg.read_bytes() == again[1].read_bytes() and png.read_bytes() == again[0].read_bytes()
    assert ElementTree.parse(svg).getroot().tag.endswith("svg") and "dc:date" not in svg.read_text()
    height, width, _ = imread(png).shape
    assert width <= 200 * canvas.TWO_COLUMNS + 1 and height > 150 and np.std(imread(png)) > 0.03
    assert dict(mpl.rcParams) == before


def test_drawn_curves_are_those_of_the_csv(tmp_path, monkeypatch, sections):
    """Every mean and every seed handed to matplotlib is in the rows of curves.csv, and the other way round."""
    means, seeds = [], []
    plot, add = Axes.plot, Axes.add_collection

    def see_line(ax, *args, **settings):
        means.extend([tuple(args[1])] if settings.get("lw", 0) > 1 else [])
        return plot(ax, *args, **settings)

    def see_lines(ax, lines, **settings):
        if isinstance(lines, LineCollection):
            seeds.extend(tuple(np.asarray(segment)[:, 1]) for segment in lines.get_segments())
        return add(ax, lines, **settings)

    monkeypatch.setattr(Axes, "plot", see_line)
    monkeypatch.setattr(Axes, "add_collection", see_lines)
    sections["curves"].save(tmp_path / "curves")
    rows = sections["curves"].rows
    cells = {(row["task"], row["torso"]) for row in rows}

    def in_csv(name):
        return {tuple(r[name] for r in rows if (r["task"], r["torso"]) == cell) for cell in cells}

    assert set(means) == in_csv("mean")
    assert {seed for seed in seeds if seed} == set().union(*(in_csv(f"seed_{seed}") for seed in range(5)))


def test_no_words_leave_the_figure(tmp_path, sections, monkeypatch):
    """Every title, label and name lies within the picture."""
    drawn = []
    monkeypatch.setattr(style, "save", lambda figure, stem: drawn.append(figure))
    for module in ("aggregates", "improvement", "profiles", "efficiency", "pareto", "heatmap", "curves", "scores"):
        monkeypatch.setattr(f"memorax_bench.report.figures.{module}.save", style.save)
    for section in sections.values():
        section.save(tmp_path / section.name)
    assert len(drawn) == len(NAMES)
    for name, figure in zip(NAMES, drawn, strict=True):
        figure.set_dpi(style.DPI)
        figure.draw_without_rendering()
        for artist in (*figure.axes, *figure.texts, *figure.legends):  # an axes with its title, labels and ticks
            left, bottom, right, top = artist.get_tightbbox().extents
            assert left >= -1 and bottom >= -1, (name, artist)
            assert right <= figure.bbox.width + 1 and top <= figure.bbox.height + 1, (name, artist)


def test_one_seed_draws_no_interval(tmp_path):
    suite = resolve(tmp_path)
    table = build_table(suite, fill(tmp_path / "results", suite, {key: v[:1] for key, v in FINALS.items()}))
    for section in sections_of(table, frames.frame_of(table), standings(table), {}):
        section.save(tmp_path / section.name)
        assert {row.get("low") for row in section.rows} <= {None} or all(np.isnan(row["low"]) for row in section.rows)


def test_several_algorithms_have_panels_of_their_own(tmp_path):
    text = SUITE.replace("  algorithms: {", "  algorithms: {slow: {type: ppo, learning_rate: 1e-5}, ")
    suite = resolve(tmp_path, text=text)
    table = build_table(suite, fill(tmp_path / "results", suite))
    frame = frames.frame_of(table)
    assert frame.algorithms == ("ppo", "slow") and frame.name("ppo", "gru") == "ppo/gru"
    panels, remarks = task_panels(table, frame)
    assert [(panel.title, panel.algorithm) for panel in panels] == [
        (task, algorithm) for task in ("repeat-previous", "higher-lower") for algorithm in ("ppo", "slow")
    ]
    assert remarks == () and [panel.ranked for panel in panels] == [True, True, False, False]


# --- many methods, many tasks ---


def test_more_tasks_than_panels_become_families(tmp_path, table, frame, monkeypatch):
    assert len(task_panels(table, frame)[0]) == 2
    monkeypatch.setattr("memorax_bench.report.sections.panels.MOST_PANELS", 1)
    panels, remarks = task_panels(table, frame)
    assert len(panels) == 1 and len(remarks) == 2 and "first 1 of 2 families" in remarks[1]


def test_of_many_torsos_the_best_stand_out_with_baseline_and_control(tmp_path):
    suite = many_records.make_suite(tmp_path, 2, 14, seeds=2, reps=100)
    many_records.fill_all(tmp_path / "results", suite)
    table = build_table(suite, Store(tmp_path / "results").scan(suite.label))
    frame = frames.frame_of(table)
    best = [row.torso for row in table.rows if row.role is None][:5]
    control = next(row.torso for row in table.rows if row.control)
    assert frame.prominent == {*best, "gru", control} and frame.others == 14 - len(frame.prominent)
    assert frames.MOST_ROWS >= 14 and frame.rows(table.rows) == table.rows
    assert {row.torso for row in frame.rows(table.rows * 5)} == frame.prominent


def test_looks_are_fixed_by_label_and_differ():
    few = style.looks(["gru", "mlp", "my-own"], {"mlp": "control"})
    roles = {"mlp": "control", "mlp-prev": "control", "mlp-state": "oracle"}
    more = style.looks(["lru", "my-own", "gru", "mamba2", "mlp-state", "mlp-prev", "mlp"], roles)
    assert few["gru"] == more["gru"] and few["my-own"] == more["my-own"]
    assert len(set(more.values())) == len(more)
    assert more["mlp-state"] == style.ORACLE
    assert more["mlp"].colour in style.CONTROL_GREYS and more["mlp-prev"].colour in style.CONTROL_GREYS
    assert len(set(style.looks([f"torso-{i}" for i in range(10)]).values())) == 10
    assert len(style.looks([f"torso-{i}" for i in range(25)])) == 25


def test_every_torso_of_the_library_has_a_look_of_its_own():
    from memorax.registry import SEQUENCE_MODELS

    memories = set(SEQUENCE_MODELS) - {"mlp"}
    known = [name for names in style.METHODS for name in names]
    assert memories <= set(known) and len(known) == len(set(known))
    assert len(set(style.looks(memories).values())) == len(memories)


# --- the canvas ---


def test_panels_are_as_wide_as_a_column_or_a_page_and_do_not_overlap():
    for count, width in ((1, canvas.ONE_COLUMN), (2, canvas.TWO_COLUMNS), (7, canvas.TWO_COLUMNS)):
        figure, axes = canvas.panels(count, 1.5, foot="word " * 80)
        assert figure.get_figwidth() == width and len(axes) == count
        boxes = [ax.get_position().extents for ax in axes]
        for i, (left, bottom, right, top) in enumerate(boxes):
            assert 0 < left < right < 1 and 0 < bottom < top < 1
            for other in boxes[:i]:
                assert other[2] < left or other[0] > right or other[1] > top or other[3] < bottom


def test_words_are_wrapped_to_the_width():
    lines = canvas.wrap("some words " * 30, 2.0)
    assert len(lines) > 3 and all(canvas.text_width(line, style.TINY) <= 2.0 for line in lines)
    assert " ".join(lines).split() == ["some", "words"] * 30
    assert canvas.wrap("", 2.0) == []


def test_names_are_placed_where_nothing_else_is():
    with style.house_style():
        _, (ax,) = canvas.panels(1, 2.0)
        ax.set(xlim=(0, 1), ylim=(0, 1))
        apart = [Point(0.3, 0.3, 3, "one", "k"), Point(0.7, 0.7, 3, "two", "k")]
        assert place_names(ax, apart, 6) == ()
        crowd = [Point(0.5, 0.5 + i / 1000, 3, f"name {i}", "k") for i in range(30)]
        left_out = place_names(ax, crowd, 6)
        assert 0 < len(left_out) < 30 and "name 0" not in left_out
