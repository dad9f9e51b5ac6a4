"""The answers of a report to memory questions, against numbers computed by hand on records made by hand."""

import csv
import re

import numpy as np
import pytest

from memorax_bench import stats
from memorax_bench.records.store import Store
from memorax_bench.report.frame import frame_of
from memorax_bench.report.sections.extrapolation import extrapolation_section
from memorax_bench.report.sections.horizon import curves, horizon_section
from memorax_bench.report.sections.necessity import Named, Need, necessity_section, needs
from memorax_bench.report.tables import build_table
from memorax_bench.report.write import write_report
from speed.made_up import make_record
from tests.bench.synthetic import fill, find_cell, publish, resolve

# --- the horizon itself ---


def scored(low, value=0.9, n=5):
    return stats.Estimate(value, low, 1.0, n)


HORIZONS = {
    "falls": ({2: 0.8, 4: 0.6, 8: 0.4, 16: 0.1}, stats.MemoryHorizon(4, 8, True)),
    "never": ({2: 0.4, 4: 0.1}, stats.MemoryHorizon(0, 2, True)),
    "always": ({2: 0.8, 4: 0.6}, stats.MemoryHorizon(4, None, True)),
    "on the threshold": ({2: 0.5, 4: 0.5 - 1e-6}, stats.MemoryHorizon(2, 4, True)),
    "comes back": ({2: 0.8, 4: 0.3, 8: 0.9, 16: 0.9}, stats.MemoryHorizon(2, 4, True)),
    "only the longest": ({2: 0.1, 4: 0.9}, stats.MemoryHorizon(0, 2, True)),
    "a length is missing": ({2: 0.8, 4: None, 8: 0.9}, stats.MemoryHorizon(2, 4, False)),
    "the shortest is missing": ({2: None, 4: 0.9}, stats.MemoryHorizon(0, 2, False)),
    "one seed": ({2: 0.8, 4: np.nan, 8: 0.9}, stats.MemoryHorizon(2, 4, False)),
    "in any order": ({16: 0.1, 2: 0.8, 8: 0.7, 4: 0.6}, stats.MemoryHorizon(8, 16, True)),
    "nothing": ({}, stats.MemoryHorizon(0, None, True)),
}


@pytest.mark.parametrize(("lows", "expected"), HORIZONS.values(), ids=HORIZONS)
def test_horizon_by_hand(lows, expected):
    scores = {length: None if low is None else scored(low) for length, low in lows.items()}
    assert stats.memory_horizon(scores, 0.5) == expected


# --- a suite that asks all three ---

HEAD = """
schema: 1
name: tiny
version: 0
protocol: {total_env_steps: 65_536, eval_every: 16_384, eval_episodes: 8, eval_policy: sample,
           inputs: [observation, start], discount: 0.99, precision: float32, min_seeds: 3}
tasks:
"""
TASK = """\
  repeat-{length}: {{id: "popgym::RepeatPrevious", kwargs: {{k: {k}}}, task_version: 1, family: Repeat,
    horizon: {length}, oracle: {{observation: state}}, hard_min: -1, hard_max: 1, floor: -0.5,
    ceiling: 1.0, kind: exact{elsewhere}}}
"""
ELSEWHERE = ", extrapolate: {deep: {kwargs: {num_decks: 2}}, deeper: {kwargs: {num_decks: 3}, floor: 0, ceiling: 0.5}}"
TAIL = """
scoring: {horizon_at: 0.6, interval: {reps: 500}}
entries:
  seeds: 3
  algorithms: {ppo: {num_envs: 16, num_steps: 128}}
  torsos:
    mlp: {features: 64, role: control, inputs: [observation]}
    mlp-start: {type: mlp, features: 64, role: control}
    mlp-state: {type: mlp, features: 64, role: oracle, inputs: [observation]}
    gru: {features: 64}
    lru: {features: 64}
"""
LENGTHS = (2, 4, 8, 16)
TEXT = HEAD + "".join(TASK.format(length=n, k=n + 1, elsewhere=ELSEWHERE if n < 8 else "") for n in LENGTHS) + TAIL
FINALS = {  # torso -> by length the raw returns of three seeds; a normalised .6 is a return of .4
    "mlp": ((-0.5,) * 3, (-0.5, -0.47, -0.44), (-0.5,) * 3, (-0.5,) * 3),
    "mlp-start": ((-0.5, -0.47, -0.44), (-0.5,) * 3, (-0.5,) * 3, (-0.5,) * 3),
    "mlp-state": ((1.0,) * 3, (1.0,) * 3, (1.0,) * 3, (-0.5, -0.48, -0.49)),
    "gru": ((1.0,) * 3, (0.7,) * 3, (0.4,) * 3, (0.39,) * 3),
    "lru": ((1.0,) * 3, (0.7, None, 0.7), (0.9,) * 3, None),
}
DEEP = {"deep": (0.4, 0.55, 0.7), "deeper": (0.25, 0.5, 0.0)}


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    return resolve(tmp_path_factory.mktemp("suite"), (), TEXT)


@pytest.fixture(scope="module")
def results(tmp_path_factory, resolved):
    folder = tmp_path_factory.mktemp("results")
    for torso, by_length in FINALS.items():
        for length, finals in zip(LENGTHS, by_length, strict=True):
            if finals is not None:
                cell = find_cell(resolved, f"repeat-{length}", torso)
                there = {name: [v if f is not None else None for v, f in zip(values, finals, strict=True)]
                         for name, values in DEEP.items()}  # fmt: skip
                asks = "extrapolate" in cell.config["task"]
                publish(folder, resolved, *make_record(resolved, cell, finals, extrapolation=there if asks else None))
    return folder


@pytest.fixture(scope="module")
def table(resolved, results):
    return build_table(resolved, Store(results).scan(resolved.label))


def ask(question, table):
    return question(table, frame_of(table))


def lines_of(section, column=1):
    return {line[column]: line for line in section.body}


def test_horizons_of_the_report(table):
    section = ask(horizon_section, table)
    lines = lines_of(section)
    assert section.header == ("family", "torso", "horizon", "2", "4", "8", "16", "")
    assert lines["gru"][2:] == ("8", "1.0 [1.0,1.0]", ".80 [.80,.80]", ".60 [.60,.60]", ".59 [.59,.59]", "")
    assert lines["mlp"][2] == lines["mlp-start"][2] == "<2" and lines["mlp"][-1] == "control"
    assert lines["mlp-state"][2] == "8" and lines["mlp-state"][-1] == "oracle"
    # One of its seeds diverged at 4, which counts as -1: (.8 - 1/3 + .8) / 3; what it does at 8 no longer counts.
    assert lines["lru"][2] == "2" and lines["lru"][4].startswith(".42 ") and lines["lru"][6] == "—"
    assert ".60 or above" in section.caption and ".60 or above" in section.words


def test_a_missing_length_leaves_the_horizon_open(resolved, results):
    chosen = resolve(results, ["tasks=[repeat-2,repeat-8,repeat-16]", "torsos=[gru,lru]"], TEXT)
    table = build_table(chosen, Store(results).scan(chosen.label))
    assert lines_of(ask(horizon_section, table))["lru"][2] == ">=8 (16 not known)"
    found = {curve.row.torso: curve for curve in curves(table)}
    assert found["lru"].horizon == stats.MemoryHorizon(8, 16, False)
    rows = {(row["torso"], row["length"]): row for row in ask(horizon_section, table).rows}
    assert (rows["lru", 8]["horizon"], rows["lru", 8]["horizon_is"]) == (8, "at least")
    assert (rows["gru", 8]["horizon"], rows["gru", 8]["horizon_is"]) == (8, "exact")
    assert rows["lru", 16]["n"] == 0 and rows["lru", 16]["score"] is None


def test_only_what_was_chosen_was_tested(results):
    chosen = resolve(results, ["tasks=[repeat-2,repeat-4]", "torsos=[gru]"], TEXT)
    section = ask(horizon_section, build_table(chosen, Store(results).scan(chosen.label)))
    assert lines_of(section)["gru"][2] == ">=4" and section.header[3:] == ("2", "4", "")


def test_the_default_threshold_is_a_half(tmp_path):
    text = TEXT.replace("horizon_at: 0.6, ", "")
    suite = resolve(tmp_path, ["torsos=gru"], text)
    finals = {(f"repeat-{n}", "gru"): values for n, values in zip(LENGTHS[2:], ((0.25,) * 3, (0.24,) * 3), strict=True)}
    table = build_table(suite, fill(tmp_path / "results", suite, finals))
    (curve,) = curves(table)
    assert curve.horizon == stats.MemoryHorizon(0, 2, False)
    chosen = resolve(tmp_path, ["torsos=gru", "tasks=[repeat-8,repeat-16]"], text)
    (curve,) = curves(build_table(chosen, Store(tmp_path / "results").scan(chosen.label)))
    assert curve.horizon == stats.MemoryHorizon(8, 16, True)  # .25 is a normalised .5


def test_extrapolation_by_hand(table):
    section = ask(extrapolation_section, table)
    lines = lines_of(section)
    assert section.header == ("family", "torso", "as trained", "deep", "deeper", "")
    assert set(lines) == {"mlp", "mlp-start", "gru", "lru"}  # an oracle is tested in its own task only
    # Two tasks: (1 + .8) / 2; (.4, .55, .7) + .5 over 1.5; (.25, .5, 0) over .5, the bounds of that variant.
    assert [cell.split()[0] for cell in lines["gru"][2:5]] == [".90", ".70", ".50"]
    # The seed that diverged in repeat-4 counts as -1 there: (.9 - .5 + 1.2) / 1.5 / 3 and (.5 - 2 + 0) / 3.
    lru = {row["tested"]: row for row in section.rows if (row["torso"], row["task"]) == ("lru", "repeat-4")}
    np.testing.assert_allclose([lru["deep"]["score"], lru["deeper"]["score"]], [1.6 / 4.5, -0.5])
    assert lru["as trained"]["n"] == 3
    assert {row["task"] for row in section.rows} == {"repeat-2", "repeat-4"}


def test_extrapolation_of_a_cell_that_was_not_run(results):
    chosen = resolve(results, ["tasks=[repeat-2,repeat-4]", "torsos=[gru,lstm]", "+torsos.lstm={features: 8}"], TEXT)
    section = ask(extrapolation_section, build_table(chosen, Store(results).scan(chosen.label)))
    assert lines_of(section)["lstm"][2:5] == ("—",) * 3
    assert not any(row["torso"] == "lstm" for row in section.rows)


def test_necessity_by_hand(table):
    section = ask(necessity_section, table)
    lines = lines_of(section, 0)
    assert section.header == ("task", "control", "score", "oracle", "best torso", "score", "gain", "needs memory")
    # (-.5 + .03 + .06 over 1.5) is a control of .02; lru and gru both earn 1, the first row's name is shown
    assert lines["repeat-2"][1:4] == ("mlp-start", ".02 [.00,.04]", "1.0 [1.0,1.0]")
    assert lines["repeat-2"][5:] == ("1.0 [1.0,1.0]", "1.0", "yes")
    assert lines["repeat-4"][1] == "mlp" and lines["repeat-4"][4] == "gru"
    need = next(need for need in needs(table) if need.task == "repeat-4")
    assert need.gain == pytest.approx((0.8 - 0.02) / (1 - 0.02))
    # The oracle of repeat-16 learnt nothing, and gru did: that says nothing against memory.
    assert lines["repeat-16"][6:] == ("-", "unclear")
    assert section.remarks == ("repeat-16: gru earns more than the oracle, which has not learnt the task",)
    row = next(row for row in section.rows if row["task"] == "repeat-4")
    assert (row["control_torso"], row["oracle_torso"], row["best_torso"]) == ("mlp", "mlp-state", "gru")
    assert row["gain"] == need.gain and row["needs_memory"] == "yes"


def named(low, value, high):
    return Named("x", stats.Estimate(value, low, high, 3))


NO = float("nan")
VERDICTS = {
    "yes": ((0.0, 0.05, 0.1), (0.2, 0.9, 1.0), (0.5, 0.6, 0.7), "yes"),
    "too close": ((0.0, 0.05, 0.1), (0.15, 0.2, 0.25), (0.1, 0.2, 0.3), "unclear"),
    "no": ((0.95, 0.96, 0.97), (0.98, 0.99, 1.0), (0.9, 0.95, 0.97), "no"),
    "wide": ((0.0, 0.5, 1.0), (0.9, 0.95, 1.0), (0.9, 0.95, 1.0), "unclear"),
    "one seed": ((NO, 0.5, NO), (NO, 0.5, NO), (0.4, 0.5, 0.6), "unclear"),
    "an oracle that learnt nothing": ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.9, 0.9, 0.9), "unclear"),
    "no memory run": ((0.9, 0.9, 0.9), (0.9, 0.9, 0.9), None, "no"),
    "no oracle": ((0.0, 0.0, 0.0), None, (0.9, 0.9, 0.9), None),
    "no control": (None, (1.0, 1.0, 1.0), (0.9, 0.9, 0.9), None),
}


@pytest.mark.parametrize(("control", "oracle", "best", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_verdicts_by_hand(control, oracle, best, verdict):
    need = Need("t", "F", "ppo", *(named(*given) if given else None for given in (control, oracle, best)))
    assert need.verdict == verdict
    assert (need.gain is not None) == (verdict == "yes")


def test_a_task_that_needs_no_memory_is_named(tmp_path):
    suite = resolve(tmp_path, ["tasks=repeat-2"], TEXT)
    finals = {("repeat-2", torso): (0.99, 0.98, 1.0) for torso in ("mlp", "mlp-state", "gru")}
    scan = fill(tmp_path / "results", suite, finals, extrapolation=None)
    section = ask(necessity_section, build_table(suite, scan))
    assert section.body[0][-2:] == ("-", "no")
    assert section.remarks == ("repeat-2 does not need memory: mlp comes as far as the oracle",)


def test_no_question_no_section(tmp_path):
    plain = re.sub(r"horizon: \d+,|oracle: \{[^}]*\},|, extrapolate: .*\}\}(?=\}\n)", "", TEXT)
    plain = re.sub(r".*role: oracle.*\n", "", plain)
    suite = resolve(tmp_path, ["tasks=repeat-2"], plain)
    table = build_table(suite, fill(tmp_path / "results", suite, {("repeat-2", "gru"): (0.9, 0.8, 0.7)}))
    assert [ask(question, table) for question in (horizon_section, extrapolation_section, necessity_section)] == [
        None
    ] * 3


def test_the_report_has_the_sections_and_their_files(tmp_path, results):
    chosen = resolve(results, ["tasks=[repeat-2,repeat-16]", "torsos=[mlp,mlp-state,gru]"], TEXT)
    report = write_report(chosen, Store(results).scan(chosen.label), tmp_path, ["suite=tiny.yaml"])
    written = {path.name: path for path in report.paths}
    for question in (horizon_section, extrapolation_section, necessity_section):
        section = ask(question, report.table)
        assert f"({section.name}.png)" in written["report.md"].read_text()
        assert f"{section.name}, " in report.text
        _, svg = section.save(tmp_path / "again")
        assert svg.read_bytes() == written[f"{section.name}.svg"].read_bytes()
        assert written[f"{section.name}.png"].stat().st_size > 10_000
    with written["horizon.csv"].open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 and {row["horizon"] for row in rows if row["torso"] == "gru"} == {"2"}
    assert "Memory horizon: steps; there and at every shorter length" in report.text
    assert "- repeat-16: gru earns more than the oracle" in written["report.md"].read_text()
