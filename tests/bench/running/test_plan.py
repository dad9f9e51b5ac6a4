"""The plan: what is stored decides what is run, and the reason is said."""

from dataclasses import replace
from pathlib import Path

import pytest

from memorax_bench.code_hash import CodeHash
from memorax_bench.records.record import Adoption, Failure
from memorax_bench.records.store import Invalid, Scan, StoredFailure, StoredRecord, cell_path_parts
from memorax_bench.running.plan import compile_group, plan
from memorax_bench.suite.catalogue import load_catalogue
from memorax_bench.suite.grid import cell_roots
from memorax_bench.suite.load import load_suite
from memorax_bench.verbs.plan_screen import duration, render

CODE, OLD = "c" * 64, "d" * 64
LABELS = ("repeat", "ppo", "gru")


def with_seeds(write_suite, *arguments):
    return load_suite(write_suite(), ["torsos=gru", "tasks=repeat", *arguments])


def decide(suite, records=(), failures=(), modules=None, device="cpu", **options):
    codes = {cell.labels: CodeHash(CODE, {"memorax.networks.lru": "2"}) for cell in suite.cells}
    return plan(suite, Scan(tuple(records), tuple(failures), modules=modules), codes, device, **options)


@pytest.fixture
def one(write_suite, make_record):
    """Plans the one cell of a suite with some stored seeds: (seeds, code, device) each."""

    def one(arguments=(), stored=(), failed=(), device="cpu", modules=None, adopted=None, **options):
        suite = with_seeds(write_suite, *arguments)
        cell = suite.cells[0]
        records = []
        for number, (seeds, made_by, kind, *batch) in enumerate(stored):
            record = make_record(
                suite, cell, seeds, made_by, *batch, device=kind, created=f"2026-11-{number + 1:02}T00:00:00Z"
            )
            adoptions = [
                Adoption(code_hash=code, program_hash=OLD, jaxlib="1", commit=None, created_utc="2026")
                for code in ([adopted] if adopted else [])
            ]
            records.append(StoredRecord(Path("x"), record, tuple(adoptions)))
        failures = [
            StoredFailure(
                Path("results", *cell_path_parts(suite.label, cell), "failures", "1.json"),
                Failure(
                    run_id="0" * 16,
                    config_hash=cell.config_hash,
                    code_hash=code,
                    device_kind="cpu",
                    seeds=seeds,
                    created_utc="2026-11-02T10:00:00Z",
                    kind="out of memory",
                    message="",
                ),
            )
            for seeds, code in failed
        ]
        (action,) = decide(suite, records, failures, modules, device, **options).actions
        return action

    return one


CASES = {
    "nothing stored": ({}, "new", (0, 1, 2), "no record"),
    "all there": ({"stored": [((0, 1, 2), CODE, "cpu")]}, "reuse", (), "(same code)"),
    "in two records": ({"stored": [((0, 1), CODE, "cpu"), ((2,), CODE, "cpu")]}, "reuse", (), "seeds 0-2 in"),
    "more seeds": ({"arguments": ["seeds=5"], "stored": [((0, 1, 2), CODE, "cpu")]}, "add", (3, 4), "seeds 0-2 in"),
    "other seeds": ({"arguments": ["seeds=[7]"], "stored": [((0, 1), CODE, "cpu")]}, "add", (7,), "seeds 0-1 in"),
    "fewer seeds": ({"arguments": ["seeds=1"], "stored": [((0, 1, 2), CODE, "cpu")]}, "reuse", (), "seeds 0 in"),
    "other code": ({"stored": [((0, 1, 2), OLD, "cpu")]}, "stale", (0, 1, 2), "the code changed since 01234567"),
    "other code, known": (
        {"stored": [((0, 1, 2), OLD, "cpu")], "modules": {OLD: {"memorax.networks.lru": "1"}}},
        "stale",
        (0, 1, 2),
        "networks/lru.py changed",
    ),
    "adopted": ({"stored": [((0, 1, 2), OLD, "cpu")], "adopted": CODE}, "reuse", (), "(adopted: same program)"),
    "both codes": (
        {"stored": [((0, 1, 2), OLD, "cpu"), ((0,), CODE, "cpu")]},
        "add",
        (1, 2),
        "seeds 0 in",
    ),
    "complete on another device": (
        {"stored": [((0, 1, 2), CODE, "NVIDIA H200")]},
        "reuse",
        (),
        "(same code, on NVIDIA H200)",
    ),
    "incomplete on another device": (
        {"stored": [((0, 1), CODE, "NVIDIA H200")]},
        "new",
        (0, 1, 2),
        "only seeds 0-1 on NVIDIA H200",
    ),
    "failed": ({"failed": [((0, 1, 2), CODE)]}, "retry", (0, 1, 2), "failed: out of memory, 2 Nov"),
    "failed with other code": ({"failed": [((0, 1, 2), OLD)]}, "retry", (0, 1, 2), "the code has changed since"),
    "failed, since done": (
        {"stored": [((0, 1, 2), CODE, "cpu")], "failed": [((0, 1, 2), CODE)]},
        "reuse",
        (),
        "seeds 0-2",
    ),
    "rest failed": (
        {"stored": [((0, 1), CODE, "cpu")], "failed": [((2,), CODE)]},
        "retry",
        (2,),
        "failed: out of memory",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_decision(one, case):
    given, action, seeds, reason = case
    decided = one(**given)
    assert (decided.action, decided.seeds) == (action, seeds)
    assert reason in decided.reason
    assert sum((run.seeds for run in decided.runs), ()) == seeds


@pytest.mark.parametrize(
    ("given", "width", "chunks"),
    [
        ({}, 3, [(0, 1, 2)]),
        ({"arguments": ["seeds=10"]}, 8, [(0, 1, 2, 3, 4, 5, 6, 7), (8, 9)]),
        ({"seed_batch": 2}, 2, [(0, 1), (2,)]),
        ({"arguments": ["seeds=5"], "stored": [((0, 1), CODE, "cpu", 2)]}, 2, [(2, 3), (4,)]),
        ({"stored": [((0, 1), OLD, "cpu", 4), ((2,), OLD, "cpu", 1)]}, 4, [(0, 1, 2)]),
        ({"stored": [((0, 1), OLD, "cpu", 4)], "seed_batch": 1}, 1, [(0,), (1,), (2,)]),
    ],
)
def test_chunks_have_the_width_of_the_first_record(one, given, width, chunks):
    action = one(**given)
    assert action.seed_batch == width
    assert [run.seeds for run in action.runs] == chunks
    assert len({run.run_id for run in action.runs}) == len(chunks)


def test_the_run_that_was_planned_is_the_run_that_is_stored(one, write_suite, make_record):
    suite = with_seeds(write_suite)
    assert one().runs[0].run_id == make_record(suite, suite.cells[0], code=CODE).run_id


def test_what_an_equal_program_would_save(one):
    action = one(stored=[((0, 1, 2), OLD, "cpu"), ((0, 1, 2), OLD, "gpu")])
    assert [stored.record.numerics.device_kind for stored in action.adoptable] == ["cpu"]


def test_another_configuration_or_frozen_part_does_not_count(write_suite, make_record):
    suite = with_seeds(write_suite)
    stored = [StoredRecord(Path("x"), make_record(suite, suite.cells[0], code=CODE))]
    other = with_seeds(write_suite, "torsos.gru.features=32", "algorithms.ppo.num_envs=32")
    (action,) = decide(other, stored).actions
    assert (action.action, action.reason) == ("new", "algorithm.num_envs, torso.features changed")
    frozen = with_seeds(write_suite, "tasks.repeat.floor=-0.4")
    (action,) = decide(frozen, stored).actions
    assert (action.action, action.reason) == ("new", "the suite's frozen part changed")


def test_another_track_does_not_count_whatever_its_settings(write_suite, make_record):
    spent = "tuning={trials: 9, seeds: [1_000_000], env_steps: 1e6}"
    fixed, opened = with_seeds(write_suite), with_seeds(write_suite, "track=open", spent)
    assert fixed.cells[0].config_hash == opened.cells[0].config_hash
    stored = StoredRecord(Path("x"), make_record(fixed, fixed.cells[0], code=CODE))
    (action,) = decide(opened, [stored]).actions
    assert (action.action, action.reason, action.adoptable) == ("new", "only on the track fixed", ())
    assert action.runs[0].run_id != stored.record.run_id
    own = StoredRecord(Path("x"), make_record(opened, opened.cells[0], code=CODE))
    assert decide(opened, [stored, own]).actions[0].action == "reuse"


def test_estimate_scales_a_like_record(one):
    assert one().estimate is None
    action = one(arguments=["seeds=6"], stored=[((0, 1, 2), CODE, "cpu")])
    assert action.estimate == pytest.approx(0.48 + 4.7 + 1.25 + 1.21 + 0.3)
    assert one(stored=[((0, 1, 2), CODE, "cpu")], device="gpu", arguments=["seeds=6"]).estimate is None


def test_a_sweep_over_the_learning_rate_is_one_program(tiny):
    config = tiny.cells[2].config
    settings = config["algorithm"]["settings"]
    other = {**config, "algorithm": {"type": "ppo", "settings": {**settings, "learning_rate": 0.5}}}
    wider = {**config, "algorithm": {"type": "ppo", "settings": {**settings, "num_envs": 32}}}
    assert compile_group(config, 4) == compile_group(other, 4)
    assert compile_group(config, 4) != compile_group(config, 8)
    assert compile_group(config, 4) != compile_group(wider, 4)


def test_screen(tiny, make_record):
    cells = {cell.labels: cell for cell in tiny.cells}
    stored = [
        StoredRecord(Path("x"), make_record(tiny, cells[LABELS], code=CODE)),
        StoredRecord(Path("x"), make_record(tiny, cells["repeat", "ppo", "lru"], code=OLD)),
    ]
    made = plan(
        tiny,
        Scan(tuple(stored), invalid=(Invalid(Path("y/record.json"), "not JSON"),)),
        {cell.labels: CodeHash(CODE, {}) for cell in tiny.cells},
        "cpu",
    )
    lines = render(made).splitlines()
    assert lines[0] == (
        "tiny@1  2 tasks x 1 algorithm x 4 torsos x 3 seeds  (frozen part unchanged: ranks with tiny@1)"
    )
    assert lines[1].split() == ["cell", "action", "seeds", "reason", "est."]
    row = next(line for line in lines if "ppo/lru" in line and "repeat" in line)
    assert row.split() == ["repeat", "ppo/lru", "stale", "0-2", "the", "code", "changed", "since", "01234567", "0:08"]
    assert any("ppo/gru" in line and "reuse" in line and line.endswith("-") for line in lines)
    assert "8 cells: 1 reuse, 6 new, 1 stale; 7 compile groups; time unknown until a like cell has run" in lines[-2]
    assert lines[-1] == "warning: y/record.json is not valid and does not count (not JSON); delete it to run it again"


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        (["tasks.repeat.floor=-0.4"], "frozen part changed: kept and reported apart from tiny@1"),
        (["tasks=repeat"], "1 task x 1 algorithm x 4 torsos x 3 seeds  (frozen part unchanged"),
    ],
)
def test_headline(write_suite, arguments, note):
    assert note in render(decide(load_suite(write_suite(), arguments))).splitlines()[0]


def test_headline_of_a_draft(write_suite):
    assert "(draft: never ranked)" in render(decide(load_suite(write_suite(("version: 1\n", "version: 0\n")))))


def test_much_evaluation_is_warned_about(write_suite):
    made = decide(with_seeds(write_suite, "protocol.eval_episodes=64"))
    assert made.evaluation_share == pytest.approx(64 * 51 * 4 / (64 * 51 * 4 + 65_536))
    assert "evaluation is 17% of the environment steps" in made.warnings[0]
    assert not decide(with_seeds(write_suite)).warnings


def test_not_applicable_is_shown(write_suite, discrete_only):
    task = (
        "  higher:",
        '  swing: {id: "gymnax::Pendulum-v1", task_version: 1, family: P, hard_min: -2e3, hard_max: 0, floor: -1e3}\n'
        "  higher:",
    )
    suite = load_suite(write_suite(task), catalogue=discrete_only)
    assert " n/a  swing ppo: ppo acts in discrete" in render(decide(suite))


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "?"), (0, "0:00"), (24.4, "0:24"), (59.9, "1:00"), (3723, "1:02:03")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_catalogue_names_the_wrapper_of_every_torso():
    catalogue = load_catalogue()
    assert {torso.wrapper for torso in catalogue.torsos.values()} == {*catalogue.wrappers, None}


def test_every_torso_has_code_to_be_identified_by():
    catalogue = load_catalogue()
    (cell,) = load_suite("smoke", ["tasks=higher-lower", "torsos=gru"]).cells
    for name, torso in catalogue.torsos.items():
        roots = cell_roots(replace(cell, config={**cell.config, "torso": {"type": name}}), catalogue)
        assert torso.class_path in roots
        assert (torso.wrapper is None) == (not set(catalogue.wrappers.values()) & set(roots))
