"""The verb `tune`: tries every entry of a suite at each learning rate of the track lr4, and writes down the best."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from memorax_bench import errors
from memorax_bench.records.store import Store
from memorax_bench.report.choosing import Choices, choose
from memorax_bench.report.render import aligned
from memorax_bench.report.sections.sensitivity import reading, sensitivity_grid
from memorax_bench.suite.choices import FOLDER, choices_text, merge_choices, read_choices
from memorax_bench.suite.grid import Cell
from memorax_bench.suite.load import ResolvedSuite
from memorax_bench.suite.trials import Trials, make_trials
from memorax_bench.verbs.run import Options, run_suite


def tune_suite(
    target: ResolvedSuite,
    tuned_on: ResolvedSuite,
    arguments: list[str],
    results: Path,
    options: Options | None = None,
    out: Path | None = None,
) -> int:
    """Runs the trials that are missing, chooses, writes the file, says so; returns the exit code.

    Entries of which a trial failed are left out of the file, the others are not. out: default `default_file`
    """
    trials = make_trials(target, tuned_on)

    def again(cell: Cell) -> str:
        others = [argument for argument in arguments if not argument.startswith(("torsos=", "~torsos"))]
        return shlex.join(["memorax-bench", "tune", *others, f"torsos=[{cell.torso_label}]"])

    code = run_suite(trials.suite, arguments, results, options, again)
    found = choose(trials, Store(results).scan(trials.suite.label))
    file = out or default_file(target)
    if found.tuned:
        _write(file, target, trials, found)
    print("\n".join(_said(target, trials, found, file)))
    return code if code or not found.lacking else errors.EXIT_CELLS_FAILED


def default_file(target: ResolvedSuite) -> Path:
    """`tuned/<name>.yaml` beside the suite."""
    return Path(target.file).parent / FOLDER / f"{target.name}.yaml"


def _write(file: Path, target: ResolvedSuite, trials: Trials, found: Choices) -> None:
    merged = merge_choices(read_choices(file), trials.tuning, found.tuned)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(choices_text(target.name, trials.tuning, merged), encoding="utf-8")


def _said(target: ResolvedSuite, trials: Trials, found: Choices, file: Path) -> Sequence[str]:
    lines = []
    if found.tuned:
        lines += [f"normalised area under the learning curve, {reading(trials.tuning)}:"]
        lines += [aligned(*sensitivity_grid(found.tuned))]
        lines += [f"{len(found.tuned)} chosen -> {file}"]
        if not _included(target, file):
            lines.append(f"to use it: +include={file}, or include: {file} in the suite")
    if found.lacking:
        lines.append(f"nothing chosen, as trials are missing: {', '.join(found.lacking)}")
    return lines


def _included(target: ResolvedSuite, file: Path) -> bool:
    folder = Path(target.file).parent
    return file.resolve() in [(folder / name).resolve() for name in target.suite.entries.include]
