"""The identities of the harness: hashes of suites, cells, runs and results, and the keys of seeds.

All are pure functions of plain data and are the same on every machine; changing one orphans published records.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

KEY_SCHEME = 1  # how seeds become keys; a record says which it used
KEY_WORDS = 2  # a threefry key is two uint32
UNTUNED = "fixed"  # the track of entries whose settings were not searched for
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]*")

_FROZEN_KEYS = ("protocol", "tasks", "scoring", "rankings")
NOT_RESULT = ("volatile", "result_hash", "leaf_digests")
_SCALARS = {type(None), bool, int, float, str}


def canonical_json(value: Any) -> str:
    """One spelling for equal data: sorted keys, no spaces, floats by `repr`.

    Raises ValueError on NaN, infinity, keys that are not strings, and anything that JSON has no form for.
    """
    if not _is_plain(value):
        _check_plain(value, "$")
    try:
        return _spell(value)
    except ValueError:
        _check_plain(value, "$")  # which says where
        raise


def sha256_json(value: Any) -> str:
    """Hex sha256 of the canonical JSON, 64 digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def benchmark_hash(suite: Mapping[str, Any]) -> str:
    """The identity of a suite's frozen part: protocol, tasks, scoring, rankings (typed values, defaults filled in).

    Name, version, description and entries do not enter.
    """
    return sha256_json({key: suite[key] for key in _FROZEN_KEYS})


def config_hash(config: Mapping[str, Any]) -> str:
    """The identity of a resolved cell: task, algorithm, torso, network and protocol with every default filled in."""
    return sha256_json(dict(config))


def run_id(
    config_hash: str,
    code_hash: str,
    device_kind: str,
    seed_batch: int,
    seeds: Sequence[int],
    *,
    benchmark_hash: str,
    task_label: str,
    track: str = UNTUNED,
) -> str:
    """The identity of one run, known before it starts: 16 hex digits of everything its numbers depend on.

    `benchmark_hash` and `task_label` belong to it because the seeds' keys are made of them: two suites that differ
    in a bound only would otherwise share checkpoints of differently seeded runs. `track` belongs to it because a
    record says how its settings were found, which a run of the same numbers on another track cannot say for it.
    """
    parts = {
        "config_hash": config_hash,
        "code_hash": code_hash,
        "device_kind": device_kind,
        "seed_batch": seed_batch,
        "seeds": sorted(seeds),
        "benchmark_hash": benchmark_hash,
        "task": task_label,
        "key_scheme": KEY_SCHEME,
        **({} if track == UNTUNED else {"track": track}),  # as it was before there were tracks
    }
    return sha256_json(parts)[:16]


def result_hash(record: Mapping[str, Any]) -> str:
    """The identity of what was measured: the record without `volatile`, and without this hash and digests of itself.

    `record` is plain data as it stands in a file, which is not checked again: ten thousand are read for one report.
    """
    measured = {key: value for key, value in record.items() if key not in NOT_RESULT}
    return hashlib.sha256(_spell(measured).encode()).hexdigest()


def seed_key_words(benchmark_hash: str, task_label: str, role: str, seed: int) -> tuple[int, ...]:
    """The two uint32 words of the threefry key of one seed in one role (`init`, `train`, `evaluate`,
    `extrapolate <label>`).

    Key scheme 1: the first 8 bytes, big-endian, of sha256 of the canonical JSON of
    `{"benchmark_hash", "key_scheme", "role", "seed", "task"}`. Adding a task, an entry or a seed moves no other key,
    and an entrant has no influence on it.
    """
    parts = {
        "benchmark_hash": benchmark_hash,
        "key_scheme": KEY_SCHEME,
        "role": role,
        "seed": seed,
        "task": task_label,
    }
    digest = hashlib.sha256(canonical_json(parts).encode()).digest()
    return tuple(int.from_bytes(digest[4 * word : 4 * word + 4], "big") for word in range(KEY_WORDS))


def is_slug(label: str) -> bool:
    """Whether a label may be a folder name: `[a-z0-9._-]`, starting with a letter or digit, at most 64 long."""
    return SLUG.fullmatch(label) is not None and len(label) <= 64


def slug(label: str) -> str:
    """`label` itself; ValueError where it is none."""
    if not is_slug(label):
        raise ValueError("a label is a folder name: lower-case letters, digits, '.', '_' and '-', at most 64")
    return label


def _spell(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _is_plain(value: Any) -> bool:
    """Whether it is made of JSON's own types alone; of thousands of numbers this is known at once."""
    if type(value) is dict:
        return set(map(type, value)) <= {str} and _is_plain(list(value.values()))
    if type(value) in (list, tuple):
        return set(map(type, value)) <= _SCALARS or all(map(_is_plain, value))
    return type(value) in _SCALARS


def _check_plain(value: Any, where: str) -> None:
    if value is None or isinstance(value, bool | str | int):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} = {value!r} has no place in an identity; only finite numbers have")
        return
    if isinstance(value, Mapping):
        for key, child in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{where} has the key {key!r}; only text can be a key")
            _check_plain(child, f"{where}.{key}")
        return
    if isinstance(value, list | tuple):
        for index, child in enumerate(value):
            _check_plain(child, f"{where}[{index}]")
        return
    raise ValueError(f"{where} is a {type(value).__name__}; only null, bool, number, text, list and mapping are plain")


def suite_label(name: str, version: int, benchmark_hash: str, published: str | None) -> str:
    """`name@version`, with `+<hash8>` where the frozen part is not the published one (None: nothing published)."""
    base = f"{name}@{version}"
    return base if published in (None, benchmark_hash) else f"{base}+{benchmark_hash[:8]}"
