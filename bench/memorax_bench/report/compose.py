"""What a report says, in which order: from a table and its sections to a document."""

from collections.abc import Iterable, Sequence

from memorax_bench.report import costs
from memorax_bench.report.document import Block, Commands, Document, Grid, Heading, Items, Paragraph, Picture
from memorax_bench.report.frame import Frame, commits, interval_text, listed, seeds_text
from memorax_bench.report.render import LEGEND, MISSING, NAMES, grid, status
from memorax_bench.report.sections.section import WORDS, Section
from memorax_bench.report.tables import Table
from memorax_bench.suite.load import ResolvedSuite

_TASK_WORDS = ("task", "id", "family", "bounds", "ranked")


def compose(
    resolved: ResolvedSuite,
    table: Table,
    frame: Frame,
    sections: Sequence[Section],
    remarks: Sequence[str],
    commands: Sequence[str],
) -> Document:
    """The table, a part for each section, what tables cannot say, costs, tasks and the command behind each row."""
    header, body = grid(table)
    main = Grid("scores-by-family", _caption(table), tuple(header), tuple(map(tuple, body)), NAMES, "table.csv")
    blocks: list[Block] = [Paragraph(table.suite.description), _paragraph(resolved, table), main, Paragraph(LEGEND)]
    for section in sections:
        blocks += _section(frame, section)
    blocks += [Heading("Notes"), Items(tuple(remarks))] if remarks else []
    header, body = costs.cost_grid(table)
    blocks += [Heading("Costs"), Paragraph(costs.LEGEND)]
    blocks.append(Grid("costs", "What each row cost", tuple(header), tuple(map(tuple, body)), NAMES, "costs.csv"))
    blocks += [Heading("Protocol"), _tasks(table)]
    blocks += [Heading("Commands"), Paragraph("One row each, in the order of the table:"), Commands(tuple(commands))]
    return Document(table.label, frame.source, tuple(block for block in blocks if block != Paragraph("")))


def _section(frame: Frame, section: Section) -> list[Block]:
    blocks: list[Block] = [Heading(section.title)]
    if section.header:
        caption = f"{section.title}: {section.caption}"
        blocks += [Paragraph(section.words), Grid(section.name, caption, section.header, section.body, WORDS)]
    blocks += [Items(section.remarks)] if section.remarks else []
    words = f"{section.title}: {section.caption}." if section.header else section.words
    caption = f"{words} {frame.interval} intervals; {seeds_text(*frame.n)}. {frame.source}."
    return [*blocks, Picture(section.name, section.title, caption)]


def _caption(table: Table) -> str:
    counts = [len(pool.runs) for pool in table.pools.values() if pool.runs]
    level = f"{table.suite.scoring.interval.level * 100:g}% bootstrap interval"
    return f"Mean normalised return with its {level}, {seeds_text(min(counts), max(counts))}"


def _paragraph(resolved: ResolvedSuite, table: Table) -> Paragraph:
    """What the numbers are and where they come from, in full sentences."""
    protocol, records = table.suite.protocol, table.records
    counts = {len(pool.runs) for pool in table.pools.values() if pool.runs}
    n = f"n={min(counts)}" if len(counts) == 1 else f"n={min(counts)} to {max(counts)}"
    numerics = [record.numerics for record in records]
    why = status(table)
    sentences = [
        f"Mean over seeds ({n}) of the normalised return (0 = floor, 1 = ceiling) at {protocol.total_env_steps:,} "
        "environment steps, or where the task table says otherwise, from "
        f"{protocol.eval_episodes} whole episodes at the last evaluation; a family is the mean of its tasks.",
        f"In brackets the {interval_text(table)}.",
        f"Suite {table.label} (frozen part {resolved.benchmark_hash[:8]}); commit {listed(commits(table))}; "
        f"device {listed(one.device_kind for one in numerics)}; jaxlib {listed(one.jaxlib for one in numerics)}; "
        f"matmul precision {listed(one.matmul for one in numerics)}; "
        f"newest record {max(record.volatile.created_utc for record in records)}.",
    ]
    return Paragraph(" ".join(sentences), f"{why[0].upper()}{why[1:]}." if why else "")


def _tasks(table: Table) -> Grid:
    header = ("task", "id", "family", "floor", "ceiling", "bounds", "steps", "ranked")
    return Grid("tasks", "Tasks, their bounds and budgets", header, tuple(_task_lines(table)), _TASK_WORDS)


def _task_lines(table: Table) -> Iterable[tuple[str, ...]]:
    for column in table.columns:
        for label in column.tasks:
            task = table.suite.tasks[label]
            ceiling = MISSING if task.ceiling is None else f"{task.ceiling:g}"
            bounds = ", ".join(word for word in (task.kind, task.source) if word) or MISSING
            steps = task.total_env_steps or table.suite.protocol.total_env_steps
            ranked = "yes" if column.why_unranked is None else f"no: {column.why_unranked}"
            yield label, task.id, task.family, f"{task.floor:g}", ceiling, bounds, f"{steps:,}", ranked
