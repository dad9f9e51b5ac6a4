"""Comparability is a hard key: every field of it parts records, and the refusal names the field."""

import pytest

from memorax_bench.errors import EXIT_INVALID, NotComparable
from memorax_bench.records.comparability import INPUTS, Difference, check_comparable, differences, dotted, key_of
from speed.made_up import make_record
from tests.bench.synthetic import find_cell, resolve


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return resolve(tmp_path_factory.mktemp("suite"))


def record(tiny, torso="gru", task="repeat-previous"):
    return make_record(tiny, find_cell(tiny, task, torso), [0.5, 0.6, 0.7])[0]


def changed(record, field: str, value):
    """The record with another value in one field of its key."""
    *parts, last = field.split(".")
    data = record.model_dump(mode="json", by_alias=True)
    inner = data
    for part in parts:
        inner = inner[part]
    inner[last] = value
    return type(record).model_validate(data)


def fields(tiny):
    return [name for name in key_of(record(tiny)) if name != INPUTS]


def test_the_key_is_the_benchmark_the_task_and_the_whole_protocol(tiny):
    assert set(key_of(record(tiny))) == {
        "suite.benchmark_hash",
        *(f"comparable.{name}" for name in ("task_id", "task_version", "task_package")),
        *(f"comparable.protocol.{name}" for name in ("total_env_steps", "eval_every", "eval_episodes", "eval_policy")),
        *(f"comparable.protocol.{name}" for name in ("inputs", "discount", "precision")),
    }


def test_every_field_of_the_key_is_refused_by_name(tiny):
    known = record(tiny)
    for field in fields(tiny):
        value = {"suite.benchmark_hash": "f" * 64, "comparable.task_version": 7}.get(field, "other")
        other = changed(record(tiny, "lru"), field, value)
        with pytest.raises(NotComparable) as refused:
            check_comparable([known, other])
        message = str(refused.value)
        assert f"repeat-previous: {field} is " in message, field
        assert f"ppo/gru (run {known.run_id}) and ppo/lru (run {other.run_id})" in message
        assert refused.value.exit_code == EXIT_INVALID


def test_a_release_of_this_library_parts_no_records_of_its_own_tasks(tiny):
    older = changed(record(tiny), "comparable.task_package", "memorax-bench 0.1.0")
    newer = changed(record(tiny, "lru"), "comparable.task_package", "memorax-bench 0.2.0")
    check_comparable([older, newer])


def test_values_are_shown(tiny):
    older = changed(record(tiny), "comparable.task_package", "navix 4.0.0")
    newer = changed(record(tiny, "lru"), "comparable.task_package", "navix 4.1.0")
    with pytest.raises(NotComparable, match=r"comparable\.task_package is navix 4\.0\.0 and navix 4\.1\.0, in "):
        check_comparable([older, newer])


def test_tasks_are_compared_with_themselves_only(tiny):
    check_comparable([record(tiny), record(tiny, task="higher-lower"), record(tiny, "lru")])


def test_what_an_entry_is_shown_parts_no_records(tiny):
    controls = [record(tiny, "mlp"), record(tiny, "mlp-prev")]
    assert [found.field for found in differences(*map(key_of, controls))] == [INPUTS]
    check_comparable(controls)


def test_a_field_that_one_side_lacks_differs():
    first, second = dotted({"a": {"b": 1, "c": [2]}}), dotted({"a": {"c": [2], "d": {}}})
    assert differences(first, second) == (Difference("a.b", 1, None), Difference("a.d", None, {}))
    assert str(differences(first, second)[0]) == "a.b is 1 and absent"


def test_a_long_refusal_is_cut(tiny):
    known = record(tiny)
    others = [changed(record(tiny, "lru"), "comparable.task_id", f"task-{i}") for i in range(20)]
    with pytest.raises(NotComparable, match="and 8 more") as refused:
        check_comparable([known, *others])
    assert len(refused.value.problems) == 20
