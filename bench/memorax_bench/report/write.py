"""`report`: from a resolved suite and its stored records to reports/<label>/: tables, notes, figures and their CSV."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from memorax_bench.errors import EXIT_NOTHING_MEASURED
from memorax_bench.records.collecting import uncollected
from memorax_bench.records.processes import share_out
from memorax_bench.records.store import Invalid, Scan
from memorax_bench.report import costs
from memorax_bench.report.compose import compose
from memorax_bench.report.contents import sections_of
from memorax_bench.report.csv_text import csv_text
from memorax_bench.report.frame import frame_of
from memorax_bench.report.html import to_html
from memorax_bench.report.latex import to_latex
from memorax_bench.report.learning import read_learning
from memorax_bench.report.markdown import to_markdown
from memorax_bench.report.render import caption, notes, to_rows, to_text
from memorax_bench.report.sections.section import Section
from memorax_bench.report.standings import Standing, standings
from memorax_bench.report.tables import Table, build_table
from memorax_bench.suite.load import ResolvedSuite, shipped_suites


class NothingMeasured(Exception):
    """There is no record to report on; the message names the command that makes them (exit code 5)."""

    exit_code = EXIT_NOTHING_MEASURED


@dataclass(frozen=True)
class Report:
    """What was written: `text` and `costs` for the terminal, the exact command of each row, and the files."""

    text: str
    costs: str
    commands: tuple[str, ...]
    paths: tuple[Path, ...]
    table: Table
    standings: tuple[Standing, ...]


def write_report(
    resolved: ResolvedSuite,
    scan: Scan,
    out_dir: str | Path,
    arguments: Sequence[str] | None = None,
    processes: int = 1,
) -> Report:
    """Writes `<out_dir>/<label>/`: report.md, report.html, report.tex, table.csv, costs.csv, and for each section, such
    as `curves` or `ranking`, its figure and numbers: curves.png, curves.svg, curves.csv.

    `arguments` are the suite and overrides as given on the command line (default: `suite=<name>`); the commands
    repeat them. `processes` draw the figures. The same records give the same bytes. Raises NothingMeasured where no
    chosen cell has a record.
    """
    with uncollected():
        return _write(resolved, scan, Path(out_dir), tuple(arguments or _default_arguments(resolved)), processes)


def _write(resolved: ResolvedSuite, scan: Scan, out_dir: Path, arguments: tuple[str, ...], processes: int) -> Report:
    table = build_table(resolved, scan)
    if not table.records:
        raise NothingMeasured(_nothing(resolved, table, arguments))
    frame = frame_of(table)
    learning, problems = read_learning(table)
    found = standings(table)
    sections = sections_of(table, frame, found, learning)
    folder = out_dir / resolved.label
    folder.mkdir(parents=True, exist_ok=True)
    remarks = [*notes(table), *problems, *_invalid_notes(scan.invalid, resolved.label)]
    commands = tuple(row_command(arguments, row.algorithm, row.torso) for row in table.rows)
    paths = [folder / name for name in ("report.md", "report.html", "report.tex", "table.csv", "costs.csv")]
    _write_csv(paths[3], to_rows(table))
    _write_csv(paths[4], costs.cost_csv(table))
    share_out([partial(_write_section, section, folder) for section in sections], processes)
    paths += [folder / f"{section.name}.{kind}" for section in sections for kind in ("png", "svg", "csv")]
    document = compose(resolved, table, frame, sections, remarks, commands)
    for path, text in zip(paths, (to_markdown(document), to_html(document, folder), to_latex(document)), strict=False):
        path.write_text(text, encoding="utf-8")
    return Report(_text(table, remarks, folder, sections), costs.cost_text(table), commands, tuple(paths), table, found)


def _write_section(section: Section, folder: Path) -> None:
    section.save(folder / section.name)
    _write_csv(folder / f"{section.name}.csv", section.rows)


def row_command(arguments: Sequence[str], algorithm: str, torso: str) -> str:
    """The command that makes one row, quoted for a shell: the arguments with this algorithm and torso only."""
    chosen = ("algorithms=", "torsos=", "~algorithms", "~torsos")
    kept = [argument for argument in arguments if not argument.startswith(chosen)]
    return shlex.join(["memorax-bench", "run", *kept, f"algorithms=[{algorithm}]", f"torsos=[{torso}]"])


def _default_arguments(resolved: ResolvedSuite) -> tuple[str, ...]:
    return (f"suite={resolved.name if resolved.name in shipped_suites() else resolved.file}",)


def _nothing(resolved: ResolvedSuite, table: Table, arguments: Sequence[str]) -> str:
    command = shlex.join(["memorax-bench", "run", *arguments])
    lines = [f"no record of {resolved.label} to report on", f"  make them: {command}"]
    failed = sorted({f"{'/'.join(key[1:])} on {key[0]}: {failure.kind}" for key, failure in table.failures.items()})
    return "\n".join([*lines, *(f"  failed: {line}" for line in failed), *(f"  {line}" for line in table.left_out)])


def _text(table: Table, remarks: Sequence[str], folder: Path, sections: Sequence[Section]) -> str:
    names = ", ".join(section.name for section in sections)
    return "\n".join(
        [
            f"{table.label}  {caption(table)}",
            to_text(table),
            *(f" {remark}" for remark in remarks),
            *(section.to_text() for section in sections if section.spoken),
            f" Figures, each as png, svg and csv: {names}",
            f" Read {folder}/report.html, report.md or report.tex: all tables, notes and the exact command of each row",
        ]
    )


def _invalid_notes(invalid: Iterable[Invalid], label: str) -> Iterable[str]:
    for found in invalid:
        parts = found.path.parts
        place = "/".join(parts[parts.index(label) :] if label in parts else parts[-1:])
        yield f"not valid, not counted: {place}: {found.reason}"


def _write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.write_text(csv_text(rows), encoding="utf-8")
