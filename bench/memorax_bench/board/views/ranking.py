"""A ranking's section of the first page: who stands where and at what cost, and the scores by family of tasks."""

from typing import Any

from memorax_bench.board import charts, links, words
from memorax_bench.board.grids import Cell, Column, Grid, Group, Line
from memorax_bench.board.rankings import Entry, Ranking
from memorax_bench.board.views.cells import (
    bar_cell,
    commits_of,
    entry_cell,
    family_cell,
    gates_cell,
    missing,
    seeds_cell,
)
from memorax_bench.report.ranking import MIN_RANKED_SEEDS
from memorax_bench.report.render import MISSING, notes, shared_reasons, status
from memorax_bench.report.sections.ranking import FEW_MARK
from memorax_bench.stats import FEW_SEEDS, SOLVED_AT

PAGE = links.INDEX


def section(ranking: Ranking) -> dict[str, Any]:
    """Everything the template needs of one ranking."""
    return {
        "id": links.anchor(ranking),
        "title": ranking.table.label,
        "track": ranking.track,
        "description": ranking.table.suite.description,
        "status": status(ranking.table),
        "facts": _facts(ranking),
        "ranking": _ranking(ranking),
        "families": _families(ranking),
        "filters": _filters(ranking),
        "tasks": _tasks(ranking),
        "rules": _rules(ranking),
        "not_run": ["/".join(name) for name in ranking.not_run],
        "notes": [*notes(ranking.table), *_changes(ranking), *ranking.data.problems, *_invalid(ranking)],
        "compare": links.relative(PAGE, links.comparisons(ranking)),
        "files": [(name, links.relative(PAGE, links.numbers(ranking, name))) for name in ("table", "scores", "costs")],
    }


def _facts(ranking: Ranking) -> list[str]:
    """The line under the title: how much of what, from when."""
    table, records, suite = ranking.table, ranking.table.records, ranking.table.suite
    counts = [n for entry in ranking.entries for n in entry.row.n]
    steps = sorted({task.total_env_steps or suite.protocol.total_env_steps for task in suite.tasks.values()})
    families = words.plural(table.families, "family", "families")
    return [
        words.plural(len(ranking.entries), "entry", "entries"),
        f"{words.plural(len(ranking.ranked_tasks), 'ranked task')} in {families}",
        f"{words.span(min(counts), max(counts))} seeds each",
        f"{words.listed(f'{step:,}' for step in steps)} environment steps",
        f"track {ranking.track}: {words.TRACKS.get(ranking.track, '')}",
        words.listed(sorted({record.numerics.device_kind for record in records})),
        f"newest record {max(entry.date for entry in ranking.entries)}",
    ]


def _ranking(ranking: Ranking) -> Grid:
    several = len({device for entry in ranking.entries for device in entry.row.devices}) > 1
    scores = [e.row.primary for e in ranking.entries if e.row.primary is not None]
    domain = charts.span(end for score in scores for end in (score.value, score.low, score.high))
    above, below = ranking.above, ranking.below
    titled = {algorithm if len(above) > 1 else "": entries for algorithm, entries in above.items()}
    titled |= {"Shown, not ranked" if above else "Not ranked": below} if below else {}
    groups = [
        Group(tuple(_line(ranking, entry, domain, several) for entry in entries), title)
        for title, entries in titled.items()
    ]
    caption = f"Ranking of {ranking.table.label}, track {ranking.track}"
    return Grid(f"{links.anchor(ranking)}-ranking", caption, _columns(ranking, several), tuple(groups))


def _columns(ranking: Ranking, several: bool) -> tuple[Column, ...]:
    level = f"{ranking.interval['level'] * 100:g}%"
    device = [Column("Device", "What it was trained on.", number=False)] if several else []
    return (
        Column("Rank", f"By the mean, within one algorithm; behind it the {level} interval of the rank.", number=False),
        Column("Entry", "The torso; with its algorithm where there are several.", number=False),
        Column(
            "Mean",
            f"Normalised score: mean over families, tasks and seeds, with its {level} interval.",
            sorted="descending",
        ),
        Column("P(best)", "Probability that it has the highest mean of all that are ranked with its algorithm."),
        Column(
            "IQM",
            "Interquartile mean: of the middle half of all runs, families weighing the same; its interval is on the "
            "page of the entry.",
        ),
        Column("Solved", f"Families whose whole interval reaches {SOLVED_AT:g}."),
        Column("Gain", "Share of what memory can add: 0 is the better control, 1 the ceiling."),
        Column("n", f"Seeds of each task; {FEW_MARK} fewer than {FEW_SEEDS}."),
        Column("Parameters", "Of the torso alone."),
        Column("State", "Bytes that the torso carries for one environment."),
        Column("FLOPs/step", "Floating-point operations of training for each environment step."),
        Column("Steps/s", "Environment steps a second, all seeds of a batch together; median over tasks."),
        *device,
        Column("Gates", "Checks that it acts as it learns; one that fails one is not ranked."),
        Column("Date", "Of its newest record.", number=False),
        Column("Commit", "Of the code that made it.", number=False),
    )


def _line(ranking: Ranking, entry: Entry, domain: charts.Interval, several: bool) -> Line:
    row, cost = entry.row, entry.cost
    name = entry_cell(PAGE, ranking, entry)
    shared = shared_reasons(ranking.table)
    told = ranking.table.draft or entry.kind != "unranked"  # above the table, or nothing to tell
    why = [] if told else [reason for reason in entry.why if reason not in shared]
    flops, iqm = cost.flops_per_env_step, entry.standing.iqm if entry.standing else None
    cells = (
        _rank_cell(entry),
        Cell(name.text, name.order, _short("; ".join(why)), href=name.href, tags=name.tags, header=True),
        bar_cell(row.primary, domain),
        missing() if entry.rank is None else Cell(words.chance(entry.rank.p_best), entry.rank.p_best),
        missing() if iqm is None else Cell(words.value(iqm.value), iqm.value),
        Cell(f"{row.solved}/{ranking.table.families}", row.solved),
        missing() if row.gain is None else Cell(words.value(row.gain), row.gain),
        seeds_cell(*row.n),
        Cell(words.between(cost.torso_parameters), (cost.torso_parameters or (None,))[0]),
        Cell(words.between(cost.state_bytes, words.exact), (cost.state_bytes or (None,))[0]),
        Cell(words.between(flops), flops[0] if flops else None),
        Cell(words.count(row.steps_per_s), row.steps_per_s),
        *([Cell(" + ".join(row.devices), " + ".join(row.devices))] if several else []),
        gates_cell(entry),
        Cell(entry.date, entry.date),
        Cell(commits_of(entry), commits_of(entry), look="code"),
    )
    return Line(cells, _line_facts(entry), look=entry.kind)


def _line_facts(entry: Entry) -> dict[str, str]:
    algorithm, torso = entry.name
    return {"algorithm": algorithm, "torso": torso, "device": " + ".join(entry.row.devices)}


def _rank_cell(entry: Entry) -> Cell:
    if entry.rank is None:
        return missing()
    return Cell(str(entry.rank.rank), entry.rank.rank, words.places(entry.rank), look="rank")


def _families(ranking: Ranking) -> Grid:
    """Scores by family: the same rows in the same order; the last column is filled in where a choice is made."""
    table = ranking.table
    columns = [
        Column("Entry", number=False),
        *(
            Column(
                f"{column.title}{'' if column.why_unranked is None else '*'}",
                ", ".join(column.tasks)
                + ("" if column.why_unranked is None else f": not ranked, {column.why_unranked}"),
                key="" if column.why_unranked else column.title,
            )
            for column in table.columns
        ),
    ]
    if table.families > 1:
        columns.append(Column("Mean of the families shown", "Without an interval.", key="shown-mean"))
    lines = []
    for entry in ranking.entries:
        mean = [missing(look="shown-mean")] if table.families > 1 else []
        cells = (entry_cell(PAGE, ranking, entry), *map(family_cell, entry.row.cells), *mean)
        lines.append(Line(cells, _line_facts(entry), look=entry.kind))
    caption = f"Scores of {table.label} by family of tasks, track {ranking.track}"
    return Grid(f"{links.anchor(ranking)}-families", caption, tuple(columns), (Group(tuple(lines)),))


def _filters(ranking: Ranking) -> dict[str, list[str]]:
    """What can be chosen among; nothing where there is one choice."""
    facts = [_line_facts(entry) for entry in ranking.entries]
    found = {name: sorted({fact[name] for fact in facts}) for name in ("algorithm", "device")}
    families = [column.title for column in ranking.table.columns if column.why_unranked is None]
    return {name: choices * (len(choices) > 1) for name, choices in {**found, "family": families}.items()}


def _tasks(ranking: Ranking) -> list[dict[str, str]]:
    table = ranking.table
    return [
        {
            "label": label,
            "href": links.relative(PAGE, links.task(ranking, label)),
            "family": table.suite.tasks[label].family,
        }
        for column in table.columns
        for label in column.tasks
    ]


def _rules(ranking: Ranking) -> list[str]:
    """How to read it, in full sentences."""
    table, interval = ranking.table, ranking.interval
    packages = sorted({record.comparable.task_package for record in table.records})
    needed = max(MIN_RANKED_SEEDS, table.suite.protocol.min_seeds)
    return [
        "A score is normalised: 0 is the floor of its task, about what blind play earns, 1 its ceiling. The mean is "
        "taken over the seeds of a task, the tasks of a family, then the families, so that three difficulties of one "
        "game have one vote.",
        f"Brackets hold {interval['level'] * 100:g}% percentile intervals of a bootstrap over seeds within each task "
        f"({interval['reps']:,} resamples, seed {interval['seed']}): they speak of these tasks and of fresh seeds.",
        "Ranks are of the mean, within one algorithm. Where the intervals of two ranks overlap, their order is not "
        "settled.",
        f"An entry is ranked that has every ranked task with {needed} seeds or more, passed every gate, was trained on "
        "the budget, saw what the protocol offers, and is made of code that this library has. Controls have no memory: "
        "their ranks show what can be done without.",
        f"Only numbers with one key share a ranking: benchmark {ranking.resolved.benchmark_hash[:8]}, protocol, tasks "
        f"and their versions, {words.listed(packages)}, and the track.",
        f"A seed that diverged counts as the least return its task allows. {MISSING} stands for what was not run.",
    ]


def _changes(ranking: Ranking) -> list[str]:
    return [
        f"{'/'.join(entry.name)} is configured otherwise than the suite says now: its page says in what"
        for entry in ranking.entries
        if entry.changes
    ]


def _invalid(ranking: Ranking) -> list[str]:
    label = ranking.table.label
    found = []
    for one in ranking.scan.invalid:
        parts = one.path.parts
        place = "/".join(parts[parts.index(label) :] if label in parts else parts[-1:])
        found.append(f"not valid, not counted: {place}: {one.reason}")
    return found


def _short(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:88]}\N{HORIZONTAL ELLIPSIS}"
