"""Where things lie in a picture, and that text cannot leave it."""

import math
import re
import xml.etree.ElementTree as ET

import pytest

from memorax_bench.board import charts
from memorax_bench.board.charts import Curve, Level, apart, chart, span, ticks
from memorax_bench.stats import Estimate

NS = "{http://www.w3.org/2000/svg}"


def parse(markup) -> ET.Element:
    return ET.fromstring(str(markup))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (-0.5, 1, [-0.5, 0, 0.5, 1]),
        (0, 1_048_576, [0, 200_000, 400_000, 600_000, 800_000, 1_000_000]),
        (7.8, 257.9, [50, 100, 150, 200, 250]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("low, high", [(0, 1e-9), (-3, -2.999), (0, 7e12), (-0.1, 1.6)])
def test_ticks_are_few_and_inside(low, high):
    found = ticks(low, high)
    assert 2 <= len(found) <= 6 and low - 1e-12 <= found[0] and found[-1] <= high + 1e-12


def test_names_are_moved_apart_and_stay_inside():
    assert apart([10, 50, 90], 13, 0, 100) == [10, 50, 90]
    assert apart([50, 50, 50], 10, 0, 100) == [50, 60, 70]
    assert apart([95, 96, 97], 10, 0, 100) == [80, 90, 100]
    assert apart([], 10, 0, 100) == []


def test_a_span_holds_the_scale_and_every_finite_value():
    assert span([0.2, math.nan, 1.4, -0.1]) == (-0.1, 1.4)
    assert span([]) == (0.0, 1.0)


def test_a_bar_has_its_dot_and_whisker_where_they_belong():
    svg = parse(charts.bar(Estimate(0.5, 0.25, 1.0, 5), (0.0, 1.0)))
    dot, whisker = svg.find("circle[@class='dot']"), svg.find("line[@class='whisker']")
    left, right = (float(svg.findall("line[@class='mark']")[i].get("x1")) for i in (0, 1))
    assert float(dot.get("cx")) == pytest.approx((left + right) / 2)
    assert float(whisker.get("x1")) == pytest.approx(left + (right - left) / 4)
    assert float(whisker.get("x2")) == pytest.approx(right)


def test_one_seed_has_no_whisker():
    svg = parse(charts.bar(Estimate(0.5, math.nan, math.nan, 1), (0.0, 1.0)))
    assert svg.find("line[@class='whisker']") is None and svg.find("circle") is not None


def test_curves_rise_to_the_left_and_stop_where_they_are_not_known():
    curve = Curve([0, 10, 20], [0.0, 1.0, math.nan], "s0", "ppo/gru", "gru")
    svg = parse(chart([curve], [Level(1.0, "ceiling")], (300.0, 200.0), "title", labels=40))
    points = [tuple(map(float, pair.split(","))) for pair in svg.find("polyline").get("points").split()]
    assert len(points) == 2 and points[0][0] < points[1][0] and points[0][1] > points[1][1]
    assert float(svg.find("line[@class='bound']").get("y1")) == points[1][1]
    assert svg.get("role") == "img" and svg.get("aria-label") == "title"


def test_a_flat_curve_and_no_curve_can_be_drawn():
    assert "NaN" not in chart([Curve([0, 1], [0.3, 0.3], "s0")], [], (300.0, 200.0), "flat")


def test_names_cannot_leave_the_picture():
    name = "</text><script>alert(1)</script>\u202e\"'"
    svg = chart([Curve([0, 1], [0, 1], "s0", name, name)], [Level(0.5, name)], (300.0, 200.0), name, labels=80)
    assert {element.tag for element in parse(svg).iter()} == {"svg", "line", "text", "polyline"}
    assert not re.search("[\u202a-\u202e]", svg)
