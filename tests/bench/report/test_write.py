"""The report as a whole: its files, what they say, and what is said when there is nothing to report."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from memorax_bench.errors import EXIT_NOTHING_MEASURED
from memorax_bench.records.record import Failure
from memorax_bench.records.store import Scan, Store, cell_path_parts
from memorax_bench.report.write import NothingMeasured, row_command, write_report
from speed.made_up import make_record
from tests.bench.synthetic import FINALS, fill, find_cell, publish, resolve

FIGURES = ("ranking", "profiles", "efficiency", "pareto", "heatmap", "curves", "scores")
FILES = sorted(
    ["costs.csv", "report.html", "report.md", "report.tex", "table.csv"]
    + [f"{name}.{kind}" for name in FIGURES for kind in ("csv", "png", "svg")]
)
BENCH = Path(__file__).parents[3] / "bench"
ARGUMENTS = ("suite=tiny.yaml", "seeds=3")


@pytest.fixture(scope="module")
def resolved(tmp_path_factory):
    return resolve(tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="module")
def results(tmp_path_factory, resolved):
    folder = tmp_path_factory.mktemp("results")
    finals = {key: values for key, values in FINALS.items() if key != ("repeat-previous", "lru")}
    fill(folder, resolved, finals | {("repeat-previous", "gru"): (0.97, None, 0.96)})
    cell = find_cell(resolved, "repeat-previous", "gru")
    other = make_record(resolved, cell, (0.5,), code="old", created_utc="2026-01-01T00:00:00Z")
    publish(folder, resolved, *other)
    bad = folder.joinpath(*cell_path_parts(resolved.label, cell), "0" * 16)
    bad.mkdir()
    (bad / "record.json").write_text("{")
    return folder


@pytest.fixture(scope="module")
def report(tmp_path_factory, resolved, results):
    return write_report(resolved, Store(results).scan(resolved.label), tmp_path_factory.mktemp("reports"), ARGUMENTS)


@pytest.fixture(scope="module")
def folder(report):
    return report.paths[0].parent


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_files(report, folder):
    assert folder.name == "tiny@1"
    assert sorted(path.name for path in folder.iterdir()) == FILES == sorted(path.name for path in report.paths)


def test_terminal_text(report, folder):
    first, *rest = report.text.splitlines()
    assert first == (
        "tiny@1  normalised return at 1,048,576 steps (HigherLower: 262,144); "
        "mean [95% bootstrap, n=3 *not ranked: n<5]; cpu"
    )
    assert re.match(r" mamba2 +\.77 \[\.54,\.93\] ", rest[1])
    assert any(re.match(r" lru +— ", line) for line in rest)
    assert rest[-2].endswith(f": {', '.join(FIGURES)}") and f" Read {folder}/report.html, " in rest[-1]


def test_markdown_says_what_the_numbers_are(report):
    text = report.paths[0].read_text()
    for words in (
        "# tiny@1\n",
        "n=3",
        "95% interval: stratified percentile bootstrap over seeds, 2,000 resamples, seed 0",
        "commit 01234567",
        "device cpu",
        "matmul precision default",
        "newest record 2026-11-22T09:00:00Z",
        "**Not ranked: n&lt;5.**",
        "| mamba2 | .77 [.54,.93] |",
        "| mamba2 | 3‡ | .77 [.54,.93] | [.26,1.27] |",  # Student's: .7667 +- 4.303 x .2034 / sqrt(3)
        "![Learning curves](curves.png)",
        "![Final scores](scores.png)",
        "- missing: repeat-previous ppo/lru\n",
        "1 of 3 seeds diverged (seed 1), counted as -1",
        "- repeat-previous ppo/gru: seeds 0 of other code (",
        "- not valid, not counted: tiny@1/repeat-previous/ppo/gru/",
        "memorax-bench run suite=tiny.yaml seeds=3 'algorithms=[ppo]' 'torsos=[lru]'\n",
    ):
        assert words in text, words
    assert text.count("memorax-bench run ") == len(report.table.rows) == len(report.commands)


def test_nothing_of_this_machine_is_in_the_files(results, report):
    for path in report.paths:
        assert str(results).encode() not in path.read_bytes() and str(path.parent).encode() not in path.read_bytes()


def test_table_csv_is_the_table_in_full(report, folder):
    rows = read_csv(folder / "table.csv")
    assert [row["torso"] for row in rows] == ["mamba2", "gru", "mlp-prev", "mlp", "lru"]
    for line, row in zip(rows, report.table.rows, strict=True):
        assert line["mean"] == ("" if row.primary is None else repr(row.primary.value))
        assert line["HigherLower_low"] == repr(row.cells[1].estimate.low)
        assert (line["ranked"] == "False" and "n<5" in line["why_not"]) or row.torso == "lru"
    assert rows[-1]["RepeatPrevious"] == rows[-1]["RepeatPrevious_failed"] == ""
    assert rows[1]["RepeatPrevious_failed"] == "1"


def test_curves_and_scores_csv(folder):
    curves, scores = read_csv(folder / "curves.csv"), read_csv(folder / "scores.csv")
    assert len(curves) == 4 * 9 + 5 * 3  # 4 torsos x 9 evaluations, 5 x 3
    last = next(r for r in curves if (r["task"], r["torso"], r["env_step"]) == ("repeat-previous", "gru", "1048576"))
    assert float(last["mean"]) == pytest.approx((0.97 - 1 + 0.96) / 3) and last["diverged"] == "1"
    assert (float(last["seed_0"]), float(last["seed_1"])) == (0.97, -1.0)
    assert len(scores) == 27 and all(set(row) == set(scores[0]) for row in scores)
    assert [row["final_return"] for row in scores if row["torso"] == "gru"][:3] == ["0.97", "", "0.96"]


def test_equal_records_give_equal_bytes(tmp_path, resolved, results, report):
    again = write_report(resolved, Store(results).scan(resolved.label), tmp_path, ARGUMENTS)
    for one, other in zip(report.paths, again.paths, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_without_records_the_command_that_makes_them_is_named(tmp_path, resolved):
    cell = find_cell(resolved, "repeat-previous", "gru")
    store = Store(tmp_path / "results")
    store.record_failure(
        cell_path_parts(resolved.label, cell),
        Failure(run_id="0" * 16, config_hash=cell.config_hash, code_hash="1" * 64, device_kind="cpu", seeds=(0,),
                created_utc="2026-11-02T00:00:00Z", kind="out of memory", message=""),
    )  # fmt: skip
    with pytest.raises(NothingMeasured) as caught:
        write_report(resolved, store.scan(resolved.label), tmp_path / "reports", ARGUMENTS)
    assert str(caught.value).splitlines() == [
        "no record of tiny@1 to report on",
        "  make them: memorax-bench run suite=tiny.yaml seeds=3",
        "  failed: ppo/gru on repeat-previous: out of memory",
    ]
    assert caught.value.exit_code == EXIT_NOTHING_MEASURED
    assert not (tmp_path / "reports").exists()


def test_default_command_names_the_file_of_a_suite_that_is_not_shipped(tmp_path, resolved):
    with pytest.raises(NothingMeasured, match=r"run suite=\S+tiny\.yaml"):
        write_report(resolved, Scan(), tmp_path)


def test_commands_keep_what_makes_the_row_and_choose_it():
    given = ["suite=quick", "torsos=[gru,lru]", "torsos.gru.features=128", "+torsos.mine=pkg.mod:Cell", "~torsos.mlp",
             "tasks=[a]", "algorithms=[ppo]"]  # fmt: skip
    assert row_command(given, "ppo", "gru") == (
        "memorax-bench run suite=quick torsos.gru.features=128 +torsos.mine=pkg.mod:Cell "
        "'tasks=[a]' 'algorithms=[ppo]' 'torsos=[gru]'"
    )


def test_tables_need_neither_jax_nor_matplotlib():
    code = (
        "import sys, memorax_bench.report.tables, memorax_bench.report.render, memorax_bench.report.write;"
        "print(sorted({'jax', 'flax', 'matplotlib', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=BENCH, check=True)
    assert result.stdout.strip() == "[]"


def test_several_processes_write_the_same_bytes(tmp_path, resolved, results, report):
    scan = Store(results).scan(resolved.label, whole=False)
    code = (
        "import sys; from memorax_bench.cli import main\n"
        "import memorax_bench.records.processes as processes; processes.cores = lambda: 3\n"
        "sys.argv = ['memorax-bench', *sys.argv[1:]]; main()"
    )
    arguments = ["report", f"suite={resolved.file}", f"--results={results}", f"--reports={tmp_path}"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=BENCH)
    assert done.returncode == 0 and not done.stderr and done.stdout.count("tiny@1  normalised return") == 1
    for path in report.paths:
        if path.suffix in (".csv", ".png", ".svg"):
            assert (tmp_path / "tiny@1" / path.name).read_bytes() == path.read_bytes(), path.name
    assert len(scan.records) == 10
