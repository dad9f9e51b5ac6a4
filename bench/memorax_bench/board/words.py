"""Numbers and names as the pages write them, and text of others made harmless to the eye.

That text cannot act as HTML is the templates' business: everything is escaped there. Here it is kept from looking like
something else: characters that nobody sees, or that turn the order of others, are written as their code points.
"""

import math
import unicodedata
from collections.abc import Iterable

from memorax_bench import stats
from memorax_bench.report.render import MISSING, magnitude, number

MINUS = "\N{MINUS SIGN}"
LONGEST = 400  # characters of any one text
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")

TRACKS = {
    "fixed": "nothing was tuned",
    "lr4": "the learning rate was chosen among four, the same way for all",
    "open": "tuned in any way, with what that took declared",
}
GATES = {
    "step_equals_sequence": "One step at a time gives what the whole sequence gives.",
    "chunks_equal_sequence": "Two calls with the memory carried over give what one call gives.",
    "reset_equals_fresh": "After an episode's start nothing is left of what was remembered.",
    "causal": "What comes later does not change what was said before.",
    "agent_reset_equals_fresh": "The agent decides in an episode whatever happened in the one before.",
    "replay_equals_rollout": "What the algorithm learns from first is what it acted.",
    "evaluation_is_pure": "Evaluating changes nothing, and twice gives the same.",
}


def printable(text: str) -> str:
    """`text` with every character seen, in the order in which it is written, and an end."""
    seen = "".join(_seen(sign) for sign in text[:LONGEST])
    return seen if len(text) <= LONGEST else f"{seen}\N{HORIZONTAL ELLIPSIS} ({len(text):,} characters)"


def value(score: float | None) -> str:
    """A score: `.98`, `−.01`, `1.0`."""
    return MISSING if score is None else number(score).replace("-", MINUS)


def signed(score: float) -> str:
    """A difference: `+.05`, `−.05`, `.00`."""
    text = value(score)
    return text if text.startswith(MINUS) or text == value(0.0) or not math.isfinite(score) else f"+{text}"


def brackets(estimate: stats.Estimate | stats.Difference, write=value) -> str:
    """The interval: `[.97, .99]`; nothing where there is none."""
    if not math.isfinite(estimate.low):
        return ""
    return f"[{write(estimate.low)}, {write(estimate.high)}]"


def count(amount: float | None) -> str:
    """A count that is only compared: `84k`, `1.2M`."""
    return MISSING if amount is None else magnitude(amount)


def exact(amount: float | None) -> str:
    """Every digit: `49,600`."""
    return MISSING if amount is None else f"{amount:,.0f}"


def between(low_high: tuple[float, float] | None, write=count) -> str:
    """A range over tasks: `50k`, or `48k–52k` where they differ."""
    return MISSING if low_high is None else "\N{EN DASH}".join(dict.fromkeys(map(write, low_high)))


def chance(probability: float | None) -> str:
    """A probability: `.73`, `<.01`, `>.99`; never 0 or 1, which a sample cannot show."""
    if probability is None or not math.isfinite(probability):
        return MISSING
    return "<.01" if probability < 0.005 else ">.99" if probability > 0.995 else number(probability)


def p_value(p: float) -> str:
    """`.03`, `<.001`."""
    if not math.isfinite(p):
        return MISSING
    return "<.001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 0.0995 else number(p)


def places(rank: stats.Rank) -> str:
    """The interval of a rank: `1–4`, `2`; nothing where there is none."""
    if not math.isfinite(rank.low):
        return ""
    return "\N{EN DASH}".join(dict.fromkeys((f"{rank.low:.0f}", f"{rank.high:.0f}")))


def span(low: int, high: int) -> str:
    """`5`, or `3–5`."""
    return str(low) if low == high else f"{low}\N{EN DASH}{high}"


def error(largest: float | None) -> str:
    """How far off a law: `2e-07`, `0`."""
    return MISSING if largest is None else f"{largest:.0e}" if largest else "0"


def plural(amount: int, noun: str, several: str | None = None) -> str:
    """`1 task`, `8 tasks`, `3 entries`."""
    return f"{amount:,} {noun if amount == 1 else several or f'{noun}s'}"


def listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`; each once."""
    *rest, last = dict.fromkeys(names)
    return f"{', '.join(rest)} and {last}" if rest else last


def _seen(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if unicodedata.category(sign) in _UNSEEN and sign not in "\n\t" else sign
