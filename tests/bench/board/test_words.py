"""Numbers and names as the pages write them."""

import math

import pytest

from memorax_bench import stats
from memorax_bench.board import words


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain, with \u00e4 and \u4e2d", "plain, with \u00e4 and \u4e2d"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("bell\x07", "bell\\u0007"),
        ("\ud800", "\\ud800"),
        ("x" * 1000, "x" * 400 + "\u2026 (1,000 characters)"),
    ],
)
def test_text_of_others_is_all_seen_and_has_an_end(text, seen):
    assert words.printable(text) == seen
    words.printable(text).encode()


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (words.value, -0.014, "\u2212.01"),
        (words.value, 1.0, "1.0"),
        (words.value, None, "\u2014"),
        (words.signed, 0.05, "+.05"),
        (words.signed, -0.05, "\u2212.05"),
        (words.signed, 0.001, ".00"),
        (words.chance, 0.732, ".73"),
        (words.chance, 0.0, "<.01"),
        (words.chance, 1.0, ">.99"),
        (words.chance, math.nan, "\u2014"),
        (words.p_value, 0.0002, "<.001"),
        (words.p_value, 0.0123, ".012"),
        (words.p_value, 0.4, ".40"),
        (words.count, 1_234_567, "1.2M"),
        (words.exact, 49_600, "49,600"),
        (words.between, (48_000, 52_000), "48k\u201352k"),
        (words.between, (50_000, 50_000), "50k"),
        (words.between, None, "\u2014"),
        (words.error, 2.3e-7, "2e-07"),
        (words.error, 0.0, "0"),
        (words.listed, ["b", "a", "b"], "b and a"),
        (words.listed, ["a", "b", "c"], "a, b and c"),
    ],
)
def test_numbers(function, value, text):
    assert function(value) == text


def test_intervals_of_values_and_ranks():
    assert words.brackets(stats.Estimate(0.5, -0.02, 1.0, 5)) == "[\u2212.02, 1.0]"
    assert words.brackets(stats.Estimate(0.5, math.nan, math.nan, 1)) == ""
    assert words.places(stats.Rank(2, 1.0, 4.0, 0.3)) == "1\u20134"
    assert words.places(stats.Rank(2, 2.0, 2.0, 0.3)) == "2"
    assert words.places(stats.Rank(2, math.nan, math.nan, math.nan)) == ""


def test_every_gate_is_explained():
    from memorax_bench.records.gates import TOLERANCES

    assert set(words.GATES) == set(TOLERANCES)
