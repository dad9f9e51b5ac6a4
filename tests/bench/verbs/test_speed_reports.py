"""The reports of bench/speed: what they say of numbers that are made up, and that they run."""

import argparse
import dataclasses
import json

import pytest

from memorax.networks import Mamba2Cell, Mamba2Config, Memoroid
from speed import measuring, recurrent, strategies, strategies_page, torsos
from speed.strategies_page import Comparison


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.01234, "0.0123"), (1.234, "1.23"), (99.96, "100"), (1234.5, "1,234")]
)
def test_numbers_have_about_three_digits(value, text):
    assert measuring.significant(value) == text


def test_calls_take_turns_and_end_with_the_budget():
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "ab"}
    taken = measuring.in_turns(calls, rounds=3, budget=60)
    assert {name: len(times) for name, times in taken.items()} == {"a": 3, "b": 3}
    changes = [name for i, name in enumerate(order) if i == 0 or order[i - 1] != name]
    assert "".join(changes) == "ab" * (len(changes) // 2)
    assert {len(times) for times in measuring.in_turns(calls, rounds=50, budget=0).values()} == {1}


def test_a_page_of_two_parts_keeps_the_part_that_is_not_written(tmp_path):
    page = tmp_path / "page.md"
    measuring.replace_part(page, "## Second", before="# First\n")
    assert page.read_text() == "# First\n"
    measuring.replace_part(page, "## Second", text="two")
    measuring.replace_part(page, "## Second", before="# New first")
    assert page.read_text() == "# New first\n\n## Second\n\ntwo\n"
    measuring.replace_part(page, "## Second", text="new two")
    assert page.read_text() == "# New first\n\n## Second\n\nnew two\n"


def test_an_unknown_name_is_an_error_of_the_command_line(capsys):
    with pytest.raises(SystemExit):
        measuring.chosen_names(argparse.ArgumentParser(), ["gruu"], ["gru", "lstm"])
    assert "gruu: known are gru, lstm" in capsys.readouterr().err


def comparison(cell: str, seconds: dict[str, float], memory: dict[str, int], chosen: str = "sequential") -> Comparison:
    return Comparison(cell, strategies_page.BAR_BATCH, strategies_page.BAR_LENGTH, seconds, memory, chosen)


def test_bars_that_are_met_and_bars_that_are_not():
    fast = comparison("mamba2", {"sequential": 1.0, "associative": 2.0}, {"sequential": 10, "associative": 50})
    slow = comparison("gla", {"sequential": 1.5, "associative": 1.0}, {"sequential": 20, "associative": 50})
    met = strategies_page.bars([fast]).splitlines()[2:]
    assert [line.split(" | ")[2] for line in met] == ["met"] * 3
    speed, memory, choice = strategies_page.bars([fast, slow]).splitlines()[2:]
    assert "| 0.67 (gla) | NOT met | gla 0.67 |" in speed
    assert "| 2.50 (gla) | NOT met | gla 2.50 |" in memory
    assert "gla (T=1024, B=64, gradient) 1.50 |" in choice


def test_a_way_that_needs_too_much_memory_is_said_to_be_missing():
    one = comparison("shm", {"sequential": 1.0}, {"sequential": 1, "associative": 2**40})
    assert one.best == "sequential" and one.behind == 1
    assert "`shm` | 1024 | 64 | 1,000 | - |" in strategies_page.times([one])
    assert strategies_page.bars([one]).endswith("too much memory: shm.")


def test_every_way_of_a_cell_is_measured_once():
    cell = Mamba2Cell(Mamba2Config(features=64))
    assert list(strategies.ways(cell, 8, (16, 64))) == ["sequential", "associative", "chunked 8"]
    found = strategies.ways(cell, 128, (16, 64))
    own = cell.config.chunk_length
    assert list(found)[2:] == [f"chunked {length}" for length in sorted({16, 64, own})]
    assert found[f"chunked {own}"] == Memoroid(cell, strategy="chunked")
    for length in (8, 128, 1024):
        assert strategies.choice(cell, length) in strategies.ways(cell, length, (16, 64))


def test_a_ratio_is_that_of_each_turn():
    ratio = recurrent.Ratio("gru", (128, 8, 256), ours=[1.0, 2.0, 1.0], flax=[2.0, 2.0, 3.0], products=[1.0])
    assert ratio.ratios == [2.0, 1.0, 3.0]
    assert ratio.row[-3:] == ("2.00", "1.00 to 3.00", "1.8 met")
    assert recurrent.Ratio("lstm", (1, 2, 3), ours=[1.0], flax=[0.9], products=[0.5]).row[-1] == "0.95 NOT met"


def test_the_page_of_torsos_has_what_was_measured_and_says_what_was_not():
    place = (1, torsos.LATENCY_BATCH)
    torso = torsos.Torso("gru", 256, {"acting": 1e6}, {place: 0.0005}, {place: 0.001}, {place: 2**20})
    torso.skipped[1024, 64] = "needs 9.0 GiB"
    text = torsos.page([torso], torsos.NORMAL)
    assert "| `gru` | 0.500 | - | 256 | 1,000,000 | - |" in text
    assert "`gru` 64 x 1024 needs 9.0 GiB" in text
    assert torsos.latencies([torso])["milliseconds"] == {"gru": 0.5}


def test_what_is_stored_of_a_torso_is_not_measured_again(monkeypatch, tmp_path):
    monkeypatch.setattr(torsos, "FOUND", tmp_path / "found.json")
    known = torsos.Torso("gru", 256, {"acting": 1.0}, {(1, 16): 0.5}, {(1, 16): 1.5}, {(1, 16): 2}, {(32, 16): "why"})
    torsos.store([known])
    assert torsos.stored() == {"gru": known}
    assert torsos.measure("gru", torsos.Effort(((1, 16), (32, 16))), torsos.stored()["gru"]) == known


@pytest.mark.parametrize("report", [torsos, recurrent], ids=lambda report: report.__name__)
def test_a_report_runs(report, capsys, monkeypatch):
    monkeypatch.setattr(torsos, "QUICK", torsos.Effort(((1, 16), (4, 16)), rounds=1, budget=0))
    monkeypatch.setattr(recurrent, "QUICK_SHAPES", ((4, 2, 8),))
    report.main(["--quick", "--only", "gru"])
    assert "gru" in capsys.readouterr().out


def test_strategies_are_compared(monkeypatch, capsys):
    monkeypatch.setattr(strategies, "QUICK", strategies.Effort(((8, 2),), (), rounds=1, budget=0))
    strategies.main(["--quick", "--only", "min_gru"])
    assert "`min_gru` | 8 | 2" in capsys.readouterr().out


@pytest.mark.parametrize("report", [torsos, recurrent, strategies], ids=lambda report: report.__name__)
def test_a_document_is_never_written_from_a_quick_look(report, capsys):
    with pytest.raises(SystemExit):
        report.main(["--write", "--quick"])
    assert "--quick" in capsys.readouterr().err


def test_cells_measured_anew_take_the_place_of_what_was_stored(monkeypatch, tmp_path):
    monkeypatch.setattr(strategies, "FOUND", tmp_path / "found.json")
    old = [comparison(cell, {"sequential": 1.0}, {"sequential": 1}) for cell in ("lru", "gla")]
    strategies.FOUND.write_text(json.dumps([dataclasses.asdict(one) for one in old]))
    new = comparison("gla", {"sequential": 2.0}, {"sequential": 1})
    assert strategies.merged([new]) == [new, old[0]]
