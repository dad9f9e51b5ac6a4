"""The learning rate that is chosen, and the section that shows what was not, against numbers computed by hand."""

import csv
import dataclasses

import pytest

from memorax_bench.records.store import Scan, StoredRecord
from memorax_bench.report.choosing import choose
from memorax_bench.report.frame import frame_of
from memorax_bench.report.sections.sensitivity import sensitivity_section
from memorax_bench.report.tables import build_table
from memorax_bench.report.write import write_report
from memorax_bench.suite.choices import choices_text
from memorax_bench.suite.tracks import RATES, SEEDS
from memorax_bench.suite.trials import make_trials
from speed.made_up import make_record
from tests.bench.synthetic import SUITE, fill, resolve

ON_LR4 = SUITE.replace("entries:", "entries:\n  track: lr4")
TRIAL = SUITE.replace("name: tiny", "name: trial").replace("1_048_576", "131_072").replace("262_144", "131_072")


@pytest.fixture
def trials(tmp_path):
    target = resolve(tmp_path, ["torsos=[gru,lru]"], ON_LR4)
    return make_trials(target, resolve(tmp_path, text=TRIAL))


def stored(trials, cell, areas, seeds=SEEDS, finals=None):
    """A record of a trial with these areas under the curves, raw; None: the seed diverged."""
    record, _ = make_record(trials.suite, cell, areas if finals is None else finals, seeds=seeds)
    results = record.results.model_copy(update={"auc": tuple(areas)})
    return StoredRecord(None, record.model_copy(update={"results": results}))


def scan(trials, entry, areas):
    """Of one entry: learning rate -> task -> raw area of either seed."""
    return [stored(trials, cell, areas[word][cell.task_label]) for word in RATES for cell in trials.cells(entry, word)]


# floor -0.5, ceiling 1 of repeat-previous; 0 and 0.5 of higher-lower
AREAS = {
    "1e-4": {"repeat-previous": (-0.5, -0.5), "higher-lower": (0.0, 0.0)},  # 0 and 0
    "3e-4": {"repeat-previous": (1.0, 0.25), "higher-lower": (0.5, 0.25)},  # .75 and .75
    "1e-3": {"repeat-previous": (1.0, 1.0), "higher-lower": (0.25, 0.0)},  # 1 and .25
    "3e-3": {"repeat-previous": (1.0, None), "higher-lower": (0.5, 0.5)},  # (1 - 1/3) / 2 and 1
}


def test_the_best_mean_over_tasks_and_seeds_is_chosen_and_a_diverged_seed_earned_nothing(trials):
    found = choose(trials, Scan(tuple(scan(trials, "ppo/gru", AREAS))))
    gru = found.tuned["ppo/gru"]
    assert gru.scores == {1e-4: 0.0, 3e-4: 0.75, 1e-3: 0.625, 3e-3: 0.6667}
    assert gru.learning_rate == 3e-4
    assert gru.settings == trials.settings["ppo/gru"]
    assert found.lacking == ("ppo/lru",)


def test_nothing_is_chosen_from_a_part_of_the_trials(trials):
    records = scan(trials, "ppo/gru", AREAS)
    assert choose(trials, Scan(tuple(records[:-1]))).tuned == {}
    last = trials.cells("ppo/gru", "3e-3")[-1]
    half = stored(trials, last, (0.5,), seeds=SEEDS[:1])
    assert choose(trials, Scan((*records[:-1], half))).tuned == {}
    other = stored(trials, last, (0.5,), seeds=(5,))
    rest = stored(trials, last, (0.5,), seeds=SEEDS[1:])
    chosen = choose(trials, Scan((*records[:-1], half, rest, other))).tuned["ppo/gru"]
    assert chosen.scores[3e-3] == 0.6667  # seed 5 is none of the trials


def test_other_tasks_do_not_enter(trials):
    records = scan(trials, "ppo/gru", AREAS)
    elsewhere = dataclasses.replace(trials.suite, benchmark_hash="0" * 64)
    assert choose(dataclasses.replace(trials, suite=elsewhere), Scan(tuple(records))).tuned == {}


# --- the section of the report ---


@pytest.fixture
def tuned(trials, tmp_path):
    """The suite with what was chosen for gru, and records of gru and lru."""
    chosen = choose(trials, Scan(tuple(scan(trials, "ppo/gru", AREAS)))).tuned
    (tmp_path / "tuned.yaml").write_text(choices_text("tiny", trials.tuning, chosen))
    return resolve(tmp_path, ["torsos=gru"], ON_LR4.replace("entries:", "entries:\n  include: tuned.yaml"))


def test_records_on_lr4_say_what_was_tried(tuned, tmp_path):
    finals = {("repeat-previous", "gru"): (0.9, 0.8, 0.7)}
    (record,) = [one.record for one in fill(tmp_path / "results", tuned, finals).records]
    assert record.cell.track == "lr4"
    assert record.cell.tuning.scores == {1e-4: 0.0, 3e-4: 0.75, 1e-3: 0.625, 3e-3: 0.6667}
    assert record.cell.config["algorithm"]["settings"]["learning_rate"] == 3e-4


def test_the_section_shows_every_rate_the_choice_and_the_spread(tuned, tmp_path):
    found = fill(tmp_path / "results", tuned, {("repeat-previous", "gru"): (0.9, 0.8, 0.7)})
    table = build_table(tuned, found)
    section = sensitivity_section(table, frame_of(table))
    assert section.header == ("entry", "1e-4", "3e-4", "1e-3", "3e-3", "chosen", "spread", "")
    assert section.body == (("ppo/gru", ".00", ".75", ".62", ".67", "3e-4", ".75", ""),)
    assert "the mean over the tasks of trial@1 and 2 seeds" in section.words
    written = write_report(tuned, found, tmp_path / "reports")
    assert "## Sensitivity to the learning rate" in written.paths[0].read_text()
    lines = list(csv.DictReader((tmp_path / "reports" / tuned.label / "sensitivity.csv").open()))
    assert [line["score"] for line in lines] == ["0.0", "0.75", "0.625", "0.6667"]
    assert [line["chosen"] for line in lines] == ["False", "True", "False", "False"]
    assert {"sensitivity.png", "sensitivity.svg"} <= {path.name for path in written.paths}


def test_no_section_on_other_tracks(tuned, tmp_path):
    table = build_table(tuned, fill(tmp_path / "results", tuned, {}))
    frame = frame_of(table)
    assert sensitivity_section(table, frame) is not None
    entries = tuned.suite.entries.model_copy(update={"track": "fixed"})
    other = dataclasses.replace(table, suite=tuned.suite.model_copy(update={"entries": entries}))
    assert sensitivity_section(other, frame) is None
