"""Tier 3 on records that no training made: what is stored, what is broken, what is missing."""

import hashlib
import json

import numpy as np
import pytest

from memorax_bench.code_hash import CodeHash
from memorax_bench.perf import scores
from memorax_bench.perf.scores import BROKEN, KEPT, UNMEASURED, compare_cell
from memorax_bench.suite.schema import Task
from tests.bench import synthetic

BOUNDS = {"id": "a", "task_version": 1, "family": "A", "hard_min": -1, "hard_max": 1, "floor": -0.5}
TASK, OPEN = Task(**BOUNDS, ceiling=1.0), Task(**BOUNDS)
SOLVED = (0.97, 0.98, 0.96)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (SOLVED, KEPT),
        ((0.9, 0.95, 0.92), KEPT),  # a drop, but within the margin
        ((1.0, 1.0, 1.0), KEPT),
        ((-0.5, -0.48, -0.51), BROKEN),
        ((0.4, 0.5, 0.45), BROKEN),
        ((0.9, 0.2, 0.95), KEPT),  # one seed of three may fail by chance
        ((0.97, None, 0.96), BROKEN),  # none does so by chance into what is no number
        ((0.97, 0.96), UNMEASURED),
        ((), UNMEASURED),
    ],
)
def test_verdicts(found, verdict):
    assert compare_cell("a", TASK, SOLVED, found).verdict == verdict


def test_numbers_are_normalised_and_floored():
    row = compare_cell("a", TASK, (1.0, 1.0, 1.0), (-1.0, -0.5, -0.75))
    assert (row.stored, row.found, row.drop, row.least_drop, row.seeds) == (1.0, 0.0, 1.0, 1.0, (3, 3))


def test_a_learner_that_diverged_before_may_do_so():
    assert compare_cell("a", TASK, (1.0, None, 1.0), (1.0, 1.0, None)).verdict == KEPT


def test_without_a_ceiling_what_was_stored_is_one():
    assert compare_cell("a", OPEN, SOLVED, SOLVED).stored == pytest.approx(1)
    assert compare_cell("a", OPEN, SOLVED, (0.1, 0.2, 0.1)).verdict == BROKEN
    below = compare_cell("a", OPEN, (-0.6, -0.7, -0.6), SOLVED)
    assert below.verdict == UNMEASURED and "ceiling" in below.why


def test_equal_learners_are_hardly_ever_broken():
    """Where the task is solved by most seeds only, which is where scores vary most."""
    rng = np.random.default_rng(0)
    draw = lambda: np.where(rng.random(5) < 0.8, 1.0, rng.uniform(-0.5, 0.5, 5)).tolist()  # noqa: E731
    broken = [compare_cell("a", TASK, draw(), draw()).verdict == BROKEN for _ in range(2000)]
    assert sum(broken) <= 0.01 * len(broken)


# --- the verb ---

GOOD = {key: values for key, values in synthetic.FINALS.items() if key[1] in ("gru", "lru")}
LEARNER = "repeat-previous/ppo/gru"


NOW = CodeHash(hashlib.sha256(b"now").hexdigest(), {})  # of the code that is compared


@pytest.fixture
def suite(repository, monkeypatch):
    """The small suite in a repository; `suite(finals)` makes records of it."""
    repository.serves("a")
    resolved = synthetic.resolve(repository.path)
    hashes = lambda resolved: {cell.labels: NOW for cell in resolved.cells}  # noqa: E731
    monkeypatch.setattr("memorax_bench.running.plan.code_hashes", hashes)
    return lambda finals, code="now": synthetic.fill(repository.path / "results", resolved, finals, code=code)


def test_scores_are_stored_and_compared(call, repository, suite):
    suite(GOOD, code="before")
    code, out, _ = call("perf", "scores", "suite=tiny.yaml", "--write")
    assert code == 0 and "4 cells of tiny@1" in out
    stored = scores.read_scores(repository.path / scores.FILE)
    assert stored["tiny@1"].cells[LEARNER].final == GOOD["repeat-previous", "gru"]
    assert scores.encode_scores(stored) == (repository.path / scores.FILE).read_text()
    assert stored["tiny@1"].cells[LEARNER].commit and stored["tiny@1"].cells[LEARNER].versions["jaxlib"] == "0.11.2"

    code, out, _ = call("perf", "scores", "suite=tiny.yaml")
    assert code == 5 and "not measured: no record of this code" in out  # those of other code do not count
    suite({key: [value - 0.01 for value in values] for key, values in GOOD.items()})
    code, out, _ = call("perf", "scores", "suite=tiny.yaml")
    assert (code, out.splitlines()[-1]) == (0, "no regression: 4 learners compared (exit 0)")


def test_a_broken_learner_is_found(call, repository, suite):
    suite(GOOD, code="before")
    call("perf", "scores", "suite=tiny.yaml", "--write")
    suite(GOOD | {("repeat-previous", "gru"): (-0.5, -0.4, -0.45)})
    code, out, _ = call("perf", "scores", "suite=tiny.yaml", "--json", "rows.json")
    assert (code, out.splitlines()[-1]) == (4, f"regression: {LEARNER} (exit 4)")
    (row,) = [line for line in out.splitlines() if line.startswith(LEARNER)]
    assert row.split()[1:] == ["0.98", "0.03", "0.95", "0.82", "3,", "3", "broken"]
    rows = json.loads((repository.path / "rows.json").read_text())["scored"]
    assert {row["cell"] for row in rows if row["verdict"] == "broken"} == {LEARNER}


def test_only_the_cells_chosen_are_compared_and_renewed(call, repository, suite):
    suite(GOOD)
    assert call("perf", "scores", "suite=tiny.yaml", "torsos=gru", "--write")[0] == 0
    before = scores.read_scores(repository.path / scores.FILE)["tiny@1"]
    assert len(before.cells) == 2
    call("perf", "scores", "suite=tiny.yaml", "torsos=lru", "tasks=repeat-previous", "--write")
    after = scores.read_scores(repository.path / scores.FILE)["tiny@1"].cells
    assert len(after) == 3 and before.cells.items() <= after.items()
    code, out, _ = call("perf", "scores", "suite=tiny.yaml", "torsos=lru")
    assert code == 0 and "1 learner compared" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("suite=tiny.yaml",), 5, "expected_scores.json has no scores of tiny@1 and these cells: memorax-bench perf"),
        (("suite=tiny.yaml", "--write"), 2, "no chosen cell of tiny@1 has records of all its 3 seeds"),
        (("suite=tiny.yaml", "suite=quick"), 2, "one suite at a time, not suite=tiny.yaml, suite=quick"),
        (("suite=nonesuch",), 2, "nonesuch"),
    ],
)
def test_what_cannot_be_compared(call, suite, arguments, code, said):
    ended, out, err = call("perf", "scores", *arguments)
    assert ended == code and said in out + err


def test_another_frozen_part_is_not_compared(call, repository, suite):
    suite(GOOD)
    call("perf", "scores", "suite=tiny.yaml", "--write")
    file = repository.path / scores.FILE
    stored = scores.read_scores(file)["tiny@1"]
    file.write_text(scores.encode_scores({"tiny@1": stored.model_copy(update={"benchmark_hash": "0" * 64})}))
    code, out, _ = call("perf", "scores", "suite=tiny.yaml")
    assert code == 5 and "has another frozen part of tiny@1" in out
