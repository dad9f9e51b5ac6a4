"""Texts of others: what is not printable is written as its number."""

import pytest

from memorax_bench.submission.words import MOST, is_printable, printable


@pytest.mark.parametrize("text", ["plain", "é 日本 ∇", "", "a-b_c.d", "[1, 2]"])
def test_what_is_only_what_it_looks_like(text):
    assert is_printable(text) and printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\u001b[2J"),
        ("a\nb\r\t", "a\\u000ab\\u000d\\u0009"),
        ("a\u202eb", "a\\u202eb"),  # from here on right to left
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\ue0041"),  # a tag, which is drawn as nothing
    ],
)
def test_what_is_not(text, shown):
    assert not is_printable(text) and printable(text) == shown and is_printable(shown)


def test_long_texts_are_cut():
    assert len(printable("x" * 10**6)) == MOST and printable("x" * MOST) == "x" * MOST
    assert printable(["\x00"]) == "['\\x00']"
