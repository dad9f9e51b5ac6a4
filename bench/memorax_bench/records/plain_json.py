"""JSON that is read one way only: no key twice, no number that is none, no nesting that exhausts the reader."""

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 32  # of a record there are 6

# A text without end is one token, too: looking for its end from every quote in it would take for ever.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def load_json(data: bytes) -> Any:
    """The value of a UTF-8 document. Raises ValueError, with the reason, for anything that is not plain."""
    if _depth(data) > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    try:
        return json.loads(
            data.decode(),
            parse_constant=_refuse_constant,
            parse_int=_whole,
            parse_float=_finite,
            object_pairs_hook=_once,
        )
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error


def _depth(data: bytes) -> int:
    """How deep brackets are nested. Text that is no JSON has some number, too; it is refused afterwards."""
    depth = deepest = 0
    for token in _TOKEN.finditer(data):
        sign = token[0]
        depth += (sign in (b"[", b"{")) - (sign in (b"]", b"}"))
        deepest = max(deepest, depth)
    return deepest


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number that JSON knows")


def _whole(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) >= 2**63:
        raise ValueError(f"{digits[:40]} is larger than any number of a record")
    return int(digits)


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"{digits[:40]} is larger than any number of a record")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key that stands twice, two readers may take two values."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return found
