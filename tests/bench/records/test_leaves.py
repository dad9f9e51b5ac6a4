"""The digests of leaves: an altered value is named, one that is only written otherwise is not."""

from hypothesis import given
from hypothesis import strategies as st

from memorax_bench.records.leaves import WIDTH, altered_leaves, leaf_digests, leaves

LEAF = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
DATA = st.recursive(
    LEAF, lambda child: st.lists(child, max_size=3) | st.dictionaries(st.text(max_size=3), child, max_size=3)
)


def test_paths_are_dotted_and_in_one_order():
    data = {"b": [1, {"x": None}], "a": {}, "c": "text"}
    assert list(leaves(data)) == [("a", {}), ("b.0", 1), ("b.1.x", None), ("c", "text")]


@given(DATA)
def test_what_was_not_altered_is_not_named(data):
    digests = leaf_digests(data)
    assert len(digests) == WIDTH * len(list(leaves(data)))
    assert altered_leaves(data, digests) == ()


def test_whole_numbers_are_alike_however_they_are_written():
    assert leaf_digests({"a": 1, "b": 2.0}) == leaf_digests({"b": 2, "a": 1.0})
    assert leaf_digests(1) != leaf_digests(True) != leaf_digests("1")


def test_every_altered_leaf_is_named():
    data = {"a": [1, 2, 3], "b": {"c": 0.5, "d": True}}
    digests = leaf_digests(data)
    assert altered_leaves({"a": [1, 7, 3], "b": {"c": 0.5, "d": False}}, digests) == (("a.1", 7), ("b.d", False))


def test_where_a_leaf_was_added_or_taken_away_the_first_that_moved_is_named():
    digests = leaf_digests({"a": [1, 2, 3], "b": 4})
    assert altered_leaves({"a": [1, 3], "b": 4}, digests) == (("a.1", 3),)
    assert altered_leaves({"a": [1, 2, 3, 9], "b": 4}, digests) == (("a.3", 9),)
    assert altered_leaves({"a": [1, 2, 3]}, digests) == (("a.2", 3),)
