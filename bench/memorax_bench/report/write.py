"""`report`: from a resolved suite and its stored records to reports/<label>/: table, notes, figures and their CSV."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memorax_bench.errors import EXIT_NOTHING_MEASURED
from memorax_bench.records.store import Invalid, Scan
from memorax_bench.report import costs
from memorax_bench.report.csv_text import csv_text
from memorax_bench.report.figure_data import curve_rows, figure_data, score_rows
from memorax_bench.report.questions.extrapolating import extrapolation_section
from memorax_bench.report.questions.horizon import horizon_section
from memorax_bench.report.questions.necessity import necessity_section
from memorax_bench.report.questions.section import Section
from memorax_bench.report.questions.sensitivity import sensitivity_section
from memorax_bench.report.render import LEGEND, caption, notes, status, to_markdown, to_rows, to_text
from memorax_bench.report.tables import Table, build_table
from memorax_bench.suite.load import ResolvedSuite, shipped_suites

# of a table: a section, None where not asked
QUESTIONS = (horizon_section, extrapolation_section, necessity_section, sensitivity_section)


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


def write_report(
    resolved: ResolvedSuite, scan: Scan, out_dir: str | Path, arguments: Sequence[str] | None = None
) -> Report:
    """Writes `<out_dir>/<label>/`: report.md, table.csv, costs.csv, curves.png|svg|csv, scores.png|svg|csv, and the
    same of each question that the suite asks.

    `arguments` are the suite and overrides as given on the command line (default: `suite=<name>`); the commands
    repeat them. The same records give the same bytes. Raises NothingMeasured where no chosen cell has a record.
    """
    arguments = tuple(arguments) if arguments else _default_arguments(resolved)
    table = build_table(resolved, scan)
    if not table.records:
        raise NothingMeasured(_nothing(resolved, table, arguments))
    from memorax_bench.report import figures  # matplotlib, which nobody needs who has nothing to draw

    data = figure_data(table)
    folder = Path(out_dir) / resolved.label
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "report.md", folder / "table.csv", folder / "costs.csv"]
    remarks = [*notes(table), *data.problems, *_invalid_notes(scan.invalid, resolved.label)]
    commands = tuple(row_command(arguments, row.algorithm, row.torso) for row in table.rows)
    sections = [section for section in (ask(table) for ask in QUESTIONS) if section is not None]
    paths[0].write_text(_markdown(resolved, table, remarks, commands, sections), encoding="utf-8")
    _write_csv(paths[1], to_rows(table))
    _write_csv(paths[2], costs.cost_csv(table))
    for name, save, rows in (
        ("curves", figures.save_curves, curve_rows(data)),
        ("scores", figures.save_scores, score_rows(table, data)),
    ):
        paths += [*save(data, folder / name), folder / f"{name}.csv"]
        _write_csv(paths[-1], rows)
    for section in sections:
        paths += [*section.save(folder / section.name), folder / f"{section.name}.csv"]
        _write_csv(paths[-1], section.rows)
    return Report(_text(table, remarks, folder, sections), costs.cost_text(table), commands, tuple(paths), table)


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
    more = "".join(f", {section.name}.png|svg|csv" for section in sections)
    return "\n".join(
        [
            f"{table.label}  {caption(table)}",
            to_text(table),
            *(f" {remark}" for remark in remarks),
            *(section.to_text() for section in sections),
            f" Figures: {folder}/curves.png|svg|csv, scores.png|svg|csv{more}   Notes and exact commands: "
            f"{folder}/report.md",
        ]
    )


def _markdown(
    resolved: ResolvedSuite,
    table: Table,
    remarks: Sequence[str],
    commands: Sequence[str],
    sections: Sequence[Section],
) -> str:
    parts = [f"# {table.label}", _escape(table.suite.description), _paragraph(resolved, table), to_markdown(table)]
    parts.append(_escape(LEGEND))
    if remarks:
        parts += ["## Notes", _list(remarks)]
    for section in sections:
        parts += [f"## {section.title}", _escape(section.words), section.to_markdown(), _list(section.remarks)]
        parts += [
            f"[SVG]({section.name}.svg), [numbers]({section.name}.csv).",
            f"![{section.title}]({section.name}.png)",
        ]
    parts += ["## Costs", costs.cost_markdown(table), f"{_escape(costs.LEGEND)} [numbers](costs.csv)."]
    figures = (
        ("Learning curves", "curves", "Return by environment steps: mean over seeds, its interval, single seeds."),
        ("Final scores", "scores", "The last evaluation of every seed, their mean and its interval."),
    )
    for title, name, words in figures:
        links = f"[SVG]({name}.svg), [numbers]({name}.csv)"
        parts += [f"## {title}", f"{words} n, interval and suite as above. {links}.", f"![{title}]({name}.png)"]
    parts += ["## Tasks", _task_table(table), "## Commands", "One row each, in the order of the table:"]
    parts.append("\n".join(["```", *commands, "```"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def _list(remarks: Iterable[str]) -> str:
    return "\n".join(f"- {_escape(remark)}" for remark in remarks)


def _paragraph(resolved: ResolvedSuite, table: Table) -> str:
    """What the numbers are and where they come from, in full sentences."""
    interval, protocol, records = table.suite.scoring.interval, table.suite.protocol, table.records
    counts = {len(pool.runs) for pool in table.pools.values() if pool.runs}
    n = f"n={min(counts)}" if len(counts) == 1 else f"n={min(counts)} to {max(counts)}"
    commits = _listed(_commit(record.code.commit, record.code.dirty_sha256) for record in records)
    numerics = [record.numerics for record in records]
    why = status(table)
    sentences = [
        f"Mean over seeds ({n}) of the normalised return (0 = floor, 1 = ceiling) at {protocol.total_env_steps:,} "
        "environment steps, or where the task table says otherwise, from "
        f"{protocol.eval_episodes} whole episodes at the last evaluation; a family is the mean of its tasks.",
        f"In brackets the {interval.level * 100:g}% interval: stratified percentile bootstrap over seeds, "
        f"{interval.reps:,} resamples, seed {interval.seed}.",
        f"Suite {table.label} (frozen part {resolved.benchmark_hash[:8]}); commit {commits}; "
        f"device {_listed(one.device_kind for one in numerics)}; jaxlib {_listed(one.jaxlib for one in numerics)}; "
        f"matmul precision {_listed(one.matmul for one in numerics)}; "
        f"newest record {max(record.volatile.created_utc for record in records)}.",
    ]
    return " ".join(sentences) + (f" **{why[0].upper()}{why[1:]}.**" if why else "")


def _task_table(table: Table) -> str:
    lines = ["| task | id | family | floor | ceiling | bounds | steps | ranked |", "|:--|:--|:--|--:|--:|:--|--:|:--|"]
    for column in table.columns:
        for label in column.tasks:
            task = table.suite.tasks[label]
            ceiling = "—" if task.ceiling is None else f"{task.ceiling:g}"
            bounds = ", ".join(word for word in (task.kind, task.source) if word) or "—"
            steps = task.total_env_steps or table.suite.protocol.total_env_steps
            ranked = "yes" if column.why_unranked is None else f"no: {column.why_unranked}"
            cells = [label, task.id, task.family, f"{task.floor:g}", ceiling, bounds, f"{steps:,}", ranked]
            lines.append(f"| {' | '.join(_escape(cell) for cell in cells)} |")
    return "\n".join(lines)


def _invalid_notes(invalid: Iterable[Invalid], label: str) -> Iterable[str]:
    for found in invalid:
        parts = found.path.parts
        place = "/".join(parts[parts.index(label) :] if label in parts else parts[-1:])
        yield f"not valid, not counted: {place}: {found.reason}"


def _commit(commit: str | None, dirty: str | None) -> str:
    return f"{commit[:8] if commit else 'unknown'}{' with local changes' if dirty else ''}"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values)))


def _escape(text: str) -> str:
    """Text that is no Markdown and no HTML."""
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), ("*", "\\*"), ("|", "\\|")):
        text = text.replace(sign, written)
    return text


def _write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.write_text(csv_text(rows), encoding="utf-8")
