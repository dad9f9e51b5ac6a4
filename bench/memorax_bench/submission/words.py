"""Texts that others wrote, shown so that they can do nothing to who reads them."""

import unicodedata
from typing import Any

MOST = 160  # characters shown of one text

_HIDDEN = ("C", "Zl", "Zp")  # control, format (bidirectional marks among them), surrogate, private, unassigned; breaks


def is_printable(text: str) -> bool:
    """Whether a text is only what it looks like: one line, nothing that moves a cursor or turns the direction."""
    return not any(unicodedata.category(sign).startswith(_HIDDEN) for sign in text)


def printable(value: Any) -> str:
    """The text of a value, what is not printable written as its number, cut where it is long."""
    shown = "".join(sign if is_printable(sign) else f"\\u{ord(sign):04x}" for sign in str(value)[: MOST + 1])
    return shown if len(shown) <= MOST else f"{shown[: MOST - 3]}..."
