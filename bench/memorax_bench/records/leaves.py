"""The leaves of plain data by their dotted paths, and a short digest of each, so that an altered one can be named.

A hash of the whole says that something was altered; these say what. They prove nothing by themselves: who alters a
record can make them anew, as he can any hash of it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

WIDTH = 4  # hex digits of a digest: one altered leaf in 65,536 is not named, though the whole is refused

Leaf = tuple[str, Any]  # dotted path, value


def leaves(value: Any, path: str = "") -> Iterator[Leaf]:
    """Every text, number, truth value and null, keys sorted: `("results.final.0", 0.97)`. What is empty is a leaf."""
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            yield from leaves(value[key], _join(path, key))
    elif isinstance(value, list | tuple) and value:
        for index, child in enumerate(value):
            yield from leaves(child, _join(path, str(index)))
    else:
        yield path, value


def leaf_digests(value: Any) -> str:
    """The digests of all leaves, `WIDTH` hex digits each, in their order."""
    return "".join(_digest(*leaf) for leaf in leaves(value))


def altered_leaves(value: Any, digests: str) -> tuple[Leaf, ...]:
    """The leaves that are not those whose digests these are; where their number is another, from the first one on that
    has moved."""
    sealed = [digests[start : start + WIDTH] for start in range(0, len(digests), WIDTH)]
    found = list(leaves(value))
    if len(found) == len(sealed):
        return tuple(leaf for leaf, digest in zip(found, sealed, strict=True) if _digest(*leaf) != digest)
    for leaf, digest in zip_longest(found, sealed):
        if leaf is None or _digest(*leaf) != digest:
            return (leaf or found[-1],)
    return ()


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _digest(path: str, value: Any) -> str:
    """Whole numbers are alike however they are written: 1 and 1.0."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        value = float(value)
    return hashlib.sha256(f"{json.dumps(path)}={json.dumps(value)}".encode()).hexdigest()[:WIDTH]
