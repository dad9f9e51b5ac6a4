"""Identities: equal data has one hash, different data another, and published values never move."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memorax_bench.identity import (
    benchmark_hash,
    canonical_json,
    is_slug,
    result_hash,
    run_id,
    seed_key_words,
    sha256_json,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(), child, max_size=3),
    max_leaves=8,
)
RUN = {
    "config_hash": "a",
    "code_hash": "b",
    "device_kind": "cpu",
    "seed_batch": 4,
    "seeds": [0, 1],
    "benchmark_hash": "c",
    "task_label": "t",
}


@given(PLAIN)
def test_canonical_json_round_trips(value):
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(st.dictionaries(st.text(), st.integers(), max_size=5))
def test_key_order_does_not_enter(mapping):
    assert canonical_json(dict(reversed(mapping.items()))) == canonical_json(mapping)


def test_canonical_json_is_fixed():
    value = {"b": [1, 1.0, 1e-3, 1e22], "a": {"é": None, "t": True}}
    assert canonical_json(value) == '{"a":{"t":true,"é":null},"b":[1,1.0,0.001,1e+22]}'
    assert sha256_json({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": [-math.inf]}, {1: 2}, {"a": {1, 2}}, b"x"])
def test_canonical_json_refuses(value):
    with pytest.raises(ValueError, match=r"\$"):
        canonical_json(value)


def test_benchmark_hash_sees_the_frozen_part_only():
    suite = {"protocol": {"a": 1}, "tasks": {}, "scoring": {}, "rankings": {}}
    same = {**suite, "name": "other", "version": 3, "description": "x", "entries": {"seeds": 5}}
    assert benchmark_hash(same) == benchmark_hash(suite)
    for key in suite:
        assert benchmark_hash({**suite, key: {"changed": 1}}) != benchmark_hash(suite)


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("config_hash", "x"),
        ("code_hash", "x"),
        ("device_kind", "gpu"),
        ("seed_batch", 8),
        ("seeds", [0, 2]),
        ("benchmark_hash", "x"),
        ("task_label", "u"),
        ("track", "lr4"),
    ],
)
def test_run_id_depends_on_all_its_numbers_depend_on(key, other):
    assert run_id(**RUN) != run_id(**{**RUN, key: other})


def test_run_id_is_fixed():
    assert run_id(**RUN) == run_id(**{**RUN, "seeds": (1, 0)}) == "c916b6c37414ccb4"
    assert run_id(**RUN, track="fixed") == "c916b6c37414ccb4"  # as before there were tracks


def test_result_hash_leaves_out_volatile_and_itself():
    record = {"seeds": [0], "volatile": {"created_utc": "a"}, "result_hash": "x"}
    assert result_hash(record) == result_hash({"seeds": [0]}) == result_hash({**record, "volatile": {}})
    assert result_hash(record) != result_hash({**record, "seeds": [1]})


def test_seed_keys_are_fixed_and_distinct():
    assert seed_key_words("b", "task", "train", 0) == (3018103105, 3936061737)
    keys = {
        seed_key_words(bench, task, role, seed)
        for bench in "bc"
        for task in ("t", "u")
        for role in ("init", "train", "evaluate")
        for seed in range(50)
    }
    assert len(keys) == 2 * 2 * 3 * 50
    assert all(0 <= word < 2**32 for key in keys for word in key)


@pytest.mark.parametrize(
    ("label", "good"),
    [
        ("gru", True),
        ("mlp-prev", True),
        ("v1.2_a", True),
        ("Gru", False),
        ("..", False),
        (".hidden", False),
        ("a/b", False),
        ("", False),
        ("a" * 65, False),
        ("a\n", False),
    ],
)
def test_labels_are_folder_names(label, good):
    assert is_slug(label) is good
