"""What two sides differ in: differences of scores, what is significant, what is no comparison."""

import math

import pytest

from fixtures import submissions
from memorax_bench.comparing.differences import (
    BETTER,
    REGRESSION,
    SAME,
    UNKNOWN,
    UNSHOWN,
    UNSURE,
    WORSE,
    Compared,
    compare_suite,
)
from memorax_bench.records.record import dump, read_record
from memorax_bench.records.store import Store
from memorax_bench.stats import Difference
from memorax_bench.suite.load import load_suite

CODE = "b" * 64


@pytest.fixture
def compare(quick):
    def compare(a, b, suite=quick, chosen=None):
        return compare_suite(suite, *(Store(folder).scan(suite.label) for folder in (a, b)), chosen)

    return compare


def entry(comparison, torso):
    return next(row for row in comparison.entries if row.torso == torso)


def verdicts(comparison, margin=0.05):
    return {row.torso: row.compared.verdict(margin, comparison.alpha) for row in comparison.entries}


def compared(value, p, same=False, raw=False, least=0.001):
    return Compared(0.5, 0.5 + value, Difference(value, value, value, least, 5), (5, 5), same, raw, p)


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (compared(0.2, 0.01), BETTER),
        (compared(-0.2, 0.01), REGRESSION),
        (compared(-0.04, 0.01), WORSE),  # less than the margin
        (compared(-0.2, 0.05), UNSURE),  # not below the level
        (compared(-0.04, 0.2), UNSHOWN),
        (compared(0.2, 0.2), UNSHOWN),
        (compared(-0.2, 0.01, raw=True), WORSE),  # in units that no margin is in
        (compared(-0.2, 0.01, same=True), SAME),
        (compared(-0.2, math.nan, least=math.nan), UNKNOWN),
    ],
)
def test_a_regression_is_significant_and_beyond_the_margin(one, verdict):
    assert one.verdict(0.05, 0.05) == verdict


def test_differences_of_normalised_scores_and_raw_returns(side, compare):
    found = compare(side("a"), side("b", {"gru": 0.9, "lru": 0.5}, code_hash=CODE))
    row = entry(found, "lru")
    # floor -.5, ceiling 1: a raw return is two thirds of a normalised one
    assert row.compared.difference.value == pytest.approx(-0.2, abs=0.03)
    assert row.compared.a - row.compared.b == pytest.approx(-row.compared.difference.value)
    assert row.tasks == (1, 1) and row.compared.seeds == (5, 5)
    cell = next(row for row in found.cells if (row.task, row.torso) == ("repeat-previous", "lru"))
    assert cell.returns[1] - cell.returns[0] == pytest.approx(1.5 * cell.compared.difference.value)
    assert found.regressions(0.05) == ("ppo/lru", "repeat-previous ppo/lru", "higher-lower ppo/lru")
    assert found.regressions(0.7) == ()
    assert verdicts(found)["gru"] == UNSHOWN


def test_p_is_adjusted_over_entries_and_over_cells(side, compare):
    found = compare(side("a"), side("b", {"gru": 0.5, "lru": 0.5}, code_hash=CODE))
    alone = 2 / math.comb(10, 5)
    assert [row.compared.difference.p for row in found.entries] == pytest.approx([alone, alone])
    assert [row.compared.p for row in found.entries] == pytest.approx([2 * alone] * 2)
    assert [row.compared.p for row in found.cells] == pytest.approx([4 * alone] * 4)


def test_the_same_records_are_no_comparison(side, compare):
    found = compare(side("a"), side("b", {"gru": 0.9, "lru": 0.5}))
    assert verdicts(found) == {"gru": SAME, "lru": REGRESSION}
    assert entry(found, "lru").compared.p == entry(found, "lru").compared.difference.p  # of one comparison
    assert set(verdicts(compare(side("a"), side("a"))).values()) == {SAME}


def test_three_seeds_show_nothing_and_say_so(side, compare):
    found = compare(side("a", seeds=range(3)), side("b", {"lru": 0.0}, seeds=range(3), code_hash=CODE))
    assert verdicts(found) == {"lru": UNSURE} and found.regressions(0.05) == ()
    one = compare(side("c", seeds=[0]), side("d", {"lru": 0.0}, seeds=[0], code_hash=CODE))
    assert verdicts(one) == {"lru": UNKNOWN}


def test_what_only_one_side_has(side, compare):
    found = compare(side("a"), side("b", {"gru": 0.9, "mlp": -0.4}, code_hash=CODE))
    assert [row.torso for row in found.entries] == ["gru"]
    assert found.only == (
        ("repeat-previous ppo/lru", "higher-lower ppo/lru"),
        ("repeat-previous ppo/mlp", "higher-lower ppo/mlp"),
    )


def test_only_the_cells_that_were_chosen(side, compare):
    found = compare(side("a"), side("b", code_hash=CODE), chosen=frozenset({("higher-lower", "ppo", "gru")}))
    assert [(row.task, row.torso) for row in found.cells] == [("higher-lower", "gru")]
    assert found.entries[0].compared is None and found.entries[0].tasks == (0, 1)  # higher-lower is not ranked


def test_another_version_of_a_package_is_refused_by_the_field(side, compare):
    a, b = side("a"), side("b", code_hash=CODE)
    for file in b.glob("**/higher-lower/ppo/gru/*/*/record.json"):
        data = dump(read_record(file))
        data["comparable"]["task_package"] = "navix 9.9"
        submissions.rewrite(file.parent, submissions.sealed_anew(data))
    found = compare(a, b)
    field = "comparable.task_package is memorax-bench and navix 9.9"
    assert found.refused == (f"higher-lower ppo/gru: {field}",)
    assert ("higher-lower", "gru") not in [(row.task, row.torso) for row in found.cells]


def test_another_frozen_part_is_left_out_by_the_field(side, compare):
    other = load_suite("quick", ["seeds=5", "protocol.eval_episodes=32"])
    a, b = side("a"), side("b", suite=other)
    (b / other.label).rename(b / "quick@1")
    found = compare(a, b)
    assert found.cells == () and f"suite.benchmark_hash is {other.benchmark_hash[:8]} in B" in found.notes[0]


def test_another_configuration_is_compared_and_told(side, compare):
    wide = load_suite("quick", ["seeds=5", "torsos.gru.features=128"])
    found = compare(side("a"), side("b", suite=wide))
    (note,) = [note for note in found.notes if note.startswith("repeat-previous")]
    assert note == "repeat-previous ppo/gru: another configuration: torso.settings.features 64 -> 128"
    assert "gru" in verdicts(found)


# --- speeds ---


def test_speeds_are_ratios_of_b_to_a(side, compare):
    found = compare(side("a", steps_per_s=100.0), side("b", code_hash=CODE, steps_per_s=150.0))
    assert entry(found, "gru").speed.ratio == pytest.approx(1.5) and entry(found, "gru").speed.unlike == ()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"load": [3.5, 1.0, 1.0]}, "load: 0.5 and 3.5"),
        ({"machine_label": "linux-x86_64-64cpu"}, "machine: linux-x86_64-2cpu and linux-x86_64-64cpu"),
        ({"device_kind": "NVIDIA H200"}, "device: cpu and NVIDIA H200"),
        ({"seed_batch": 8}, "seeds at a time: 5 and 8"),
    ],
)
def test_what_makes_speeds_no_comparison(side, compare, settings, why):
    found = compare(side("a"), side("b", code_hash=CODE, **settings))
    assert why in entry(found, "gru").speed.unlike
