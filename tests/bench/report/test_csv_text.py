"""Rows as CSV: exact numbers, and text that stays text."""

import csv
import io
import math

import numpy as np
import pytest

from memorax_bench.report.csv_text import csv_text


def test_numbers_are_exact_and_what_is_none_is_empty():
    rows = [
        {"a": 0.1 + 0.2, "b": None, "c": 3, "d": math.nan},
        {"a": np.float64(-1.5), "b": "x", "c": np.int64(4), "d": 1.0},
    ]
    assert csv_text(rows) == "a,b,c,d\n0.30000000000000004,,3,\n-1.5,x,4,1.0\n"


def test_no_rows_are_an_empty_header():
    assert csv_text([]).strip() == ""


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_text_is_taken_for_a_formula(text):
    (read,) = csv.DictReader(io.StringIO(csv_text([{"device": text}]), newline=""))
    assert read["device"] == f"'{text}"


def test_quotes_commas_and_lines_stay_in_their_field():
    text = 'a "b", c\nd'
    (read,) = csv.DictReader(io.StringIO(csv_text([{"device": text}]), newline=""))
    assert read["device"] == text
